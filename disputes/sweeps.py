"""When the sweep of cases next has something to do, for the travelling clock (design 7)."""

from datetime import datetime

from django.db.models import Min

from disputes import tasks
from disputes.models import NoShowReport
from payments.sweeps import Sweep


def _next_confirmation() -> datetime | None:
    return NoShowReport.objects.confirmable().aggregate(at=Min("confirm_at"))["at"]


SWEEPS = (Sweep("uncontested reports", _next_confirmation, tasks.sweep_uncontested_reports),)
