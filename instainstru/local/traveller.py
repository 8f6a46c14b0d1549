"""Travelling through time: the clock, the simulator and every sweep move together (design 7).

A journey does not jump. Every sweep declares its next due instant, and the traveller hops from one to the next, in
order, and runs what is due there, so that a day's journey sees every warning and retry of that day.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from bookings.sweeps import SWEEPS as CALENDAR_SWEEPS
from disputes.sweeps import SWEEPS as CASE_SWEEPS
from instainstru import clock
from instainstru.celery import app
from payments.sweeps import SWEEPS as MONEY_SWEEPS
from payments.sweeps import Sweep, when_due

SWEEPS = (*MONEY_SWEEPS, *CASE_SWEEPS, *CALENDAR_SWEEPS)
PATIENCE = 500  # runs of the sweeps at one instant; a sweep that stays due for ever is a bug and must not hang us


class StuckInTime(RuntimeError):
    """A sweep remained due at one instant however often it ran."""


class Traveller:
    """Moves to instants and runs on the way what is due. `move` sets every clock that is to agree."""

    def __init__(self, *, move: Callable[[datetime], None], sweeps: Sequence[Sweep] = SWEEPS) -> None:
        self._move = move
        self._sweeps = sweeps
        self.clockwork_runs = True

    def go_to(self, instant: datetime, *, run_what_is_due_then: bool = False) -> None:
        """Travel to an instant, not before now; what is due at that very instant runs only if asked for (P3.2)."""
        if instant < clock.now():
            raise ValueError(f"Time goes forward only: it is {clock.now()}, not yet {instant}.")
        arrived_at, runs = None, 0
        with _eagerly():
            while self.clockwork_runs and (due := when_due(self._sweeps)):  # most of what a journey takes: once a run
                earliest = min(at for at, _ in due)
                if earliest > instant or (earliest == instant and not run_what_is_due_then):
                    break
                if (hop := max(earliest, clock.now())) != arrived_at:
                    self._move(hop)
                    arrived_at, runs = hop, 0
                ready = [sweep for at, sweep in due if at <= hop]
                if runs == PATIENCE:
                    raise StuckInTime(f"Still due at {hop}: {', '.join(sweep.name for sweep in ready)}")
                for sweep in ready:
                    sweep.run()
                runs += 1
        self._move(instant)


@contextlib.contextmanager
def _eagerly() -> Iterator[None]:
    """Let tasks run where they are started; an error of theirs is the traveller's."""
    before = app.conf.task_always_eager, app.conf.task_eager_propagates
    app.conf.task_always_eager = app.conf.task_eager_propagates = True
    try:
        yield
    finally:
        app.conf.task_always_eager, app.conf.task_eager_propagates = before
