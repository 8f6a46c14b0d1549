"""A worker's connections outlive a restart of PostgreSQL: the next task has a living one."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from celery.signals import task_postrun, task_prerun
from django.db import OperationalError, connection

from payments.tasks import sweep_unfinished_operations


def break_the_connection() -> None:
    """Do to our connection what a restart of the server does to all."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
    other.close()


def select_one() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return cursor.fetchone()[0]


@contextmanager
def a_task_of_a_worker() -> Iterator[None]:
    """Tell whoever wants to know that a task begins, and that it has ended: a traveller waits for that."""
    told = {"sender": sweep_unfinished_operations, "task_id": "1", "task": sweep_unfinished_operations}
    task_prerun.send(**told)
    yield
    task_postrun.send(**told)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("noticed", [True, False], ids=["by a task that failed", "by nobody yet"])
def test_a_task_begins_with_a_living_connection(noticed):
    break_the_connection()
    if noticed:
        with pytest.raises(OperationalError):
            select_one()

    with a_task_of_a_worker():
        assert select_one() == 1
