"""Nothing is done at two times at once: a worker's tasks and a traveller keep out of each other's way."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.db import connection

from instainstru.local import gate
from instainstru.local.gate import CannotTravel
from instainstru.local.servers.profile import REPOSITORY

pytestmark = pytest.mark.django_db(transaction=True)

TASK = SimpleNamespace(request=SimpleNamespace(is_eager=False))
TASK_OF_THE_TRAVELLER = SimpleNamespace(request=SimpleNamespace(is_eager=True))

# Another process, which shuts the gate and is killed then.
TRAVELLER = """
import os, sys, time
import psycopg
session = psycopg.connect(sys.argv[1], autocommit=True)
for lock in sys.argv[3:]:
    session.execute("SELECT pg_advisory_lock(%s, %s)", [int(sys.argv[2]), int(lock)])
print("shut", flush=True)
time.sleep(60)
"""


class Worker:
    """A thread that carries out one task: it passes the gate, waits until it may end, and leaves."""

    def __init__(self) -> None:
        self.has_begun, self.may_end = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        gate._pass(TASK)
        self.has_begun.set()
        self.may_end.wait(20)
        gate._leave(TASK)
        gate._own.session.close()

    def end(self) -> None:
        self.may_end.set()
        self._thread.join(20)


@pytest.fixture
def worker() -> Iterator[Callable[[], Worker]]:
    workers: list[Worker] = []

    def start() -> Worker:
        workers.append(Worker())
        return workers[-1]

    yield start
    for one in workers:
        one.end()


def test_a_task_waits_until_the_traveller_has_arrived(worker):
    with gate.shut():
        waiting = worker()
        assert not waiting.has_begun.wait(0.3)

    assert waiting.has_begun.wait(5)


def test_a_traveller_waits_for_the_tasks_that_run(worker):
    running = worker()
    assert running.has_begun.wait(5)
    threading.Timer(0.3, running.may_end.set).start()
    began = time.monotonic()

    with gate.shut():
        assert time.monotonic() - began > 0.25


def test_a_task_that_does_not_end_keeps_the_traveller_at_home(worker, monkeypatch):
    monkeypatch.setattr(gate, "PATIENCE", 0.2)
    assert worker().has_begun.wait(5)

    with pytest.raises(CannotTravel, match="did not end"), gate.shut():
        pass


def test_tasks_run_side_by_side(worker):
    assert worker().has_begun.wait(5)
    assert worker().has_begun.wait(5)


def test_what_a_traveller_runs_itself_is_on_its_side(worker):
    with gate.shut():
        gate._pass(TASK_OF_THE_TRAVELLER)
        gate._leave(TASK_OF_THE_TRAVELLER)


def test_two_do_not_travel_at_once():
    with gate.shut(), pytest.raises(CannotTravel, match="Somebody else"), gate.shut():
        pass


def test_a_killed_traveller_leaves_the_gate_open(worker):
    url = settings.DATABASE_URL.rpartition("/")[0] + f"/{connection.settings_dict['NAME']}"
    command = [sys.executable, "-c", TRAVELLER, url, *map(str, (gate.LOCKS, gate.TRAVELLER, gate.TASKS))]
    process = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "shut\n"
    waiting = worker()
    assert not waiting.has_begun.wait(0.3)

    process.send_signal(signal.SIGKILL)
    process.communicate()

    assert waiting.has_begun.wait(5)
