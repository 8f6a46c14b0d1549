"""Disputing a lesson, and ruling on it (P8.4)."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from bookings.models import Booking
from bookings.operations.subject import BookingSubject
from disputes.models import LessonDispute
from disputes.models.resolution import Resolution
from disputes.operations import notices
from disputes.operations.subject import earlier_disputes, lesson_of, lock, open_cases, resolve, supersede
from disputes.policy import require_disputable
from instainstru.accounts.models import User
from instainstru.api.idempotency import Receipt
from instainstru.refusals import Refused
from payments.models import Operation
from payments.operations import cases as money
from payments.policy.plan import Plan
from payments.policy.states import Action, DisputeRuling, Party, ReviewReason
from payments.rules import rules_of_version

EVIDENCE_TIME = timedelta(days=3)  # both sides are asked to show what they have
RULING_TIME = timedelta(days=7)  # staff are to have ruled


def open_dispute(
    *,
    booking: Booking,
    actor: User,
    by: Party,
    now: datetime,
    statement: str = "",
    on_behalf_of: Party | None = None,
    receipt: Receipt | None = None,
) -> LessonDispute:
    """Dispute a lesson: the money is frozen in the same commit, whatever is under way (P8.4, P8.1).

    Staff say on behalf of whom. No transaction may be open.
    Raises Refused: "lesson_not_started", "dispute_window_closed", "already_reported", "under_review".
    """
    with transaction.atomic(durable=True):
        subject = lock(booking)
        require_disputable(
            lesson_of(subject),
            now,
            by=by,
            cancelled_at=subject.booking.cancelled_at,
            earlier=earlier_disputes(booking),
            rules=rules_of_version(subject.payment.policy_version),
        )
        dispute = LessonDispute.objects.create(
            booking=booking,
            opened_by=by,
            on_behalf_of=on_behalf_of or by,
            opener=actor,
            statement=statement,
            opened_at=now,
            evidence_until=now + EVIDENCE_TIME,
            rule_by=now + RULING_TIME,
        )
        money.take_in(subject, reason=ReviewReason.DISPUTE_OPEN, case=dispute.case, now=now)
        notices.dispute_opened(dispute, subject.booking, now=now)
        if receipt:
            receipt.record(f"dispute:{dispute.pk}")
    return dispute


def rule_dispute(
    *,
    booking: Booking,
    ruling: DisputeRuling,
    actor: User,
    reason: str,
    now: datetime,
    preview: str | None = None,
    receipt: Receipt | None = None,
) -> Operation | None:
    """Rule on a booking's open dispute and carry it out (P8.4).

    For the student whatever was paid goes back, and open reports about the lesson are ended with it; for the instructor
    the former state returns and settlement goes on, at once if due. Returns the ruling's operation, if it needs one.
    No transaction may be open.
    Raises Refused: "under_review" under a chargeback, "already_settled" if no dispute is open, "preview_stale".
    """
    with transaction.atomic(durable=True):
        subject = lock(booking)
        dispute = _open_dispute(booking)
        money.require_rulable(subject, Action.RULE_DISPUTE)
        operation = None
        if ruling == DisputeRuling.STUDENT_WINS:
            operation = money.rule(
                subject,
                Action.RULE_DISPUTE,
                party=Party.STAFF,
                actor=actor,
                preview=preview,
                inputs=_inputs([dispute.case]) | {"reason": reason},
                now=now,
            )
        dispute.ruling = ruling
        resolve(dispute, Resolution.RULED, by=actor, reason=reason, operation=operation, now=now)
        if operation is None:
            money.let_go_on(subject, case=dispute.case, now=now)
        else:
            supersede(subject, open_cases(booking), reason="A dispute was ruled for the student.", now=now)
        notices.dispute_ruled(dispute, subject.booking, operation, now=now)
        if receipt:
            receipt.record(f"operation:{operation.reference}" if operation else f"dispute:{dispute.pk}")
    money.carry_on(booking.payment_id)
    return operation


def preview_dispute_ruling(subject: BookingSubject, ruling: DisputeRuling, *, now: datetime) -> Plan | None:
    """Return what ruling so would do now, or None for the instructor; raises what ruling would raise."""
    _open_dispute(subject.booking)
    money.require_rulable(subject, Action.RULE_DISPUTE)
    if ruling == DisputeRuling.INSTRUCTOR_WINS:
        return None
    return money.preview_ruling(subject, Action.RULE_DISPUTE, inputs=_inputs([]), now=now)


def _open_dispute(booking: Booking) -> LessonDispute:
    dispute = LessonDispute.objects.unresolved().filter(booking=booking).first()
    if dispute is None:
        raise Refused("already_settled")
    return dispute


def _inputs(ends: list[str]) -> dict[str, object]:
    return {"case": {"ends": ends}}
