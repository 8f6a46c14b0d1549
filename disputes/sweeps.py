"""When the sweep of cases next has something to do, for the travelling clock (design 7)."""

from typing import Any

from django.db.models import F, QuerySet

from disputes import tasks
from disputes.models import EvidenceSubmission, NoShowReport
from payments.sweeps import Sweep


def _confirmations() -> QuerySet[Any]:
    return NoShowReport.objects.confirmable().annotate(at=F("confirm_at"))


def _submissions() -> QuerySet[Any]:
    return EvidenceSubmission.objects.annotate(at=F("next_try_at"))


SWEEPS = (
    Sweep("uncontested reports", _confirmations, tasks.sweep_uncontested_reports),
    Sweep("unanswered submissions", _submissions, tasks.sweep_unanswered_submissions),
)
