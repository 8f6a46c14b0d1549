"""What is settled when, and what is not although its day has come (P5.5)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from django.db.models import QuerySet

from payments.models import Operation, Payee, Payment
from payments.models.payment import PaymentQuerySet
from payments.policy.payouts import PayoutAhead, payout_ahead
from payments.policy.states import PaymentStatus, ReviewReason
from payments.queries.undertakings import open_operations
from payments.rules import rules_of_version

Why = Literal["case", "stopped", "under_way"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """One settlement to come, and what it pays; its payment has `payee.user` loaded."""

    payment: Payment
    due_at: datetime
    payout: PayoutAhead


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """One payment that would be settled by then, and why it is not: a case, a stop, or what is being done with it."""

    payment: Payment
    why: Why
    what: str
    since: datetime
    said: str = ""  # by Stripe, where it stopped


def settlements_ahead(*, until: datetime, payee: Payee | None = None) -> list[Settlement]:
    """Return what is due until an instant and free to be settled, by instructor and then by its day; one statement."""
    due = _of(payee, Payment.objects.due_for_settlement(at=until)).without_open_operation()
    return [
        Settlement(payment=payment, due_at=payment.settle_at, payout=payout_of(payment))
        for payment in due.select_related("payee__user").order_by("payee__user__name", "payee_id", "settle_at", "id")
        if payment.settle_at is not None
    ]


def left_out(*, until: datetime, payee: Payee | None = None) -> list[LeftOut]:
    """Return what would be settled until then and is frozen, stopped or under way, the oldest lesson first.

    Three statements, however many there are. A collection that has failed is not among it: its instructor is paid.
    """
    frozen = _of(payee, Payment.objects.filter(status=PaymentStatus.MANUAL_REVIEW, ends_at__lte=until))
    unpaid = frozen.exclude(review_reason=ReviewReason.COLLECTION_FAILED)
    busy = _of(payee, Payment.objects.due_for_settlement(at=until)).filter(operations__state=Operation.State.OPEN)
    found = [
        *(_under_review(payment) for payment in _with_user(unpaid) if _settles_by(payment, until)),
        *(_under_way(payment) for payment in _with_user(busy).prefetch_related(open_operations())),
    ]
    return sorted(found, key=lambda each: (each.payment.ends_at, each.payment.pk))


def payout_of(payment: Payment) -> PayoutAhead:
    """Return what settling a payment will pay as it stands."""
    return payout_ahead(
        payment.terms, captured=payment.captured_cents, instructor_holds=payment.instructor_payout_cents
    )


def _of(payee: Payee | None, payments: PaymentQuerySet) -> PaymentQuerySet:
    return payments if payee is None else payments.filter(payee=payee)


def _with_user(payments: QuerySet[Payment]) -> QuerySet[Payment]:
    return payments.select_related("payee__user")


def _settles_by(payment: Payment, until: datetime) -> bool:
    return payment.ends_at + rules_of_version(payment.policy_version).settle_after <= until


def _under_review(payment: Payment) -> LeftOut:
    return LeftOut(
        payment=payment,
        why="case" if payment.is_frozen else "stopped",
        what=payment.get_review_reason_display(),
        since=payment.review_since or payment.ends_at,
        said=payment.review_error,
    )


def _under_way(payment: Payment) -> LeftOut:
    operation: Operation = payment.open_operations[0]  # type: ignore[attr-defined]  # prefetched
    waits = f"; asked again at {operation.resume_at:%Y-%m-%d %H:%M} UTC" if operation.resume_at else ""
    return LeftOut(
        payment=payment, why="under_way", what=f"{operation.get_kind_display()}{waits}", since=operation.accepted_at
    )
