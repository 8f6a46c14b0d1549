"""Gives every test process its database in no time, and takes back what a test did to it.

A pytest plugin, to be named in `pytest_plugins`: it then comes after pytest-django and replaces its fixture.
"""

from collections.abc import Callable, Generator
from contextlib import closing

import pytest
from django.db import connections
from django.test import TransactionTestCase
from pytest_django import DjangoDbBlocker

from instainstru.local.databases import template
from instainstru.local.databases.seed import Seed
from tests.seat import SEAT

SEED = pytest.StashKey[Seed]()


@pytest.fixture(scope="session")
def django_db_setup(
    request: pytest.FixtureRequest, django_test_environment: None, django_db_blocker: DjangoDbBlocker
) -> Generator[None]:
    """Clone the migrated template instead of migrating, and let transactional tests clean up by the seed."""
    seat = request.config.stash[SEAT]
    with django_db_blocker.unblock():
        template.make_database(seat)
    with closing(Seed(seat.database_url)) as seed, pytest.MonkeyPatch.context() as patch:
        seed.plant()
        request.config.stash[SEED] = seed
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda _: seed.bring_back())
        patch.setattr(TransactionTestCase, "_should_reload_connections", lambda _: _keep_connections_that_are_well())
        yield
    with django_db_blocker.unblock():
        connections.close_all()


@pytest.fixture(autouse=True)
def empty_redis(request: pytest.FixtureRequest) -> None:
    """Begin every test with nothing in Redis: no cache, no throttle, no mutex of the test before."""
    request.config.stash[SEAT].empty_redis()


@pytest.fixture
def start_over(request: pytest.FixtureRequest, transactional_db: None) -> Callable[[], None]:
    """Bring database and Redis back to their beginning in the middle of a test that plays a story many times."""

    def bring_back() -> None:
        request.config.stash[SEED].bring_back()
        request.config.stash[SEAT].empty_redis()

    return bring_back


def _keep_connections_that_are_well() -> bool:
    """Do as between two requests, and say that no more has to be closed: a new connection has no statement prepared."""
    for connection in connections.all(initialized_only=True):
        connection.close_if_unusable_or_obsolete()
    return False
