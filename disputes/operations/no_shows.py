"""Reporting that somebody did not come, contesting it, taking it back, and ruling on it (P8.1 to P8.3)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from bookings.models import Booking
from bookings.operations.subject import BookingSubject
from disputes.models import Chargeback, LessonDispute, NoShowReport
from disputes.models.resolution import Resolution
from disputes.operations import notices
from disputes.operations.subject import earlier_reports, lesson_of, lock, resolve
from disputes.policy import (
    ABSENT,
    CONTEST_TIME,
    require_contestable,
    require_reportable,
    require_withdrawable,
)
from instainstru.accounts.models import User
from instainstru.api.idempotency import Receipt
from instainstru.refusals import Refused
from payments.models import Operation
from payments.operations import cases as money
from payments.policy.plan import Plan
from payments.policy.states import Action, NoShowRuling, Party, ReviewReason
from payments.rules import rules_of_version


def report_no_show(
    *,
    booking: Booking,
    actor: User,
    by: Party,
    absent: Party,
    now: datetime,
    statement: str = "",
    receipt: Receipt | None = None,
) -> NoShowReport:
    """Report that a side did not come: the money is frozen in the same commit, whatever is under way (P8.1).

    Both sides reporting each other counts as contested (P8.2). No transaction may be open.
    Raises Refused: "report_window_closed", "already_reported", "already_settled", "already_completed".
    """
    with transaction.atomic(durable=True):
        subject = lock(booking)
        rules = rules_of_version(subject.payment.policy_version)
        earlier = earlier_reports(booking)
        require_reportable(lesson_of(subject), now, by=by, absent=absent, earlier=earlier, rules=rules)
        against = NoShowReport.objects.unresolved().filter(booking=booking)
        mutual = against.exists()
        against.filter(contested_at=None).update(contested_at=now, contester=actor, confirm_at=None)
        report = NoShowReport.objects.create(
            booking=booking,
            reported_by=by,
            reporter=actor,
            absent=absent,
            statement=statement,
            reported_at=now,
            contested_at=now if mutual else None,
            confirm_at=None if mutual else now + CONTEST_TIME,
        )
        money.take_in(subject, reason=ReviewReason.NO_SHOW_REPORTED, case=report.case, now=now)
        notices.no_show_reported(report, subject.booking, now=now)
        if receipt:
            receipt.record(f"no_show:{report.pk}")
    return report


def contest_no_show(
    *, report: NoShowReport, actor: User, now: datetime, statement: str = "", receipt: Receipt | None = None
) -> NoShowReport:
    """Contest a report, as the side that is said to have been absent; then staff rule (P8.2). Twice is once.

    Raises Refused: "contest_window_closed", "already_settled".
    """
    with transaction.atomic(durable=True):
        subject = lock(report.booking)
        report = NoShowReport.objects.get(pk=report.pk)
        require_contestable(now, reported_at=report.reported_at, is_open=report.is_open)
        if not report.is_contested:
            report.contested_at, report.contester, report.contest_statement = now, actor, statement
            report.confirm_at = None
            report.save()
            notices.no_show_contested(report, subject.booking, now=now)
        if receipt:
            receipt.record(f"no_show:{report.pk}")
    return report


def withdraw_no_show(*, report: NoShowReport, now: datetime, receipt: Receipt | None = None) -> NoShowReport:
    """Take a report back, as its reporter: the former state returns, and settlement goes on, at once if due (P8.2).

    Raises Refused: "under_review" once it is contested, "already_settled" once it has ended.
    """
    with transaction.atomic(durable=True):
        subject = lock(report.booking)
        report = NoShowReport.objects.get(pk=report.pk)
        require_withdrawable(is_open=report.is_open, is_contested=report.is_contested)
        resolve(report, Resolution.WITHDRAWN, now=now)
        money.let_go_on(subject, case=report.case, now=now)
        notices.no_show_withdrawn(report, subject.booking, now=now)
        if receipt:
            receipt.record(f"no_show:{report.pk}")
    money.carry_on(report.booking.payment_id)
    return report


def confirm_uncontested(*, report_id: int, now: datetime) -> Operation | None:
    """Confirm a report that nobody contested in 24 hours (P8.2), unless another case is open; then it waits for that.

    Returns the operation that carries it out, if there is one.
    """
    with transaction.atomic(durable=True):
        booking = Booking.objects.get(no_show_reports=report_id)
        subject = lock(booking)
        report = NoShowReport.objects.get(pk=report_id)
        if report.confirm_at is None or report.confirm_at > now or _waits_for_another_case(subject):
            return None
        operation = _rule(
            subject, ABSENT[Party(report.absent)], resolution=Resolution.CONFIRMED, party=Party.SYSTEM, now=now
        )
    money.carry_on(booking.payment_id)
    return operation


def rule_no_show(
    *,
    booking: Booking,
    ruling: NoShowRuling,
    actor: User,
    reason: str,
    now: datetime,
    preview: str | None = None,
    receipt: Receipt | None = None,
) -> Operation | None:
    """Rule on a booking's open reports, both of them if both sides reported, and carry it out (P8.3).

    Unfounded, nothing is moved for the ruling itself: normal settlement goes on, at once if due. Returns the ruling's
    operation, or None for an unfounded report. No transaction may be open.
    Raises Refused: "under_review" under a chargeback, "already_settled" if no report is open, "preview_stale".
    """
    with transaction.atomic(durable=True):
        subject = lock(booking)
        operation = _rule(
            subject,
            ruling,
            resolution=Resolution.RULED,
            party=Party.STAFF,
            actor=actor,
            reason=reason,
            preview=preview,
            now=now,
        )
        if receipt:
            receipt.record(f"operation:{operation.reference}" if operation else f"no_show:{booking.ref}")
    money.carry_on(booking.payment_id)
    return operation


def preview_no_show_ruling(subject: BookingSubject, ruling: NoShowRuling, *, now: datetime) -> Plan | None:
    """Return what ruling so would do now, or None for an unfounded report; raises what ruling would raise."""
    if not NoShowReport.objects.unresolved().filter(booking=subject.booking).exists():
        raise Refused("already_settled")
    money.require_rulable(subject, Action.RULE_NO_SHOW)
    if ruling == NoShowRuling.UNFOUNDED:
        return None
    return money.preview_ruling(subject, Action.RULE_NO_SHOW, inputs=_inputs(ruling, []), now=now)


def _rule(
    subject: BookingSubject,
    ruling: NoShowRuling,
    *,
    resolution: Resolution,
    party: Party,
    now: datetime,
    actor: User | None = None,
    reason: str = "",
    preview: str | None = None,
) -> Operation | None:
    reports = list(NoShowReport.objects.unresolved().filter(booking=subject.booking).order_by("id"))
    if not reports:
        raise Refused("already_settled")
    money.require_rulable(subject, Action.RULE_NO_SHOW)
    operation = None
    if ruling != NoShowRuling.UNFOUNDED:
        operation = money.rule(
            subject,
            Action.RULE_NO_SHOW,
            party=party,
            actor=actor,
            preview=preview,
            inputs=_inputs(ruling, reports) | {"reason": reason},
            now=now,
        )
    for report in reports:
        report.ruling = ruling
        resolve(report, resolution, by=actor, reason=reason, operation=operation, now=now)
        if operation is None:
            money.let_go_on(subject, case=report.case, now=now)
    notices.no_show_resolved(reports[0], subject.booking, operation, now=now)
    return operation


def _inputs(ruling: NoShowRuling, reports: list[NoShowReport]) -> dict[str, object]:
    return {"case": {"no_show": ruling, "ends": [report.case for report in reports]}}


def _waits_for_another_case(subject: BookingSubject) -> bool:
    of_booking = {"booking": subject.booking, "resolved_at": None}
    return LessonDispute.objects.filter(**of_booking).exists() or Chargeback.objects.filter(**of_booking).exists()
