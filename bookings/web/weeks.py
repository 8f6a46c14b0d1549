"""Seven days of an instructor's free time, as a page shows them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from django.utils.dateparse import parse_date

from bookings import queries
from bookings.calendar import Span
from bookings.models import Booking, Instructor

WEEK = timedelta(days=7)
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class DayOfSlots:
    """The free lessons that start on one day of the calendar that is shown."""

    day: date
    slots: list[Span]


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """Seven days of free lessons, in the zone of whoever looks, and the weeks beside it that can be looked at."""

    zone: ZoneInfo
    other_zone: ZoneInfo | None  # the instructor's, if it is another
    days: list[DayOfSlots]
    previous: date | None
    following: date | None

    @property
    def first(self) -> date:
        return self.days[0].day

    @property
    def last(self) -> date:
        return self.days[-1].day

    @property
    def first_free(self) -> date | None:
        """The first day with a free lesson: the one that is unfolded."""
        return next((day.day for day in self.days if day.slots), None)


def week_of_slots(
    instructor: Instructor,
    *,
    minutes: int,
    zone: ZoneInfo,
    wanted: str,
    now: datetime,
    apart_from: Booking | None = None,
) -> Week:
    """Return seven days of free lessons from a day on, but never before today or beyond what can be booked.

    `wanted` is the first day as an address names it; what is no date means today. `apart_from` is the lesson that is
    about to be moved.
    """
    today = now.astimezone(zone).date()
    last_day = (now + timedelta(days=instructor.booking_horizon_days)).astimezone(zone).date()
    first = min(max(_date(wanted) or today, today), last_day)
    slots = queries.slots_of(
        instructor,
        minutes=minutes,
        since=_midnight(first, zone),
        until=_midnight(first + WEEK, zone),
        now=now,
        apart_from=apart_from,
    )
    return Week(
        zone=zone,
        other_zone=None if instructor.zone == zone else instructor.zone,
        days=_by_day(slots, first=first, zone=zone),
        previous=max(first - WEEK, today) if first > today else None,
        following=first + WEEK if first + WEEK <= last_day else None,
    )


def _by_day(slots: Iterable[Span], *, first: date, zone: ZoneInfo) -> list[DayOfSlots]:
    starting = {
        day: list(group) for day, group in groupby(slots, key=lambda slot: slot.starts_at.astimezone(zone).date())
    }
    week = [first + number * DAY for number in range(WEEK.days)]
    return [DayOfSlots(day=day, slots=starting.get(day, [])) for day in week]


def _date(text: str) -> date | None:
    try:
        return parse_date(text)
    except ValueError:
        return None


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)
