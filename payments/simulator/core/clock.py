"""The simulator's own clock: it follows the wall with an offset, or stands still at an instant.

Everything that Stripe dates goes by it: `created`, holds and their end, payouts. The age of idempotency keys and the
signatures of webhooks go by the wall, as they meet processes that do not travel.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from payments.simulator.core.database import Database


class Clock:
    """Instants are seconds since 1970, as in Stripe's answers, but with their fractions."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._reliving: float | None = None

    def now(self) -> float:
        """The present instant."""
        if self._reliving is not None:
            return self._reliving
        setting = self._database.fact("clock", {"offset_seconds": 0})
        if "standing_at" in setting:
            return setting["standing_at"]
        return self.wall() + setting["offset_seconds"]

    def stamp(self) -> int:
        """The present instant as Stripe writes it."""
        return int(self.now())

    @staticmethod
    def wall() -> float:
        """Real time."""
        return time.time()

    @property
    def setting(self) -> dict[str, float]:
        """`offset_seconds`, or `standing_at`."""
        return self._database.fact("clock", {"offset_seconds": 0})

    def follow(self, *, offset_seconds: float) -> None:
        """Run with the wall from now on, that far ahead of it."""
        self._database.set_fact("clock", {"offset_seconds": offset_seconds})

    def stand(self, *, at: float) -> None:
        """Stand still at an instant."""
        self._database.set_fact("clock", {"standing_at": at})

    @contextmanager
    def reliving(self, instant: float) -> Iterator[None]:
        """Do what was due at a past instant as of that instant."""
        self._reliving = instant
        try:
            yield
        finally:
            self._reliving = None
