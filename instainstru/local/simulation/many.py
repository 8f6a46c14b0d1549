"""Playing many seeds, on as many processes as asked, each with a database and a simulator of its own."""

from __future__ import annotations

import multiprocessing
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess
from typing import Any

from django.db import connections

from instainstru.local.databases.scratch import scratch
from instainstru.local.simulation.coverage import Coverage
from instainstru.local.simulation.nearby import nearby_simulator
from instainstru.local.simulation.play import Outcome, play, story_of
from instainstru.local.simulation.shorten import shorten
from instainstru.local.simulation.story import Faults

Json = dict[str, Any]
TellStep = Callable[[str], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Death:
    """Which process ended before its time, counted from 1, and which seed it was at, if it had any left."""

    process: int
    seed: int | None
    exit_code: int

    def __str__(self) -> str:
        at = "" if self.seed is None else f" at seed {self.seed}"
        return f"process {self.process} ended{at} with {self.exit_code}"


@dataclass(slots=True)
class Report:
    """What came of all seeds so far."""

    seeds: int = 0
    bookings: int = 0
    steps: int = 0
    seconds: float = 0
    busy_seconds: float = 0  # of all processes together
    cpu_seconds: float = 0  # the same, without PostgreSQL's, and without waiting for a core
    interrupted: bool = False
    died: Death | None = None  # the first one; the others were ended then
    failed: list[Outcome] = field(default_factory=list)
    words: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    coverage: Coverage = field(default_factory=Coverage)
    trails: dict[int, str] = field(default_factory=dict)

    def add(self, outcome: Outcome) -> None:
        self.seeds += 1
        self.bookings += outcome.bookings
        self.steps += outcome.steps
        self.busy_seconds += outcome.seconds
        self.cpu_seconds += outcome.cpu_seconds
        self.words += outcome.words
        self.ends += outcome.ends
        self.coverage.add(outcome.coverage)
        self.trails[outcome.story.seed] = outcome.trail
        if outcome.failure:
            self.failed.append(outcome)

    def as_json(self) -> Json:
        failed = sorted(self.failed, key=lambda outcome: outcome.story.seed)
        return {
            "seeds": self.seeds,
            "interrupted": self.interrupted,
            "died": asdict(self.died) if self.died else None,
            "failed": len(failed),
            "failed_seeds": [outcome.story.seed for outcome in failed],
            "failures": [_failure_as_json(outcome) for outcome in failed],
            "bookings": self.bookings,
            "steps": self.steps,
            "seconds": round(self.seconds, 1),
            "busy_seconds": round(self.busy_seconds, 1),
            "cpu_seconds": round(self.cpu_seconds, 1),
            "steps_went": dict(self.words),
            "payments_ended": dict(self.ends),
            "coverage": self.coverage.as_json(),
            "never_occurred": dict(self.coverage.missing()),
            "trails": {str(seed): self.trails[seed] for seed in sorted(self.trails)},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """How each seed is played, and until when another one is begun, by this machine's own clock."""

    until: float
    bookings: int
    faults: Faults
    only: set[int] | None
    shortens: bool
    tell_step: TellStep | None


@dataclass(frozen=True, slots=True)
class Worker:
    """A process that plays a share of the seeds, and those of them of which it has not told yet."""

    number: int
    process: ForkProcess
    left: list[int]

    def bury(self) -> Death | None:
        """Wait for its end, and return what is to be told of it unless it ended well."""
        self.process.join()
        if not self.process.exitcode:
            return None
        return Death(process=self.number, seed=next(iter(self.left), None), exit_code=self.process.exitcode)


def play_many(
    seeds: Sequence[int],
    *,
    minutes: float,
    bookings: int,
    faults: Faults,
    workers: int,
    only: set[int] | None,
    shortens: bool,
    tell_step: TellStep | None,
    tell_seed: Callable[[Outcome, Report], object],
) -> Report:
    """Play every seed and tell of each as it ends; Ctrl-C and the death of a process end the rest.

    After so many minutes no process begins another seed; each plays one, however long everything takes.
    """
    report, started = Report(), time.monotonic()
    order = Order(
        until=started + 60 * minutes,
        bookings=bookings,
        faults=faults,
        only=only,
        shortens=shortens,
        tell_step=tell_step,
    )

    def take(outcome: Outcome) -> None:
        report.add(outcome)
        report.seconds = time.monotonic() - started
        tell_seed(outcome, report)

    try:
        if workers == 1:
            _play_seeds(seeds, order, take)
        else:
            connections.close_all()  # before the forks: a connection can't be shared
            report.died = _let_workers_play(seeds, order, take, workers=workers)
    except KeyboardInterrupt:
        report.interrupted = True
    return report


def _let_workers_play(
    seeds: Sequence[int], order: Order, take: Callable[[Outcome], None], *, workers: int
) -> Death | None:
    """Let every process play its share; if one dies, end the others and return which it was."""
    context = multiprocessing.get_context("fork")
    open_ends: dict[Connection, Worker] = {}
    for number in range(workers):
        ours, theirs = context.Pipe(duplex=False)
        share = seeds[number::workers]
        process = context.Process(target=_work, args=(share, order, theirs), daemon=True)
        process.start()
        theirs.close()
        open_ends[ours] = Worker(number + 1, process, list(share))
    died: Death | None = None
    while open_ends:
        for end in wait(list(open_ends)):
            assert isinstance(end, Connection)
            try:
                outcome = end.recv()
            except (EOFError, OSError):  # OSError: it ended in the middle of what it told
                death = open_ends.pop(end).bury()
                if death and not died:
                    died = death
                    for other in open_ends.values():
                        other.process.terminate()
                continue
            open_ends[end].left.remove(outcome.story.seed)
            take(outcome)
    return died


def _work(seeds: Sequence[int], order: Order, end: Connection) -> None:
    try:
        _play_seeds(seeds, order, end.send)
    except KeyboardInterrupt:
        raise SystemExit from None  # its process tells; this one has dropped its databases
    finally:
        end.close()


def _play_seeds(seeds: Sequence[int], order: Order, take: Callable[[Outcome], object]) -> None:
    with nearby_simulator() as simulator, scratch() as start_over:
        for seed in seeds:
            story = story_of(seed, bookings=order.bookings, faults=order.faults)
            if order.only is not None:
                story = story.with_steps(order.only)
            tell = order.tell_step or (lambda line: None)
            outcome = play(story, simulator=simulator, start_over=start_over, tell=tell)
            if outcome.failure is not None and order.shortens and order.only is None:
                outcome = shorten(outcome, lambda shorter: play(shorter, simulator=simulator, start_over=start_over))
            take(outcome)
            if time.monotonic() >= order.until:
                return


def _failure_as_json(outcome: Outcome) -> Json:
    assert outcome.failure is not None
    return {
        "seed": outcome.story.seed,
        "after": outcome.failure.after,
        "lines": list(outcome.failure.lines),
        "steps": [str(step) for step in outcome.story.steps],
        "replay": outcome.story.replay,
    }
