"""What tests of pages share: a browser's session for each of the cast, and reading what a page says."""

import re
from html.parser import HTMLParser

from django.http import HttpResponse
from django.test import Client

from instainstru.accounts.models import User


def signed_in(user: User | None) -> Client:
    """Return a browser in which that user, or nobody, is logged in."""
    client = Client()
    if user is not None:
        client.force_login(user)
    return client


def words_of(response: HttpResponse) -> str:
    """Return what a page's main part says, as one line of text."""
    reader = _Reader()
    reader.feed(response.content.decode())
    return re.sub(r"\s+", " ", " ".join(reader.words)).strip()


def hidden_in(response: HttpResponse) -> dict[str, str]:
    """Return the hidden fields of a page's forms, the CSRF token aside; of several of a name the last."""
    reader = _Reader()
    reader.feed(response.content.decode())
    return {name: value for name, value in reader.hidden.items() if name != "csrfmiddlewaretoken"}


def links_in(response: HttpResponse) -> list[str]:
    """Return where the links in a page's main part lead to."""
    reader = _Reader()
    reader.feed(response.content.decode())
    return reader.links


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.links: list[str] = []
        self.hidden: dict[str, str] = {}
        self._in_main = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self._in_main = self._in_main or tag == "main"
        if self._in_main and tag == "a":
            self.links.append(given.get("href", ""))
        if tag == "input" and given.get("type") == "hidden":
            self.hidden[given["name"]] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "main":
            self._in_main = False

    def handle_data(self, data: str) -> None:
        if self._in_main:
            self.words.append(data.strip())
