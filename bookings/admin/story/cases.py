"""What an app above tells of a booking: its cases, which this app does not know (design 2).

That app registers a reader; the booking's page merges what it tells into the story.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bookings.models import Booking


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFile:
    """A file that was shown as evidence, and where staff can read it."""

    name: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseNews:
    """One thing that happened in a case."""

    at: datetime
    what: str
    url: str  # the case's page
    who: str = ""
    said: str = ""
    files: tuple[CaseFile, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenCase:
    """A case that holds the money still."""

    label: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cases:
    """All cases about one booking: what happened, what is due when, whom they wait for, which are open."""

    news: tuple[CaseNews, ...] = ()
    due: tuple[tuple[datetime, str], ...] = ()
    waits: tuple[str, ...] = ()
    open: tuple[OpenCase, ...] = ()


Reader = Callable[[Booking], Cases]

_readers: list[Reader] = []


def register_reader(reader: Reader) -> None:
    """Declare who tells of a booking's cases; called once, from `AppConfig.ready`."""
    _readers.append(reader)


def cases_of(booking: Booking) -> Cases:
    """Return what every registered reader tells of a booking."""
    told = [reader(booking) for reader in _readers]
    return Cases(
        news=tuple(news for cases in told for news in cases.news),
        due=tuple(due for cases in told for due in cases.due),
        waits=tuple(wait for cases in told for wait in cases.waits),
        open=tuple(case for cases in told for case in cases.open),
    )
