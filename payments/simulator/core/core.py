"""The simulator's heart: one lock, one transaction per unit of work, and everything that belongs to it."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from payments.simulator.core import accounts
from payments.simulator.core.clock import Clock
from payments.simulator.core.database import Database
from payments.simulator.core.events import Webhooks
from payments.simulator.core.faults import Fault, Faults
from payments.simulator.core.happenings import HAPPENINGS
from payments.simulator.core.ids import Ids
from payments.simulator.core.objects import Objects
from payments.simulator.core.schedule import Schedule
from payments.simulator.core.settings import Settings


@dataclass(slots=True)
class Request:
    """The request in whose course something happens; events name it. Without one, Stripe acts by itself."""

    account: str  # the account that it speaks for: the platform, unless the Stripe-Account header names another
    id: str | None = None
    idempotency_key: str | None = None
    base_url: str = ""  # where the simulator's own pages are found
    fault: Fault | None = None
    fault_struck: bool = False


@dataclass(frozen=True, slots=True)
class Moment:
    """Everything that a simulator in memory knows at one moment."""

    database: bytes
    faults: tuple[Fault, ...]


class Core:
    """A simulated Stripe. `path` keeps it in a file; `seed` makes its ids the same every time."""

    def __init__(self, *, path: str | None = None, seed: str | None = None) -> None:
        self.lock = threading.RLock()
        self.database = Database(path)
        self.clock = Clock(self.database)
        self.ids = Ids(self.database, seed)
        self.settings = Settings(self.database)
        self.objects = Objects(self.database)
        self.webhooks = Webhooks(self.database)
        self.schedule = Schedule(self, HAPPENINGS)
        self.faults = Faults()
        self.keys_in_use: set[tuple[str, str]] = set()  # (account, idempotency key) of requests under way
        self.committed = threading.Event()  # set after each unit of work; the delivery thread waits for it
        self._pid = os.getpid()
        with self.lock, self.database.transaction():
            self._found()
        self.request = Request(account=self.platform)

    @property
    def platform(self) -> str:
        """The platform's own account id."""
        return self.database.fact("platform")

    @contextmanager
    def unit(self, request: Request | None = None) -> Iterator[None]:
        """One unit of work: what is due happens first, then the caller's part; all of it is committed, or nothing.

        Raises RuntimeError in a forked child: the simulator lives in the process that started it.
        """
        if os.getpid() != self._pid:
            raise RuntimeError("This simulator lives in the process that started it; speak to it over HTTP.")
        with self.lock:
            try:
                with self.database.transaction():
                    self.request = Request(account=self.platform)
                    self.schedule.catch_up()
                    self.request = request or self.request
                    yield
            finally:
                self.objects.forget()
        self.committed.set()

    def reset(self) -> None:
        """Forget everything, settings and clock too, but for where webhooks go."""
        with self.lock:
            webhooks = {"mode": self.webhooks.mode, "url": self.webhooks.url, "secret": self.webhooks.secret}
            with self.database.transaction():
                self.database.clear()
                self.webhooks.configure(**webhooks)
                self._found()
            self.faults.clear()
            self.keys_in_use.clear()

    def moment(self) -> Moment:
        """What it knows now, to come back to."""
        with self.lock:
            return Moment(self.database.copy(), tuple(map(replace, self.faults.outstanding())))

    def come_back_to(self, moment: Moment) -> None:
        """Know again what it knew at an earlier moment, and nothing else."""
        with self.lock:
            self.database.bring_back(moment.database)
            self.objects.forget()
            self.keys_in_use.clear()
            self.faults.clear()
            for fault in moment.faults:
                self.faults.order(replace(fault))

    def close(self) -> None:
        """Let go of the file."""
        with self.lock:
            self.database.close()

    def _found(self) -> None:
        if self.database.fact("platform") is None:
            accounts.found_platform(self)
