"""The marketplace's HTTP API, and Stripe's pages, as a program outside uses them."""

from __future__ import annotations

import http.client
import json
import time
from datetime import datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

Json = dict[str, Any]
TIMEOUT = 60  # seconds; a request that moves money answers within ten
IMPATIENT_AFTER = 90  # seconds of being told to wait; a throttle's window is 60


class ApiProblem(Exception):
    """The API refused; `code` is the stable one of its problem document."""

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
        return self._ask("GET", f"{path}?{urlencode(_plain(query))}" if query else path)

    def post(self, path: str, **body: Any) -> Json:
        return self._ask("POST", path, body)

    def put(self, path: str, **body: Any) -> Json:
        return self._ask("PUT", path, body)

    def _ask(self, method: str, path: str, body: Json | None = None) -> Json:
        """Ask, again if told to wait, and return the answer's body. Raises ApiProblem."""
        deadline = time.monotonic() + IMPATIENT_AFTER
        while True:
            status, headers, text = self._send(method, path, body)
            if status < 400:
                return json.loads(text or "{}")
            if status != http.client.TOO_MANY_REQUESTS or time.monotonic() > deadline:
                raise ApiProblem(status, json.loads(text) if "json" in headers.get("content-type", "") else {})
            time.sleep(float(headers.get("retry-after", 1)))

    def _send(self, method: str, path: str, body: Json | None) -> tuple[int, dict[str, str], str]:
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        if self._token:
            headers["Authorization"] = f"Token {self._token}"
        content = None if body is None else json.dumps(_plain(body))
        return _send(f"{self._site}/api/v1/{path}", method, content, headers)


def press(page: str, button: str) -> None:
    """Press a button of one of Stripe's pages, and don't follow where it sends the browser. Raises RuntimeError."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    status, _headers, text = _send(page, "POST", urlencode({button: "1"}), headers)
    if status >= 400:
        raise RuntimeError(f"{page} answered {status}: {text}")


def _send(url: str, method: str, content: str | None, headers: dict[str, str]) -> tuple[int, dict[str, str], str]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=TIMEOUT)
    try:
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        connection.request(method, path, content, headers)
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read().decode()
    finally:
        connection.close()


def _plain(values: Json) -> Json:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()}
