"""One request of one person, and what becomes of it: answered, or asked again under the same key until it is."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any
from uuid import UUID

from instainstru.local.demo.client import Answer, plain, send

Json = dict[str, Any]
TIMEOUT = 15.0  # seconds; a request that moves money answers within ten
PATIENCE = 60.0  # seconds of asking again
BREATH = (0.2, 0.8)  # seconds before asking again
LONGEST_WAIT = 3.0  # seconds of what a server may ask a person to wait
NO_ANSWER = "no answer"
# Neither yes nor no: ask again, with the same key.
NOT_NOW = {HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE}
IN_THE_WAY = {"operation_in_progress", "idempotency_key_in_use"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """One time that something was asked. `result` is a status and a code, or NO_ANSWER."""

    kind: str
    at: float  # by time.monotonic
    seconds: float
    result: str
    is_answered: bool


@dataclass(slots=True, kw_only=True)
class Asked:
    """One thing that a person wanted, however often they had to ask for it."""

    kind: str
    email: str
    key: str  # empty where asking twice is harmless
    tries: int = 0
    unanswered: int = 0
    status: int | None = None  # of the last answer
    code: str = ""
    body: Json = field(default_factory=dict)
    retry_after: float = 0.0

    @property
    def is_done(self) -> bool:
        return self.status is not None and self.status < HTTPStatus.BAD_REQUEST


class Record:
    """All that was asked, by all clients."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.tries: list[Try] = []
        self.asked: list[Asked] = []

    def add_try(self, one: Try) -> None:
        with self._lock:
            self.tries.append(one)

    def add(self, asked: Asked) -> None:
        with self._lock:
            self.asked.append(asked)


@dataclass(slots=True)
class Person:
    """Somebody with a browser: where they come from, and their token once they have one."""

    email: str
    address: str
    token: str = ""
    rests_until: float = 0.0  # by time.monotonic; the throttle has told them


class Asker:
    """A client of the API. It repeats what got no answer, under the key that it was asked with first."""

    def __init__(self, sites: list[str], record: Record, rng: random.Random) -> None:
        self._sites = sites
        self._record = record
        self._rng = rng

    def get(self, person: Person, kind: str, path: str) -> Asked:
        return self._ask(person, Asked(kind=kind, email=person.email, key=""), "GET", path, None)

    def post(self, person: Person, kind: str, path: str, **body: Any) -> Asked:
        key = str(UUID(int=self._rng.getrandbits(128), version=4)) if person.token else ""  # a stranger's is not kept
        return self._ask(person, Asked(kind=kind, email=person.email, key=key), "POST", path, body)

    def put(self, person: Person, kind: str, path: str, **body: Any) -> Asked:
        return self._ask(person, Asked(kind=kind, email=person.email, key=""), "PUT", path, body)

    def _ask(self, person: Person, asked: Asked, method: str, path: str, body: Json | None) -> Asked:
        deadline = time.monotonic() + PATIENCE
        while True:
            answer = self._try(person, asked, method, path, body)
            if answer is not None:
                _take_in(asked, answer)
                if answer.status not in NOT_NOW and asked.code not in IN_THE_WAY:
                    break
            if time.monotonic() > deadline:
                break
            time.sleep(max(min(asked.retry_after, LONGEST_WAIT), self._rng.uniform(*BREATH)))
        if asked.status == HTTPStatus.TOO_MANY_REQUESTS:
            person.rests_until = time.monotonic() + asked.retry_after
        self._record.add(asked)
        return asked

    def _try(self, person: Person, asked: Asked, method: str, path: str, body: Json | None) -> Answer | None:
        """Ask once, a load balancer's choice of servers; None if no answer came."""
        headers = {
            "Accept": "application/json",
            "Content-Type": "application/json",
            "X-Forwarded-For": person.address,
        }
        if asked.key:
            headers["Idempotency-Key"] = asked.key
        if person.token:
            headers["Authorization"] = f"Token {person.token}"
        content = None if body is None else json.dumps(plain(body))
        url = f"{self._rng.choice(self._sites)}/api/v1/{path}"
        began = time.monotonic()
        answer: Answer | None = None
        try:
            answer = send(url, method, content, headers, timeout=TIMEOUT)
        except (OSError, http.client.HTTPException):
            asked.unanswered += 1
        asked.tries += 1
        self._record.add_try(
            Try(
                kind=asked.kind,
                at=began,
                seconds=time.monotonic() - began,
                result=NO_ANSWER if answer is None else _in_short(answer),
                is_answered=answer is not None,
            )
        )
        return answer


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _take_in(asked: Asked, answer: Answer) -> None:
    document = _document(answer)
    asked.status = answer.status
    asked.body = document
    asked.code = str(document.get("code", "")) if answer.status >= HTTPStatus.BAD_REQUEST else ""
    asked.retry_after = float(answer.headers.get("retry-after", 0))


def _in_short(answer: Answer) -> str:
    if answer.status < HTTPStatus.BAD_REQUEST:
        return str(answer.status)
    return f"{answer.status} {_document(answer).get('code', '')}".strip()


def _document(answer: Answer) -> Json:
    return answer.document if answer.text else {}
