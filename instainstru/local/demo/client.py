"""The marketplace's HTTP API, and Stripe's pages, as a program outside uses them."""

from __future__ import annotations

import http.client
import json
import time
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import uuid4

Json = dict[str, Any]
TIMEOUT = 60  # seconds; a request that moves money answers within ten
IMPATIENT_AFTER = 90  # seconds of being told to wait; a throttle's window is 60
NOT_NOW = (HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)  # with a Retry-After


class ApiProblem(Exception):
    """The API, or a page of Stripe's, refused; `code` is the stable one of the API's problem document."""

    def __init__(self, status: int, document: Json) -> None:
        self.status = status
        self.code = document.get("code", "")
        super().__init__(f"{status} {self.code}: {document.get('detail') or document}")


class Api:
    """One person's way in: the base address and, once logged in, a token."""

    def __init__(self, site: str) -> None:
        self._site = site.rstrip("/")
        self._token = ""

    def log_in(self, email: str, password: str) -> None:
        self._token = self.post("auth/login", email=email, password=password)["token"]

    def get(self, path: str, **query: Any) -> Json:
        return self._ask("GET", f"{path}?{urlencode(plain(query))}" if query else path)

    def post(self, path: str, **body: Any) -> Json:
        return self._ask("POST", path, body)

    def put(self, path: str, **body: Any) -> Json:
        return self._ask("PUT", path, body)

    def _ask(self, method: str, path: str, body: Json | None = None) -> Json:
        """Ask, once more under the same key whenever told to wait, and return the answer's body. Raises ApiProblem."""
        headers = {"Accept": "application/json", "Content-Type": "application/json", "Idempotency-Key": str(uuid4())}
        if self._token:
            headers["Authorization"] = f"Token {self._token}"
        content = None if body is None else json.dumps(plain(body))
        deadline = time.monotonic() + IMPATIENT_AFTER
        while True:
            answer = send(f"{self._site}/api/v1/{path}", method, content, headers)
            if answer.status < HTTPStatus.BAD_REQUEST:
                return json.loads(answer.text or "{}")
            wait = answer.headers.get("retry-after")
            if wait is None or answer.status not in NOT_NOW or time.monotonic() > deadline:
                raise ApiProblem(answer.status, answer.document)
            time.sleep(float(wait))


def press(page: str, button: str) -> None:
    """Press a button of one of Stripe's pages, and don't follow where it sends the browser. Raises ApiProblem."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = send(page, "POST", urlencode({button: "1"}), headers)
    if answer.status >= HTTPStatus.BAD_REQUEST:
        raise ApiProblem(answer.status, {"detail": f"{page} says {answer.text}"})


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whatever it says."""

    status: int
    headers: dict[str, str]  # names in lower case
    text: str

    @property
    def document(self) -> Json:
        return json.loads(self.text) if "json" in self.headers.get("content-type", "") else {}


def send(url: str, method: str, content: str | None, headers: dict[str, str], *, timeout: float = TIMEOUT) -> Answer:
    """Send one request on a connection of its own. Raises OSError or http.client.HTTPException without an answer."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=timeout)
    try:
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        connection.request(method, path, content, headers)
        answer = connection.getresponse()
        named = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, named, answer.read().decode())
    finally:
        connection.close()


def plain(values: Json) -> Json:
    """Return values as JSON can say them."""
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()}
