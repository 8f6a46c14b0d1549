"""Instructors say when they are open. Lessons that are booked already stand, whatever the hours become.

Each replaces what stood there before under the instructor's row lock, so that of two requests the later one holds
whole, instead of a mixture of both.
"""

import contextlib
from collections.abc import Iterable, Iterator
from datetime import date, datetime

from django.db import transaction

from bookings.calendar import Hours
from bookings.models import DateException, Instructor, TimeOff, WeeklyHours
from instainstru.api.idempotency import IdempotencyKey


def keep_weekly_hours(*, instructor_id: int, hours: Iterable[tuple[int, Hours]]) -> None:
    """Replace the whole week by these stretches, each with its weekday; those of one weekday don't overlap."""
    with _calendar_of(instructor_id) as instructor:
        instructor.weekly_hours.all().delete()
        WeeklyHours.objects.bulk_create(
            WeeklyHours(instructor=instructor, weekday=weekday, opens=stretch.opens, closes=stretch.closes)
            for weekday, stretch in hours
        )


def except_date(*, instructor_id: int, day: date, hours: Iterable[Hours]) -> None:
    """Let a local date have these hours instead of its weekly ones; none at all close it."""
    with _calendar_of(instructor_id) as instructor:
        instructor.date_exceptions.filter(date=day).delete()
        rows = [
            DateException(instructor=instructor, date=day, opens=stretch.opens, closes=stretch.closes)
            for stretch in hours
        ]
        DateException.objects.bulk_create(rows or [DateException(instructor=instructor, date=day)])


def follow_the_week_again(*, instructor_id: int, day: date) -> bool:
    """Give a local date its weekly hours back; return whether it had been an exception."""
    deleted, _ = DateException.objects.filter(instructor_id=instructor_id, date=day).delete()
    return deleted > 0


def take_time_off(
    *,
    instructor_id: int,
    starts_at: datetime,
    ends_at: datetime,
    reason: str = "",
    idempotency_key: IdempotencyKey | None = None,
) -> TimeOff:
    """Close the calendar for a stretch of time, whatever the hours say."""
    with transaction.atomic():
        time_off = TimeOff.objects.create(
            instructor_id=instructor_id, starts_at=starts_at, ends_at=ends_at, reason=reason
        )
        if idempotency_key:
            idempotency_key.record(f"time_off:{time_off.id}")
    return time_off


def change_time_off(*, time_off_id: int, starts_at: datetime, ends_at: datetime, reason: str) -> None:
    """Move a stretch of time off, or give another reason for it."""
    TimeOff.objects.filter(id=time_off_id).update(starts_at=starts_at, ends_at=ends_at, reason=reason)


def return_from_time_off(*, time_off_id: int) -> None:
    """Open the calendar again for a stretch that was taken off."""
    TimeOff.objects.filter(id=time_off_id).delete()


@contextlib.contextmanager
def _calendar_of(instructor_id: int) -> Iterator[Instructor]:
    with transaction.atomic():
        yield Instructor.objects.select_for_update().get(id=instructor_id)
