"""Whether the platform's balance at Stripe covers what has to leave it in the next days; pure arithmetic of cents."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum


class Cause(StrEnum):
    """Why money moves on the platform's balance."""

    UNDER_WAY = "under_way"  # planned or sent, and not answered
    STOPPED = "stopped"  # refused; staff may retry it at any moment (P10.3)
    SETTLEMENT = "settlement"  # a top-up, or all of a locked lesson's payout (P5.5, P6.4)
    ADVANCE = "advance"  # the card has not paid for 72 hours (P10.2)
    CASE = "case"  # under review: whichever ruling costs more (section 8)
    AVAILABLE = "available"  # what Stripe still keeps pending becomes ours to use


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """One movement to come. Cents, negative if money leaves."""

    on: date
    cents: int
    cause: Cause
    reference: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One day of the forecast: what becomes available, what leaves, and what is left. Cents."""

    day: date
    arrives: int
    leaves: int
    closing: int
    movements: tuple[Movement, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    opening: int
    days: tuple[Day, ...]

    @property
    def short_on(self) -> Day | None:
        """The first day on which the balance goes below zero."""
        return next((day for day in self.days if day.closing < 0), None)

    @property
    def top_up(self) -> int:
        """What has to be put in, before the first short day, so that no day is short."""
        return -min([0, *(day.closing for day in self.days)])


def forecast(*, available: int, movements: Iterable[Movement], first: date, days: int) -> Forecast:
    """Return day by day what is left of what is available now; what falls due before the first day falls on it."""
    by_day: dict[date, list[Movement]] = {first + timedelta(days=ahead): [] for ahead in range(days)}
    for movement in movements:
        by_day.get(max(movement.on, first), []).append(movement)
    found, closing = [], available
    for day, moving in by_day.items():
        arrives = sum(max(0, movement.cents) for movement in moving)
        leaves = -sum(min(0, movement.cents) for movement in moving)
        closing += arrives - leaves
        found.append(Day(day=day, arrives=arrives, leaves=leaves, closing=closing, movements=tuple(moving)))
    return Forecast(opening=available, days=tuple(found))
