"""Something happens in the middle of something else, at an exact place and without a sleep."""

import itertools
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from payments import engine, gateway
from tests.concurrency.meeting import as_a_request


class Boundaries:
    """Lets something happen where an operation under way holds no lock: before each Stripe call, and before its end."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._of_thread = threading.local()
        send, run_steps = gateway.send, engine.run_steps

        def send_after_a_visit(*given: Any, **named: Any) -> gateway.Answer:
            self._visit()
            return send(*given, **named)

        def visit_after_the_steps(*given: Any, **named: Any) -> bool:
            finished = run_steps(*given, **named)
            self._visit()
            return finished

        monkeypatch.setattr(gateway, "send", send_after_a_visit)
        monkeypatch.setattr(engine, "run_steps", visit_after_the_steps)

    def count(self, act: Callable[[], object]) -> int:
        """Do something, and return how many boundaries it has."""
        visits: list[None] = []
        self._watch(act, lambda: visits.append(None))
        return len(visits)

    def interrupt(self, first: Callable[[], object], second: Callable[[], object], *, at: int) -> list[object]:
        """Do one thing in the middle of another, at its boundary of that number; return what each gave."""
        visits, given = itertools.count(), []

        def interrupt() -> None:
            if next(visits) == at:
                given.append(self._watch(second, lambda: None))

        return [self._watch(first, interrupt), *given]

    def _watch(self, act: Callable[[], object], visit: Callable[[], None]) -> object:
        def watched() -> object:
            self._of_thread.visit = visit
            return as_a_request(act)

        with ThreadPoolExecutor(1) as thread:
            return thread.submit(watched).result()

    def _visit(self) -> None:
        if visit := getattr(self._of_thread, "visit", None):
            visit()
