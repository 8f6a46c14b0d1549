"""What a request costs the database alone: its own statements, caught as it is served, sent again by psycopg.

Each replay finds the database as the request found it, in a copy, so that every row is there to be inserted and changed
and every commit is a commit.
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
    """One request's statements, and the database as it was before them."""

    def __init__(self, place: Place, request: Callable[[], object]) -> None:
        """Keep a copy of the database, then serve the request and catch what it says."""
        self._server, self._name = place.seat.server, place.seat.database
        self._url = place.seat.database_url
        self._before = f"{self._name}_before"
        connections.close_all()  # what somebody is connected to can't be copied
        maintenance.clone(self._server, self._name, self._before)
        with CaptureQueriesContext(connection) as caught:
            request()
        self._said = [query["sql"] for query in caught.captured_queries]

    @property
    def statements(self) -> list[str]:
        """What was said, without the boundaries of transactions."""
        return [sql for sql in self._said if not BOUNDARY.match(sql)]

    def milliseconds(self, times: int) -> float:
        """Return the median of so many replays, each in a copy of the database, and drop the copies."""
        took = [self._replay() for _ in range(times)]
        maintenance.drop(self._server, self._before)
        return median(took)

    def _replay(self) -> float:
        copy = f"{self._name}_replay"
        maintenance.clone(self._server, self._before, copy)
        with psycopg.connect(maintenance.with_database(self._url, copy), autocommit=True) as bare:
            for sql in self._said:  # reads the catalogues, which a server that has been up for long has done
                if sql.startswith("SELECT") and "FOR UPDATE" not in sql:
                    bare.execute(sql)
            started = time.perf_counter()
            for sql in self._said:
                bare.execute(sql)
            took = (time.perf_counter() - started) * 1000
        maintenance.drop(self._server, copy)
        return took


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
