"""Moving a booking's time: the new one is held while money moves, the old one is kept until it has (design 2)."""

from datetime import datetime

from django.db import IntegrityError, transaction

from bookings.calendar import Span, obstacle_to
from bookings.models import Booking, BookingMove
from bookings.operations.reminders import next_reminder
from bookings.queries import calendar_of
from instainstru.refusals import Refused
from payments.models import Operation


def wished_start(operation: Operation) -> datetime:
    """Return where a reschedule is to move the lesson."""
    return datetime.fromisoformat(operation.inputs["new_starts_at"])


def hold_new_time(booking: Booking, *, starts_at: datetime, now: datetime) -> None:
    """Hold the time that a locked booking is to move to, beside its own.

    Both sides are locked. What is held for this move already stays so: it was accepted, whatever has been closed since.
    Raises Refused("slot_unavailable") where the instructor is closed, away or taken, where the student has another
    lesson, and for the time that the lesson has already.
    """
    if starts_at != booking.starts_at and booking.keeps_time(starts_at=starts_at):
        return
    lesson = Span(starts_at, starts_at + (booking.ends_at - booking.starts_at))
    calendar = calendar_of(booking.instructor, since=lesson.starts_at, until=lesson.ends_at, apart_from=booking)
    if starts_at == booking.starts_at or obstacle_to(lesson, calendar=calendar, now=now) is not None:
        raise Refused("slot_unavailable")
    try:
        with transaction.atomic():
            booking.hold_time(starts_at=lesson.starts_at, ends_at=lesson.ends_at)
    except IntegrityError as error:  # one of the two exclusion constraints (P5.4)
        raise Refused("slot_unavailable") from error


def move(booking: Booking, operation: Operation, *, now: datetime) -> None:
    """Move a locked booking and its payment to the time that is held for it, and keep the history."""
    starts_at = wished_start(operation)
    BookingMove.objects.create(
        booking=booking,
        from_start=booking.starts_at,
        to_start=starts_at,
        asked_at=operation.accepted_at,
        moved_at=now,
        rule=operation.rule,
    )
    length = booking.ends_at - booking.starts_at
    for moved in (booking, booking.payment):
        moved.starts_at, moved.ends_at = starts_at, starts_at + length
    booking.remind_at = next_reminder(starts_at, now=now)
    booking.save(update_fields=["starts_at", "ends_at", "remind_at"])
