"""How long a row is locked while Stripe takes 800 ms for each call.

A transaction gets a number of its own from PostgreSQL when it first changes or locks a row. Every millisecond the
database is asked which of those that have one are open, and since when: no row was locked for longer than its
transaction was open. What locks them is the real thing: checkouts and cancellations through gunicorn, and the
settlement sweep with two workers.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

import psycopg

from instainstru.local.processes import Supervisor
from instainstru.local.simulator import own_simulator
from payments import tasks
from tests.benchmarks.findings import Findings, percentile
from tests.benchmarks.held import HeldLessons
from tests.benchmarks.load import Answers, Asked, Order, put_load
from tests.benchmarks.market import Market
from tests.benchmarks.place import Place, Scale
from tests.benchmarks.programs import UNPACED, web_server, workers

LATENCY, QUICK_LATENCY = 800, 50  # milliseconds
CLIENTS, QUICK_CLIENTS = 8, 2
CHANGES, QUICK_CHANGES = 80, 4  # of each kind
GOAL = 10.0  # milliseconds
LOOK_EVERY = 0.001  # seconds

OPEN_TRANSACTIONS = """
    SELECT pid, xact_start, query,
           extract(epoch FROM clock_timestamp() - xact_start) * 1000,
           extract(epoch FROM CASE query WHEN 'COMMIT' THEN query_start ELSE clock_timestamp() END - xact_start) * 1000
      FROM pg_stat_activity
     WHERE datname = current_database() AND backend_xid IS NOT NULL AND pid <> pg_backend_pid()
       AND backend_type = 'client backend'  -- autovacuum locks no row
"""


@dataclass(slots=True)
class Seen:
    """The transactions that were seen open, in milliseconds: how old each was when it was last seen, and when it began
    to commit, which waits for the disk; and what it was saying."""

    ages: dict[tuple[int, datetime], float] = field(default_factory=dict)
    before_commit: dict[tuple[int, datetime], float] = field(default_factory=dict)
    said: dict[tuple[int, datetime], str] = field(default_factory=dict)

    @property
    def longest(self) -> float:
        return max(self.ages.values(), default=0.0)

    @property
    def said_by_the_longest(self) -> str:
        return self.said[max(self.ages, key=lambda name: self.ages[name])] if self.ages else ""


def measure(place: Place, scale: Scale) -> Findings:
    """Watch the locks while lessons are booked, cancelled and settled."""
    changes = QUICK_CHANGES if scale.is_quick else CHANGES
    clients = QUICK_CLIENTS if scale.is_quick else CLIENTS
    latency = QUICK_LATENCY if scale.is_quick else LATENCY
    with own_simulator() as simulator, Supervisor(place.logs) as supervisor:
        market = Market(simulator, bookings=1_000, students=clients, instructors=clients)
        lessons = HeldLessons(simulator, couples=2)
        lessons.make_due(clients)
        web = web_server(scale, stripe=simulator.url)
        supervisor.start(web, *workers(scale, processes=2, stripe=simulator.url, limit=UNPACED))
        crowd = _Load(web.port or 0, clients)
        # Every process has done each once: modules are read, connections made, statements known to PostgreSQL.
        warm = crowd.put(market.checkouts(4 * clients))
        crowd.put(market.cancellations(_refs(warm)))
        _settle_all(lessons)
        lessons.make_due(changes)
        simulator.order_fault("any", "latency", times="always", latency_ms=latency)
        seen: dict[str, Seen] = {}
        for load, lessons_booked in ((_Load(web.port or 0, 1), changes // 4), (crowd, changes)):
            with _watching(place) as seen[f"checkout, card held, {load.clients} at once"]:
                booked = load.put(market.checkouts(lessons_booked))
            with _watching(place) as seen[f"cancellation, 2 calls, {load.clients} at once"]:
                load.put(market.cancellations(_refs(booked)))
        with _watching(place) as seen["settlement"]:
            _settle_all(lessons)
    return _as_findings(seen, latency)


def _as_findings(seen: dict[str, Seen], latency: int) -> Findings:
    findings = Findings(f"Transactions that hold row locks, while Stripe takes {latency} ms for each call")
    findings.rows = [
        {
            "what is done": name,
            "transactions seen": len(found.ages),
            "p50 ms": percentile(found.ages.values(), 50) if found.ages else None,
            "p99": percentile(found.ages.values(), 99) if found.ages else None,
            "longest": found.longest,
            "longest before its commit": max(found.before_commit.values(), default=0.0),
            "what the longest was saying": " ".join(found.said_by_the_longest.split())[:60],
        }
        for name, found in seen.items()
    ]
    longest = max(found.longest for found in seen.values())
    findings.add_goal(
        f"no lock is held across a call, the longest for less than {GOAL:.0f} ms",
        measured=f"{longest:.1f} ms",
        is_met=longest < GOAL,
    )
    return findings


class _Load:
    def __init__(self, port: int, clients: int) -> None:
        self._port, self.clients = port, clients

    def put(self, requests: list[Asked]) -> Answers:
        return put_load(Order(port=self._port, clients=self.clients, seconds=300, requests=requests, uses_up=True))


def _refs(booked: Answers) -> list[str]:
    return [json.loads(body)["ref"] for body in booked.bodies if '"ref"' in body]


def _settle_all(lessons: HeldLessons) -> None:
    tasks.sweep_settlements_due.delay()
    _wait_until(lambda: not lessons.due())


@contextmanager
def _watching(place: Place) -> Iterator[Seen]:
    """Look at the open transactions in a thread while the block runs."""
    seen, done = Seen(), threading.Event()

    def watch() -> None:
        with psycopg.connect(place.seat.database_url, autocommit=True) as watcher:
            while not done.wait(LOOK_EVERY):
                for pid, since, said, age, before_commit in watcher.execute(OPEN_TRANSACTIONS, prepare=True):
                    seen.ages[pid, since], seen.said[pid, since] = float(age), said
                    seen.before_commit[pid, since] = float(before_commit)

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield seen
    finally:
        done.set()
        watching.join()


def _wait_until(is_done: Callable[[], bool], *, patience: float = 120.0) -> None:
    deadline = time.monotonic() + patience
    while not is_done():
        if time.monotonic() > deadline:
            raise RuntimeError("The settlements did not end.")
        time.sleep(0.1)
