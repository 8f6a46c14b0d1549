"""Time goes by for everybody, by steps, while everything runs: so the clockwork has its work within minutes."""

from __future__ import annotations

import random
import threading
from datetime import datetime, timedelta

from django.db import DatabaseError, connection

from instainstru import clock
from instainstru.local.simulator import SimulatorControl
from instainstru.models import ClockOffset

TICK = 0.5  # seconds of the wall between two steps


class Time:
    """Takes the stored offset, and the simulator with it, ahead at a speed, in a thread of its own.

    Where the database or the simulator is away, time stands and goes on later: it passes for both or for none.
    """

    def __init__(self, simulator: SimulatorControl, rng: random.Random | None = None) -> None:
        self._simulator = simulator
        self._rng = rng or random.Random(0)
        self._ahead = ClockOffset.current()
        self._speed = timedelta(0)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="time", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def go_at(self, hours_per_second: float) -> None:
        """Let so many hours pass in a second of the wall."""
        self._speed = timedelta(hours=hours_per_second)

    def stop(self) -> None:
        self._ended.set()
        self._thread.join()

    def now(self) -> datetime:
        """Return product time as last known, also while the database is away."""
        return clock.wall() + self._ahead

    def _run(self) -> None:
        while not self._ended.wait(TICK):
            if self._speed:
                self._step(self._speed * TICK * self._rng.uniform(0.5, 1.5))
        connection.close()

    def _step(self, distance: timedelta) -> None:
        try:
            self._simulator.be_ahead_by((ClockOffset.current() + distance).total_seconds())
            self._ahead = clock.travel_by(distance)
        except DatabaseError:
            connection.close()
        except OSError:  # the simulator is cut off
            return
