"""What will, or may, leave the platform's balance at Stripe: every transfer and refund that is in sight."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from django.db.models import Exists, OuterRef, Q

from payments.models import Operation, Payment, Step
from payments.policy.funding import Cause, Movement
from payments.policy.states import Call, PaymentStatus, ReviewReason
from payments.queries.settlements import payout_of
from payments.rules import rules_of_version

LEAVES_THE_PLATFORM = (Call.PAY, Call.REFUND)
UNDONE = (Step.State.PLANNED, Step.State.SENT, Step.State.REFUSED, Step.State.SKIPPED)


def outflows(*, now: datetime, until: datetime) -> list[Movement]:
    """Return what may leave until an instant, three statements in all; where two ends are possible, the dearer one.

    Captures to come are not set off against it: Stripe keeps what a card pays pending for days.
    """
    return [*_calls(now=now), *_settlements(until=until), *_under_review(now=now, until=until)]


def _calls(*, now: datetime) -> Iterator[Movement]:
    """Transfers and refunds that are under way, or stopped and ready to be retried: they may leave now."""
    later = Step.objects.filter(
        operation=OuterRef("operation"), ordinal=OuterRef("ordinal"), attempt__gt=OuterRef("attempt")
    )
    undone = Step.objects.filter(
        ~Exists(later),
        operation__state__in=[Operation.State.OPEN, Operation.State.STUCK],
        call__in=LEAVES_THE_PLATFORM,
        state__in=UNDONE,
        amount_cents__gt=0,
    )
    for step in undone.select_related("operation__payment").order_by("id"):
        stuck = step.operation.state == Operation.State.STUCK
        yield Movement(
            on=_day(now),
            cents=-step.amount_cents,
            cause=Cause.STOPPED if stuck else Cause.UNDER_WAY,
            reference=step.operation.payment.reference,
        )


def _settlements(*, until: datetime) -> Iterator[Movement]:
    """Top-ups and locked lessons' payouts on their days; the rest of a payout where the card's 72 hours end (P10.2)."""
    due = Q(settle_at__lte=until) | Q(collection_refused_at__isnull=False)
    for payment in Payment.objects.filter(due, settle_at__isnull=False).without_open_operation().order_by("id"):
        ahead, refused_at = payout_of(payment), payment.collection_refused_at
        if payment.settle_at is not None and payment.settle_at <= until:
            yield from _movement(payment.settle_at, ahead.by_transfer, Cause.SETTLEMENT, payment)
        if refused_at is not None:
            advance_at = refused_at + rules_of_version(payment.policy_version).collection_time
            if advance_at <= until:  # we pay then what the charge would have brought
                yield from _movement(advance_at, ahead.by_charge, Cause.ADVANCE, payment)


def _under_review(*, now: datetime, until: datetime) -> Iterator[Movement]:
    """What a ruling, or the bank, may cost; and what goes on once staff have seen what was changed at Stripe."""
    frozen = ~Q(kept_status="") | Q(review_reason=ReviewReason.CHANGED_AT_STRIPE)
    for payment in Payment.objects.filter(frozen, status=PaymentStatus.MANUAL_REVIEW).order_by("id"):
        settles_at = payment.ends_at + rules_of_version(payment.policy_version).settle_after
        at = max(settles_at, now)  # a ruling may come sooner, but most let the day pass
        if at <= until:
            yield from _movement(at, _dearer_end(payment), Cause.CASE, payment)


def _dearer_end(payment: Payment) -> int:
    """For the student: the card's money goes back, less what the instructor has of it. For the instructor: paid."""
    held = payment.captured_cents - payment.refunded_to_card_cents - payment.charged_back_cents
    to_student = held - payment.instructor_payout_cents
    has_ended = PaymentStatus.SETTLED in (payment.kept_status, payment.former_status)
    to_instructor = 0 if has_ended and not payment.charged_back_cents else payout_of(payment).by_transfer
    return max(to_student, to_instructor)


def _movement(at: datetime, leaves: int, cause: Cause, payment: Payment) -> Iterator[Movement]:
    if leaves > 0:
        yield Movement(on=_day(at), cents=-leaves, cause=cause, reference=payment.reference)


def _day(at: datetime) -> date:
    return at.astimezone(UTC).date()


def end_of(first: date, *, days: int) -> datetime:
    """Return the last instant of so many days, UTC."""
    after = first + timedelta(days=days)
    return datetime(after.year, after.month, after.day, tzinfo=UTC) - timedelta(microseconds=1)
