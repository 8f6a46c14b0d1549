"""How many payments a second the settlement sweep settles, by Stripe's latency and the number of worker processes.

Workers are Celery's as a production runs them, the sweep is sent to them as often as beat would send it, and every
payment has a card that is really held at the simulator. Once with the limit that is configured for Stripe, once without
any, at 0 ms, for what the machine can do.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.conf import settings

from instainstru.local.processes import Supervisor
from instainstru.local.simulator import SimulatorControl, own_simulator
from payments import tasks
from payments.ledger import books
from payments.models import Operation, Payment
from tests.benchmarks.findings import Findings
from tests.benchmarks.held import HeldLessons
from tests.benchmarks.place import Place, Scale
from tests.benchmarks.programs import UNPACED, workers

LATENCIES, QUICK_LATENCIES = (0, 200, 800), (0,)  # milliseconds
PROCESSES, QUICK_PROCESSES = (1, 2, 4), (1,)
SHARE_GOAL, UNPACED_GOAL = 0.9, 100.0
WARM_UP = 40  # payments that are settled before the clock starts: the bucket lets a burst of calls through at first
PATIENCE = 60  # seconds until then


@dataclass(frozen=True, slots=True)
class Run:
    """One combination, and how many payments were settled in how many seconds."""

    latency: int
    processes: int
    limit: int | None  # calls a second and endpoint; None is without
    threads: int
    due: int
    settled: int
    seconds: float

    @property
    def per_second(self) -> float:
        return self.settled / self.seconds

    @property
    def ceiling(self) -> float | None:
        """What limit and latency allow so many threads; a settlement is one call."""
        by_waiting = self.processes * self.threads / (self.latency / 1000) if self.latency else float("inf")
        ceiling = min(by_waiting, self.limit or float("inf"))
        return None if ceiling == float("inf") else ceiling


def measure(place: Place, scale: Scale) -> Findings:
    """Settle for as long as each combination may take."""
    limit = settings.STRIPE_CALLS_PER_SECOND
    latencies = QUICK_LATENCIES if scale.is_quick else LATENCIES
    runs = []
    with own_simulator() as simulator:
        lessons = HeldLessons(simulator, couples=2 if scale.is_quick else 20)
        for latency in latencies:
            for processes in QUICK_PROCESSES if scale.is_quick else PROCESSES:
                runs.append(
                    _settle(place, scale, simulator, lessons, latency=latency, processes=processes, limit=limit)
                )
                if latency == 0:
                    runs.append(
                        _settle(place, scale, simulator, lessons, latency=latency, processes=processes, limit=None)
                    )
        wrong = [str(finding) for finding in books.findings(ask_stripe=True)]
    findings = Findings(
        f"Settlement sweep: workers of {scale.worker_threads} threads, a limit of {limit} calls a second, "
        f"at most {scale.seconds:.0f} s for each combination"
    )
    findings.rows = [
        {
            "Stripe's latency, ms": run.latency,
            "limit, calls a second": run.limit or "none",
            "worker processes": run.processes,
            "due": run.due,
            "settled": run.settled,
            "seconds": run.seconds,
            "per second": run.per_second,
            "ceiling": run.ceiling,
            "of the ceiling": run.per_second / run.ceiling if run.ceiling else None,
        }
        for run in runs
    ]
    _judge(findings, runs, wrong)
    return findings


def _settle(
    place: Place,
    scale: Scale,
    simulator: SimulatorControl,
    lessons: HeldLessons,
    *,
    latency: int,
    processes: int,
    limit: int | None,
) -> Run:
    due = scale.payments + WARM_UP  # more than can be settled in that time: what is measured is a stretch of it
    lessons.make_due(max(0, due - lessons.due()))
    with _slow(simulator, latency), Supervisor(place.logs) as supervisor:
        supervisor.start(*workers(scale, processes=processes, stripe=simulator.url, limit=limit or UNPACED))
        settled, seconds = _watch(lessons, seconds=scale.seconds)
    # What is left is for the next combination: claimed by nobody, and in no queue.
    place.seat.empty_redis()
    Payment.objects.exclude(claimed_until=None).update(claimed_until=None)
    return Run(
        latency=latency,
        processes=processes,
        limit=limit,
        threads=scale.worker_threads,
        due=due,
        settled=settled,
        seconds=seconds,
    )


def _watch(lessons: HeldLessons, *, seconds: float) -> tuple[int, float]:
    """Send the sweep as beat would; return how many payments were settled, and in what time, from the first ones on."""
    next_sweep, patience = 0.0, time.monotonic() + PATIENCE
    due = left_at_start = left = lessons.due()
    started = None
    while left and (started is None or time.monotonic() < started + seconds):
        if time.monotonic() >= next_sweep:
            tasks.sweep_settlements_due.delay()
            next_sweep = time.monotonic() + tasks.BETWEEN_SWEEPS.total_seconds()
        time.sleep(0.1)
        left = lessons.due()
        if started is None and left <= due - WARM_UP:
            started, left_at_start = time.monotonic(), left
        if started is None and time.monotonic() > patience:
            raise RuntimeError(f"Nothing is being settled; {left} of {due} payments are due.")
    assert started is not None
    return left_at_start - left, time.monotonic() - started


@contextmanager
def _slow(simulator: SimulatorControl, milliseconds: int) -> Iterator[None]:
    """Let Stripe take so long for each call."""
    if milliseconds:
        simulator.order_fault("any", "latency", times="always", latency_ms=milliseconds)
    yield
    simulator.order_fault("any", "none")


def _judge(findings: Findings, runs: list[Run], wrong: list[str]) -> None:
    at_200 = [run for run in runs if run.latency == 200 and run.limit]
    if at_200:
        best = max(at_200, key=lambda run: run.per_second)
        findings.add_goal(
            "nine tenths of the configured limit at 200 ms",
            measured=f"{best.per_second / (best.limit or 1):.0%} with {best.processes} processes",
            is_met=best.per_second >= SHARE_GOAL * (best.limit or 1),
        )
    best = max((run for run in runs if run.limit is None), key=lambda run: run.per_second)
    findings.add_goal(
        f"{UNPACED_GOAL:.0f} payments a second at 0 ms, without a limit",
        measured=f"{best.per_second:.0f} with {best.processes} processes",
        is_met=best.per_second >= UNPACED_GOAL,
    )
    findings.add_goal(
        "the books balance and agree with Stripe",
        measured="; ".join(wrong[:3])
        or f"they do, after {Operation.objects.filter(kind='settle').count():,} settlements",
        is_met=not wrong,
    )
