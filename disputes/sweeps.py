"""When the sweep of cases next has something to do, for the travelling clock (design 7)."""

from datetime import datetime

from django.db.models import Min

from disputes import tasks
from disputes.models import EvidenceSubmission, NoShowReport
from payments.sweeps import Sweep


def _next_confirmation() -> datetime | None:
    return NoShowReport.objects.confirmable().aggregate(at=Min("confirm_at"))["at"]


def _next_submission() -> datetime | None:
    return EvidenceSubmission.objects.aggregate(at=Min("next_try_at"))["at"]


SWEEPS = (
    Sweep("uncontested reports", _next_confirmation, tasks.sweep_uncontested_reports),
    Sweep("unanswered submissions", _next_submission, tasks.sweep_unanswered_submissions),
)
