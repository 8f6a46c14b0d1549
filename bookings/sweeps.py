"""When the calendar's sweeps next have something to do, for the travelling clock (design 7)."""

from typing import Any

from django.db.models import F, QuerySet

from bookings import tasks
from bookings.models import Booking
from payments.sweeps import Sweep


def _reminders() -> QuerySet[Any]:
    return Booking.objects.annotate(at=F("remind_at"))


SWEEPS = (Sweep("reminders due", _reminders, tasks.sweep_reminders_due),)
