"""The only source of now (design 7).

`now()` is product time: windows, deadlines, ladders and backoff follow it, and it can travel where no real money is.
`wall()` is the machine's time: leases, signatures, sessions and throttles meet real servers and never travel.

Travel has two forms. One database row holds an offset, so that every process of the demo agrees; and `standing_at`
makes the clock of this process stand at an instant, for tests and scenarios.
"""

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from instainstru.models import ClockOffset

# The offset as this request or task has read it: an empty list before, none outside of both.
_read_so_far: ContextVar[list[timedelta] | None] = ContextVar("clock_offset", default=None)
_standing: datetime | None = None  # of the process, so that its threads agree
_off_by = timedelta(0)  # by how much the clock of this process's machine is wrong


def wall() -> datetime:
    """Return the machine's time, aware UTC; it never travels."""
    return datetime.now(UTC) + _off_by


def now() -> datetime:
    """Return product time, aware UTC."""
    if not settings.CLOCK_TRAVELS:
        return wall()
    if _standing is not None:
        return _standing
    return wall() + _offset()


def stand_at(instant: datetime) -> None:
    """Make this process's clock stand at an instant until moved or let `flow`. Raises where nothing travels."""
    _refuse_unless_travelling()
    if instant.tzinfo is None:
        raise ValueError("The clock stands at aware instants only.")
    global _standing
    _standing = instant.astimezone(UTC)


def flow() -> None:
    """Let this process's clock follow the wall and the stored offset again."""
    global _standing
    _standing = None


def be_off_by(distance: timedelta) -> None:
    """Let this process believe in a machine's clock that is so far ahead, as chaos wants. Raises where none travels."""
    _refuse_unless_travelling()
    global _off_by
    _off_by = distance


@contextlib.contextmanager
def standing_at(instant: datetime) -> Iterator[None]:
    """Stand at an instant within a `with` block."""
    before = _standing
    stand_at(instant)
    try:
        yield
    finally:
        flow() if before is None else stand_at(before)


def travel_by(distance: timedelta) -> timedelta:
    """Move the stored offset forward for every process that shares the database; return the new offset."""
    _refuse_unless_travelling()
    if distance < timedelta(0):
        raise ValueError("The clock only goes forward.")
    return ClockOffset.add(distance)


@contextlib.contextmanager
def read_once() -> Iterator[None]:
    """Read the stored offset at most once for the request or task that runs inside: when it first asks for the time."""
    token = _read_so_far.set([])
    try:
        yield
    finally:
        _read_so_far.reset(token)


class ClockMiddleware:
    """Let a request see one offset, read once."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with read_once():
            return self.get_response(request)


def _offset() -> timedelta:
    read = _read_so_far.get()
    if read is None:
        return ClockOffset.current()
    if not read:
        read.append(ClockOffset.current())
    return read[0]


def _refuse_unless_travelling() -> None:
    if not settings.CLOCK_TRAVELS:
        raise RuntimeError("The clock travels only with DEBUG on and the Stripe simulator.")
