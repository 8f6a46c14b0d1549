"""Something happens in the middle of something else, at an exact place and without a sleep that matters."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

from instainstru.local.points import watched
from tests.concurrency.meeting import as_a_request

Act = Callable[[], object]

_WAITS = """
    SELECT EXISTS (SELECT FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE NOT granted AND datname = %s)
"""


class Boundaries:
    """The places at which somebody else can come between: before each transaction and before each commit, before each
    write without a transaction, and before each call to Stripe.

    What comes after one of these comes before the next. Before a commit locks are held: who comes then and wants them
    goes as far as it can, and on from there as soon as it can, before the first one does anything else.
    """

    def __init__(self) -> None:
        self._of_thread = threading.local()

    def count(self, act: Act) -> int:
        """Do something, and return how many boundaries it has."""
        visits: list[None] = []
        with self._hooks(), ThreadPoolExecutor(1) as thread:
            thread.submit(self._watch, act, lambda: visits.append(None)).result()
        return len(visits)

    def interrupt(self, first: Act, second: Act, *, at: int) -> list[object]:
        """Do one thing in the middle of another, at its boundary of that number; return what each gave."""
        visits = itertools.count()
        others: list[Future[object]] = []
        with self._hooks(), _eyes_on_the_locks() as somebody_waits, ThreadPoolExecutor(2) as threads:

            def let_in() -> None:
                if next(visits) == at:
                    others.append(threads.submit(as_a_request, second))
                while others and not others[0].done() and not somebody_waits():
                    time.sleep(0.005)

            given = threads.submit(self._watch, first, let_in).result()
            return [given, *(other.result() for other in others)]

    def _watch(self, act: Act, visit: Callable[[], None]) -> object:
        self._of_thread.visit = visit
        return as_a_request(act)

    @contextmanager
    def _hooks(self) -> Iterator[None]:
        def visit(point: str) -> None:
            if point.startswith("before") and (of_thread := getattr(self._of_thread, "visit", None)):
                of_thread()

        set_autocommit = BaseDatabaseWrapper.set_autocommit

        def watched_begin(self: BaseDatabaseWrapper, autocommit: bool, *rest: Any, **named: Any) -> None:
            if not autocommit:
                visit("before a transaction")
            set_autocommit(self, autocommit, *rest, **named)

        with watched(visit), pytest.MonkeyPatch.context() as patch:
            patch.setattr(BaseDatabaseWrapper, "set_autocommit", watched_begin)
            yield


@contextmanager
def _eyes_on_the_locks() -> Iterator[Callable[[], bool]]:
    """Yield a look at whether anybody in this database waits for a lock, over a connection of its own."""
    parameters = connection.get_connection_params()
    wanted = {name: parameters[name] for name in ("dbname", "user", "password", "host", "port") if name in parameters}
    with psycopg.connect(**wanted, autocommit=True) as eyes:

        def somebody_waits() -> bool:
            found = eyes.execute(_WAITS, [wanted["dbname"]]).fetchone()
            return bool(found and found[0])

        yield somebody_waits
