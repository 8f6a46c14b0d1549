"""When an instructor's time is free; pure, and exact across daylight-saving changes. No Django, no clock.

Hours are read off the clock on the instructor's wall: an instant is open when its local reading lies within the hours
of its local date. So a wall time that the clocks skip is never open, one that they repeat is open both times, and a
night of lessons has as many real hours as that night has. Lessons last real minutes. All instants are aware UTC.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from zoneinfo import ZoneInfo

GRID = timedelta(minutes=15)  # lessons are offered at the quarter hours of the instructor's clock
DAY = timedelta(days=1)
MINUTES_OF_A_DAY = 1_440
SECOND = timedelta(seconds=1)
MIDNIGHT = datetime(2000, 1, 1, tzinfo=UTC)  # any; the grid is counted from it
OFFSET_PROBE = timedelta(hours=6)  # no zone in use changes its offset twice within that


@dataclass(frozen=True, slots=True, order=True)
class Hours:
    """A stretch of a local day, in minutes since midnight; `closes` may be 1440."""

    opens: int
    closes: int

    def overlaps(self, other: "Hours") -> bool:
        return self.opens < other.closes and other.opens < self.closes


ALL_DAY = Hours(0, MINUTES_OF_A_DAY)


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """The instants from `starts_at` until just before `ends_at`."""

    starts_at: datetime
    ends_at: datetime

    def overlaps(self, other: "Span") -> bool:
        return self.starts_at < other.ends_at and other.starts_at < self.ends_at

    def contains(self, other: "Span") -> bool:
        return self.starts_at <= other.starts_at and other.ends_at <= self.ends_at


class Obstacle(StrEnum):
    """Why a lesson can't be given at some time."""

    STARTED = "started"
    TOO_SOON = "too_soon"
    TOO_FAR_AHEAD = "too_far_ahead"
    CLOSED = "closed"
    TIME_OFF = "time_off"
    TAKEN = "taken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """One instructor's time: the hours they keep, what is taken of them, and the rules for booking the rest."""

    zone: ZoneInfo
    weekly: Mapping[int, tuple[Hours, ...]] = field(default_factory=dict)  # by weekday, Monday is 0
    exceptions: Mapping[date, tuple[Hours, ...]] = field(default_factory=dict)  # in place of that date's weekly hours
    times_off: tuple[Span, ...] = ()
    occupied: tuple[Span, ...] = ()  # other lessons, each with the buffer after it
    buffer: timedelta = timedelta(minutes=15)  # kept free after the lesson that is asked for
    minimum_notice: timedelta = timedelta(minutes=120)
    horizon: timedelta = timedelta(days=60)

    def hours_of(self, day: date) -> tuple[Hours, ...]:
        """Return the hours of a local date."""
        exception = self.exceptions.get(day)
        return self.weekly.get(day.weekday(), ()) if exception is None else exception


def free_slots(calendar: Calendar, *, length: timedelta, since: datetime, until: datetime, now: datetime) -> list[Span]:
    """Return every lesson of that length that can be booked now and starts from `since` until just before `until`.

    Slots are in order, start at quarter hours, and overlap each other: they are alternatives.
    """
    bookable = _bookable_starts(calendar, now=now)
    since, until = max(since, bookable.starts_at), min(until, bookable.ends_at)
    if since >= until:
        return []
    free = _without(
        open_spans(calendar, since=since, until=until + length),
        taken=[*calendar.times_off, *_kept_from_lessons(calendar)],
    )
    return [slot for span in free for slot in _slots_within(span, length=length, zone=calendar.zone, until=until)]


def obstacle_to(lesson: Span, *, calendar: Calendar, now: datetime) -> Obstacle | None:
    """Return why a lesson can't be booked now, or None if it can.

    Needs no quarter hour: where lessons are offered is `free_slots`' matter, whether one is possible is this one's.
    """
    ahead = lesson.starts_at - now
    if ahead <= timedelta(0):
        return Obstacle.STARTED
    if ahead < calendar.minimum_notice:
        return Obstacle.TOO_SOON
    if ahead > calendar.horizon:
        return Obstacle.TOO_FAR_AHEAD
    if not any(span.contains(lesson) for span in open_spans(calendar, since=lesson.starts_at, until=lesson.ends_at)):
        return Obstacle.CLOSED
    if any(span.overlaps(lesson) for span in calendar.times_off):
        return Obstacle.TIME_OFF
    if any(span.overlaps(lesson) for span in _kept_from_lessons(calendar)):
        return Obstacle.TAKEN
    return None


def open_spans(calendar: Calendar, *, since: datetime, until: datetime) -> list[Span]:
    """Return the open instants between two instants as spans that neither touch nor overlap, in order.

    Hours that end at 24:00 go on in hours that begin at 0:00.
    """
    spans = sorted(
        span
        for stretch, offset in _stretches_of_one_offset(calendar.zone, since=since, until=until)
        for span in _open_at_one_offset(calendar, stretch=stretch, offset=offset)
    )
    return _joined(spans)


def overlap_among(stretches: Iterable[Hours]) -> bool:
    """Return whether any two of these hours of one day overlap; those that touch do not."""
    return any(later.overlaps(earlier) for earlier, later in pairwise(sorted(stretches)))


def clock_face(minute: int) -> str:
    """Write minutes since midnight as a clock shows them: 570 is `09:30`, 1440 is `24:00`."""
    return f"{minute // 60:02d}:{minute % 60:02d}"


def minute_of(clock_face: str) -> int:
    """Read what `clock_face` writes. Raises ValueError for what no clock shows."""
    reading = re.fullmatch(r"(\d{2}):([0-5]\d)", clock_face)
    minute = int(reading[1]) * 60 + int(reading[2]) if reading else MINUTES_OF_A_DAY + 1
    if minute > MINUTES_OF_A_DAY:
        raise ValueError("Write a time of day such as 09:30; the day's end is 24:00.")
    return minute


def _bookable_starts(calendar: Calendar, *, now: datetime) -> Span:
    """The starts that notice and horizon allow; both include their last instant, the present one excluded."""
    a_moment = timedelta.resolution
    return Span(now + max(calendar.minimum_notice, a_moment), now + calendar.horizon + a_moment)


def _kept_from_lessons(calendar: Calendar) -> list[Span]:
    """What another lesson keeps free; the new one's own buffer has to end before it begins."""
    return [Span(span.starts_at - calendar.buffer, span.ends_at) for span in calendar.occupied]


def _stretches_of_one_offset(zone: ZoneInfo, *, since: datetime, until: datetime) -> Iterator[tuple[Span, timedelta]]:
    """Cut a stretch of time where the zone's offset from UTC changes."""
    start = since
    while start < until:
        end = _end_of_offset(zone, since=start, until=until)
        yield Span(start, end), _offset(start, zone)
        start = end


def _end_of_offset(zone: ZoneInfo, *, since: datetime, until: datetime) -> datetime:
    offset = _offset(since, zone)
    while since < until:
        probe = min(since + OFFSET_PROBE, until)
        if _offset(probe, zone) != offset:
            return _change(since, probe, zone)
        since = probe
    return until


def _change(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """Find the instant, a whole second, from which on the offset that holds before does not hold any more."""
    offset = _offset(before, zone)
    before = before.replace(microsecond=0)
    while (seconds := (after - before) // SECOND) > 1:
        middle = before + seconds // 2 * SECOND
        if _offset(middle, zone) == offset:
            before = middle
        else:
            after = middle
    return before + SECOND


def _offset(instant: datetime, zone: ZoneInfo) -> timedelta:
    offset = instant.astimezone(zone).utcoffset()
    assert offset is not None  # an aware instant in a zone has one
    return offset


def _open_at_one_offset(calendar: Calendar, *, stretch: Span, offset: timedelta) -> Iterator[Span]:
    """Lay the hours of each local date over a stretch in which the local clock runs evenly."""
    day = (stretch.starts_at + offset).date()
    last = (stretch.ends_at + offset).date()
    while day <= last:
        midnight = datetime(day.year, day.month, day.day, tzinfo=UTC) - offset
        for hours in calendar.hours_of(day):
            starts_at = max(stretch.starts_at, midnight + timedelta(minutes=hours.opens))
            ends_at = min(stretch.ends_at, midnight + timedelta(minutes=hours.closes))
            if starts_at < ends_at:
                yield Span(starts_at, ends_at)
        day += DAY


def _joined(spans: Iterable[Span]) -> list[Span]:
    """Join sorted spans where one begins no later than another ends."""
    joined: list[Span] = []
    for span in spans:
        if joined and span.starts_at <= joined[-1].ends_at:
            joined[-1] = Span(joined[-1].starts_at, max(joined[-1].ends_at, span.ends_at))
        else:
            joined.append(span)
    return joined


def _without(spans: Iterable[Span], *, taken: Iterable[Span]) -> list[Span]:
    """Cut what is taken out of spans; those are in order and apart, and so is what remains of them."""
    blocks = _joined(sorted(taken))
    remaining = []
    for span in spans:
        starts_at = span.starts_at
        for block in blocks:
            if block.ends_at <= starts_at or block.starts_at >= span.ends_at:
                continue
            if starts_at < block.starts_at:
                remaining.append(Span(starts_at, block.starts_at))
            starts_at = block.ends_at
        if starts_at < span.ends_at:
            remaining.append(Span(starts_at, span.ends_at))
    return remaining


def _slots_within(span: Span, *, length: timedelta, zone: ZoneInfo, until: datetime) -> Iterator[Span]:
    starts_at = _next_on_grid(span.starts_at, zone)
    while starts_at < until and starts_at + length <= span.ends_at:
        yield Span(starts_at, starts_at + length)
        starts_at += GRID  # stays on the grid: offsets differ by quarter hours everywhere


def _next_on_grid(instant: datetime, zone: ZoneInfo) -> datetime:
    """The first quarter hour of the local clock from an instant on."""
    past = (instant + _offset(instant, zone) - MIDNIGHT) % GRID
    return instant + (GRID - past) % GRID
