"""The clockwork of cases."""

from celery import shared_task

from disputes.models import EvidenceSubmission, NoShowReport
from disputes.operations import evidence, no_shows, submissions
from instainstru import clock


@shared_task(ignore_result=True)
def sweep_uncontested_reports(*, limit: int = 100) -> None:
    """Confirm each report that nobody contested in 24 hours (P8.2)."""
    due = NoShowReport.objects.due_for_confirmation(at=clock.now()).confirmable().order_by("confirm_at", "id")
    for report_id in due.values_list("id", flat=True)[:limit]:
        confirm_report.delay(report_id=report_id)


@shared_task(ignore_result=True)
def confirm_report(*, report_id: int) -> None:
    """Confirm one report, if it still is to be confirmed."""
    no_shows.confirm_uncontested(report_id=report_id, now=clock.now())


@shared_task(ignore_result=True)
def sweep_unanswered_submissions(*, limit: int = 100) -> None:
    """Send evidence again whose answer is not known, under its key (P10.4)."""
    due = EvidenceSubmission.objects.due(at=clock.now()).order_by("next_try_at", "id")
    for submission_id in due.values_list("id", flat=True)[:limit]:
        send_evidence.delay(submission_id=submission_id)


@shared_task(ignore_result=True)
def send_evidence(*, submission_id: int) -> None:
    """Send one chargeback's evidence to the bank."""
    submissions.send(EvidenceSubmission.objects.get(pk=submission_id), now=clock.now())


@shared_task(ignore_result=True)
def sweep_unreferenced_files() -> None:
    """Delete the files of evidence that a crash left without a row."""
    evidence.clear_unreferenced_files()
