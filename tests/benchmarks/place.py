"""Where a benchmark runs: a database and a Redis database of its own, and how much of everything.

No Django at the top: the place is taken before settings are read, as a test run does (`tests.seat`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import django

from instainstru.local.databases.seats import Seat
from instainstru.local.servers import ensure
from instainstru.local.servers.profile import Profile

PROFILE = "bench"  # servers of its own, which keep what is committed as a production's do; the tests' don't


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How much is measured. `is_quick` shows that it works; its figures mean nothing."""

    is_quick: bool
    seconds: float  # that each point may take
    payments: int  # that are due in the settlement sweep
    web_processes: int
    web_threads: int
    worker_threads: int


@dataclass(frozen=True, slots=True)
class Place:
    """The place of one run; `start_over` makes it as new for the next benchmark."""

    seat: Seat
    logs: Path

    def start_over(self) -> None:
        from django.db import connections

        from instainstru.local.databases import template

        connections.close_all()
        template.make_database(self.seat)
        self.seat.empty_redis()


@contextmanager
def take_place() -> Iterator[Place]:
    """Take a seat on the servers of DATABASE_URL and REDIS_URL, else on embedded ones, and set Django up there.

    Its addresses stand in the environment, so that every program that is started finds the same place.
    """
    database_url, redis_url = os.environ.get("DATABASE_URL"), os.environ.get("REDIS_URL")
    if not (database_url and redis_url):
        embedded = ensure(PROFILE)
        database_url, redis_url = database_url or embedded.database_url, redis_url or embedded.redis_url
    seat = Seat.take(database_url, redis_url)
    os.environ |= {
        "DATABASE_URL": seat.database_url,
        "REDIS_URL": seat.redis_url,
        "DJANGO_SETTINGS_MODULE": "instainstru.settings",
    }
    try:
        django.setup()
        yield Place(seat, Profile.named(PROFILE).folder / "log" / f"seat-{seat.number}")
    finally:
        from django.db import connections

        connections.close_all()
        seat.leave()
