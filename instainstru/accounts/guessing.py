"""Guessing at passwords, counted by where it comes from and by whom it is about, on pages and in the API together.

A login that succeeds is taken back: a school behind one address logs in as often as it likes, a guesser gains nothing.
"""

import hashlib

from django.http import HttpRequest
from rest_framework.request import Request

from instainstru.api import throttles

SCOPE = "guess"


def seconds_to_wait(request: HttpRequest, email: str | None) -> float:
    """Count one attempt and return 0, or how long to wait if it is one too many."""
    # Every client is counted, also when another already has to wait: who guesses can't learn which it was.
    return max(throttles.seconds_to_wait(scope=SCOPE, who=who) for who in _clients(request, email))


def take_back(request: HttpRequest | Request, email: str) -> None:
    """Uncount an attempt that turned out to be no guess."""
    for who in _clients(request, email):
        throttles.take_back(scope=SCOPE, who=who)


def name_of(email: str) -> str:
    """Return the name under which attempts at one e-mail address are counted; the address itself is not kept."""
    return f"email:{hashlib.sha256(email.strip().lower().encode()).hexdigest()[:32]}"


def _clients(request: HttpRequest | Request, email: str | None) -> list[str]:
    return [throttles.address_of(request), *([name_of(email)] if email else [])]
