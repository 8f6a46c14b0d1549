"""What a timeline is made of. Amounts are cents; words are ready to be read."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import ClassVar

from bookings.admin.story.cases import CaseFile


class Rank(IntEnum):
    """What comes first of what happened at one and the same instant, within one operation."""

    BEFORE = 0
    ACCEPTED = 1
    CALLED = 2  # and what the call booked
    ENDED = 3
    BOOKED = 4
    CREDITS = 5
    MOVED = 6
    LESSON = 7
    TOLD = 8
    NOTED = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing that happened. `order` breaks ties: the operation's number, the rank, and the place among its like."""

    kind: ClassVar[str]
    word: ClassVar[str]  # of its kind, for the reader
    at: datetime
    order: tuple[int, ...]
    operation: int | None = None  # the number of the operation that it belongs to

    @property
    def template(self) -> str:
        return f"admin/bookings/booking/story/{self.kind}.html"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson(Entry):
    """The booking itself changed."""

    kind: ClassVar[str] = "lesson"
    word: ClassVar[str] = "Booking"
    what: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedCall:
    what: str
    amount: int
    direction: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted(Entry):
    """An operation was accepted: by which rule, for whom, with which plan."""

    kind: ClassVar[str] = "accepted"
    word: ClassVar[str] = "Accepted"
    what: str
    rule: str
    by: str
    state: str
    state_label: str
    url: str
    calls: tuple[PlannedCall, ...]
    to_student: str
    to_instructor: str
    inputs: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended(Entry):
    """An operation came to its end, or stopped."""

    kind: ClassVar[str] = "ended"
    word: ClassVar[str] = "Ended"
    what: str
    is_stopped: bool
    came_of_it: tuple[str, ...]
    resolution: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Called(Entry):
    """One Stripe call, and what was answered."""

    kind: ClassVar[str] = "called"
    word: ClassVar[str] = "Stripe"
    what: str
    amount: int
    direction: str
    to_instructor: int  # what a charge's own transfer carries
    state: str
    state_label: str
    attempt: int
    object_id: str
    key: str
    tries: int
    sent_at: datetime | None  # by the machine's clock
    fault: str
    error_code: str
    error_message: str
    unknown_because: str
    asked_again_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One posting: it stands either under debit or under credit."""

    account: str
    owner: str
    debit: int | None
    credit: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Booked(Entry):
    """A journal entry."""

    kind: ClassVar[str] = "booked"
    word: ClassVar[str] = "Books"
    what: str
    rule: str
    cause: str
    url: str
    stripe_object_id: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditsMoved(Entry):
    """Cents of one lot of credit changed their state."""

    kind: ClassVar[str] = "credits"
    word: ClassVar[str] = "Credits"
    what: str
    amount: int
    lot: int
    lot_url: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved(Entry):
    """The lesson moved to another time."""

    kind: ClassVar[str] = "moved"
    word: ClassVar[str] = "Moved"
    from_start: datetime
    to_start: datetime
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Told(Entry):
    """A message to one side."""

    kind: ClassVar[str] = "told"
    word: ClassVar[str] = "Message"
    subject: str
    text: str
    recipient: str
    url: str
    sent_at: datetime | None
    next_try_at: datetime | None
    failure: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InACase(Entry):
    """Something happened in a report, a dispute or a chargeback."""

    kind: ClassVar[str] = "case"
    word: ClassVar[str] = "Case"
    what: str
    who: str
    said: str
    url: str
    files: tuple[CaseFile, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffDid(Entry):
    """A member of staff did or noted something."""

    kind: ClassVar[str] = "staff"
    word: ClassVar[str] = "Staff"
    what: str
    who: str
    reason: str
    address: str
    url: str
    changes: tuple[tuple[str, str, str], ...] = field(default=())  # what, before, after
