"""When the calendar's sweeps next have something to do, for the travelling clock (design 7)."""

from datetime import datetime

from django.db.models import Min

from bookings import tasks
from bookings.models import Booking
from payments.sweeps import Sweep


def _next_reminder() -> datetime | None:
    return Booking.objects.aggregate(at=Min("remind_at"))["at"]


SWEEPS = (Sweep("reminders due", _next_reminder, tasks.sweep_reminders_due),)
