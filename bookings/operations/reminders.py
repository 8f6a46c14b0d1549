"""Reminding both sides of a lesson, a day and an hour before it starts."""

from datetime import datetime, timedelta

from django.db import transaction

from bookings.models import Booking
from bookings.operations import notices

AHEAD = (timedelta(days=1), timedelta(hours=1))


def next_reminder(starts_at: datetime, *, now: datetime) -> datetime | None:
    """Return when the next reminder of a lesson is due after `now`, if there is one."""
    return min((starts_at - ahead for ahead in AHEAD if starts_at - ahead > now), default=None)


def send_due_reminders(*, now: datetime, limit: int = 100) -> int:
    """Queue the reminders that are due, one to each side, and return how many lessons they were of.

    A reminder whose lesson has begun meanwhile, because our clockwork was down, is left out.
    """
    with transaction.atomic(durable=True):
        due = list(
            Booking.objects.filter(remind_at__lte=now)
            .select_related("student", "instructor__user")
            .order_by("remind_at", "id")
            .select_for_update(of=("self",), skip_locked=True)[:limit]
        )
        for booking in due:
            if now < booking.starts_at:
                notices.queue_reminder(booking, now=now)
            booking.remind_at = next_reminder(booking.starts_at, now=now)
            booking.save(update_fields=["remind_at"])
    return len(due)
