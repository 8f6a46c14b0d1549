"""What a request costs the database alone: its own statements, caught as it is served, sent again by psycopg.

A request that changes something finds the database in each replay as it found it at first, in a copy, so that every row
is there to be inserted and changed and every commit is a commit.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import psycopg
from django.db import connection, connections
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from instainstru.local.databases import maintenance
from tests.benchmarks.findings import median
from tests.benchmarks.load import Asked
from tests.benchmarks.place import Place
from tests.benchmarks.web.settings import REST_FRAMEWORK

BOUNDARY = re.compile(r"(BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE)\b")


class BareSql:
    """One request's statements, and where they can be sent again."""

    def __init__(self, place: Place, request: Callable[[], object], *, only_reads: bool) -> None:
        """Serve the request and catch what it says; unless it only reads, keep a copy of the database from before."""
        self._server, self._url = place.seat.server, place.seat.database_url
        self._before = None if only_reads else f"{place.seat.database}_before"
        if self._before:
            connections.close_all()  # what somebody is connected to can't be copied
            maintenance.clone(self._server, place.seat.database, self._before)
        with CaptureQueriesContext(connection) as caught:
            request()
        self._said = [query["sql"] for query in caught.captured_queries]

    @property
    def statements(self) -> list[str]:
        """What was said, without the boundaries of transactions."""
        return [sql for sql in self._said if not BOUNDARY.match(sql)]

    def milliseconds(self, times: int) -> float:
        """Return the median of so many replays, and drop the copies."""
        if self._before is None:
            return median(self._replay(self._url) for _ in range(times))
        took, copy = [], f"{self._before}_again"
        for _ in range(times):
            maintenance.clone(self._server, self._before, copy)
            took.append(self._replay(maintenance.with_database(self._url, copy)))
        for name in (copy, self._before):
            maintenance.drop(self._server, name)
        return median(took)

    def _replay(self, url: str) -> float:
        with psycopg.connect(url, autocommit=True) as bare:
            for sql in self._said:  # the catalogues are read, as on a connection that has been up for long
                if sql.startswith("SELECT") and "FOR UPDATE" not in sql:
                    bare.execute(sql)
            started = time.perf_counter()
            for sql in self._said:
                bare.execute(sql)
            return (time.perf_counter() - started) * 1000


def answer_to(asked: Asked) -> dict[str, Any]:
    """Serve a request in this process and return what it is answered with; it has to go well."""
    client = APIClient()
    if asked.token:
        client.credentials(HTTP_AUTHORIZATION=f"Token {asked.token}")
    with override_settings(
        ROOT_URLCONF="tests.benchmarks.web.urls", CLOCK_TRAVELS=False, REST_FRAMEWORK=REST_FRAMEWORK
    ):
        answer = client.generic(asked.method, asked.path, asked.body, content_type="application/json")
    assert answer.status_code < 300, answer.json()
    return answer.json()


def statements_of(request: Callable[[], object]) -> list[str]:
    """Return what a request says to the database, without the boundaries of transactions."""
    with CaptureQueriesContext(connection) as caught:
        request()
    return [query["sql"] for query in caught.captured_queries if not BOUNDARY.match(query["sql"])]
