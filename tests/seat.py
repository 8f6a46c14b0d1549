"""Takes a place on the servers for this test process, before settings are read: load it with `-p tests.seat`.

The servers are those of DATABASE_URL and REDIS_URL, else the embedded ones of the profile `test`. The place's addresses
go into the environment, so that settings, Celery and any `manage.py` that a test starts find the same database, and any
number of test runs can go on side by side. `tests.database` makes and empties what is there.
"""

import os
from collections.abc import Generator

import pytest

from instainstru.local.databases.seats import Seat
from instainstru.local.servers import ensure

SEAT = pytest.StashKey[Seat]()


@pytest.hookimpl(wrapper=True)  # a wrapper runs before pytest-django, which reads the settings here
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None]:
    asked_for_workers = getattr(early_config.known_args_namespace, "numprocesses", None)
    is_worker = "PYTEST_XDIST_WORKER" in os.environ
    if is_worker or not asked_for_workers:  # the one that only hands tests out needs no place
        early_config.stash[SEAT] = _take_seat()
    return (yield)


def pytest_unconfigure(config: pytest.Config) -> None:
    if seat := config.stash.get(SEAT, None):
        seat.leave()


def _take_seat() -> Seat:
    database_url, redis_url = os.environ.get("DATABASE_URL"), os.environ.get("REDIS_URL")
    if not (database_url and redis_url):
        embedded = ensure("test")
        database_url, redis_url = database_url or embedded.database_url, redis_url or embedded.redis_url
    seat = Seat.take(database_url, redis_url)
    os.environ["DATABASE_URL"], os.environ["REDIS_URL"] = seat.database_url, seat.redis_url
    return seat
