"""The Stripe simulator within this process: the same answers without a network, for seeds by the thousand.

Everything else stays as it is: our calls go through the real SDK and the guard, and each request and each answer is
what it would be on the wire.
"""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Callable, Iterator
from email.message import Message
from typing import Any
from unittest import mock
from urllib.error import HTTPError
from urllib.parse import urlsplit

import urllib3
from django.test.utils import override_settings

from instainstru.local.simulator import SimulatorControl
from payments.simulator.application import Application
from payments.simulator.core import Core
from payments.simulator.wire.api import AnswerLost, HttpAnswer, HttpRequest

Json = dict[str, Any]
_numbers = itertools.count(1)


class NearbyControl(SimulatorControl):
    """Steers a simulator of this process, and does not ask again for what can't have changed."""

    def __init__(self, core: Core) -> None:
        # Of each its own, because the SDK's clients are kept by it; whatever is not caught on the way reaches nobody.
        super().__init__(f"http://stripe-{next(_numbers)}.invalid")
        self._core = core
        self._application = Application(core)
        self._known: dict[str, tuple[int, Any]] = {}

    def summary(self) -> Json:
        return self._unchanged("summary", super().summary)

    def live_holds(self) -> list[Json]:
        return self._unchanged("live_holds", super().live_holds)

    def answer(self, method: str, url: str, headers: dict[str, str], body: str) -> HttpAnswer:
        """Answer a request as the server would. Raises AnswerLost."""
        parts = urlsplit(url)
        named = {name.lower(): value for name, value in headers.items()}
        return self._application.answer(HttpRequest(method, parts.path, parts.query, named, body, self.url))

    def _ask(self, method: str, path: str, body: Json | None = None) -> Any:
        answer = self.answer(method, self.url + path, {}, "" if body is None else json.dumps(body))
        if answer.status >= 400:
            raise HTTPError(path, answer.status, answer.body.decode(), Message(), None)
        return json.loads(answer.body or b"{}")

    def _unchanged(self, what: str, ask: Callable[[], Any]) -> Any:
        with self._core.unit():  # what falls due by now happens first
            writes = self._core.objects.writes
        if what not in self._known or self._known[what][0] != writes:
            self._known[what] = writes, ask()
        return self._known[what][1]


@contextlib.contextmanager
def nearby_simulator() -> Iterator[SimulatorControl]:
    """Point this process's Stripe calls at a simulator of its own in memory, without webhooks."""
    core = Core()
    control = NearbyControl(core)

    class Nearby:
        """Stands in for the connections to Stripe, at their own interface."""

        def __init__(self, **settings: Any) -> None:
            pass

        def request(self, method: str, url: str, headers: dict[str, str], body: Any) -> urllib3.BaseHTTPResponse:
            text = body.decode() if isinstance(body, bytes) else body or ""
            try:
                answer = control.answer(method, url, headers, text)
            except AnswerLost as lost:
                raise urllib3.exceptions.ProtocolError("Connection aborted.") from lost
            return urllib3.HTTPResponse(answer.body, answer.headers, answer.status)

        def clear(self) -> None:
            pass

    try:
        with (
            mock.patch.object(urllib3, "PoolManager", Nearby),
            override_settings(STRIPE_API_BASE=control.url, STRIPE_CALLS_PER_SECOND=100_000),
        ):
            yield control
    finally:
        core.close()
