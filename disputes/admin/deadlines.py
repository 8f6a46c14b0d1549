"""Until when staff are to act on a case. A hold that lapses sooner is sooner: it is never charged because of that."""

from datetime import datetime, timedelta

from disputes.models import LessonDispute, NoShowReport

RULED_WITHIN = timedelta(hours=72)  # of being contested: both sides' money stands still meanwhile


def rule_report_by(report: NoShowReport) -> datetime | None:
    """Return when an open report is to be ruled, or None while it is not contested."""
    if not report.is_open or report.contested_at is None:
        return None
    return _or_the_hold(report.contested_at + RULED_WITHIN, report)


def rule_dispute_by(dispute: LessonDispute) -> datetime | None:
    return _or_the_hold(dispute.rule_by, dispute) if dispute.is_open else None


def _or_the_hold(by: datetime, case: NoShowReport | LessonDispute) -> datetime:
    lapses_at = case.booking.payment.capture_before
    return min(by, lapses_at) if lapses_at else by
