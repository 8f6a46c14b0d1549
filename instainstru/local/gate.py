"""The gate that a worker's tasks pass and that a traveller shuts, so that nothing is done at two times at once.

A traveller runs the sweeps itself, each at its own instant. A task of a worker, carried out meanwhile, would read the
clock of the next hop and skip what lay between. So each task shares a lock for as long as it runs, and a traveller
takes it alone: it waits for the tasks that run, and those that come wait for it. Both locks are advisory ones of a
PostgreSQL session: however a process dies, the gate is open again, and beat and its tables are left alone.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from celery.signals import task_postrun, task_prerun
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import OperationalError
from psycopg.errors import LockNotAvailable

LOCKS = 0x7124  # the first key of both advisory locks; the second is one of the next two
TRAVELLER, TASKS = 1, 2
PATIENCE = 60  # seconds for the tasks that run to end; most take a fraction of one

_own = threading.local()


class CannotTravel(Exception):
    """Somebody travels already, or a task does not end; the message says which."""


@contextmanager
def shut() -> Iterator[None]:
    """Let no task of any worker begin, once those that run have ended, until the block ends. Raises CannotTravel."""
    session = connection.copy()  # a session of its own, so that no one else's closing drops the locks
    try:
        with session.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [LOCKS, TRAVELLER])
            if cursor.fetchone() != (True,):
                raise CannotTravel("Somebody else is travelling right now. Wait until they have arrived.")
            cursor.execute(f"SET lock_timeout = '{PATIENCE}s'")
            try:
                cursor.execute("SELECT pg_advisory_lock(%s, %s)", [LOCKS, TASKS])
            except OperationalError as error:
                if isinstance(error.__cause__, LockNotAvailable):
                    raise CannotTravel(f"A task of the worker did not end within {PATIENCE} seconds.") from error
                raise
        yield
    finally:
        session.close()


def put_before_tasks() -> None:
    """Let every task of this process pass the gate from now on."""
    task_prerun.connect(_pass)
    task_postrun.connect(_leave)


def _pass(sender: Any, **_: Any) -> None:
    """Wait for the traveller, if there is one; a task that a traveller runs itself is on its side of the gate."""
    if not sender.request.is_eager:
        session = _session()
        session.close_if_unusable_or_obsolete()
        with session.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock_shared(%s, %s)", [LOCKS, TASKS])


def _leave(sender: Any, **_: Any) -> None:
    if not sender.request.is_eager:
        with _session().cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock_shared(%s, %s)", [LOCKS, TASKS])


def _session() -> BaseDatabaseWrapper:
    """Return this thread's session for the gate; Celery closes Django's own ones as it sees fit."""
    session: BaseDatabaseWrapper | None = getattr(_own, "session", None)
    if session is None:
        session = _own.session = connection.copy()
    return session
