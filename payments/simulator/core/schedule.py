"""What will happen by itself: a hold lapses, funds become available, a payout arrives.

It happens when the clock is next looked at after its instant, in order, each as of its own instant. There is no timer:
every request catches up first, and so does whoever moves the clock.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from payments.simulator.core.core import Core

Happening = Callable[["Core", str], None]


class Schedule:
    """Happenings by name. Each is given the id of the object that it befalls, and sees for itself if it still does."""

    def __init__(self, core: Core, happenings: dict[str, Happening]) -> None:
        self._core = core
        self._happenings = happenings

    def add(self, what: str, object_id: str, *, at: float) -> None:
        """Let it happen to that object at that instant."""
        self._core.database.execute("INSERT INTO due (at, what, object) VALUES (?, ?, ?)", at, what, object_id)

    def next_instant(self) -> float | None:
        """When something is due next, if anything is."""
        return self._core.database.execute("SELECT min(at) FROM due").fetchone()[0]

    def catch_up(self) -> None:
        """Let happen whatever is due by now."""
        database, clock = self._core.database, self._core.clock
        while row := database.execute(
            "SELECT seq, at, what, object FROM due WHERE at <= ? ORDER BY at, seq LIMIT 1", clock.now()
        ).fetchone():
            seq, at, what, object_id = row
            database.execute("DELETE FROM due WHERE seq = ?", seq)
            with clock.reliving(at):
                self._happenings[what](self._core, object_id)
