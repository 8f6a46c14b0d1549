"""Retrying, many at once, what a definite no to a payout or a reversal has stopped (P10.3)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from instainstru.accounts.models import User
from instainstru.api.idempotency import Receipt
from payments import endings
from payments.models import Operation, Payee, Payment
from payments.operations.lifecycle import perform
from payments.operations.settling import Settled, how_it_stands
from payments.operations.stops import preview_retry, retry_stuck
from payments.policy.plan import Plan
from payments.policy.states import Action, PaymentStatus, ReviewReason

# What keeps money from an instructor, or with one who should not have it; the other stops concern the student's card.
RETRIED = (ReviewReason.PAYOUT_REFUSED, ReviewReason.REVERSAL_REFUSED, ReviewReason.PAYEE_UNPAYABLE)


def stopped_payouts(
    *, reasons: Collection[ReviewReason] = RETRIED, payee: Payee | None = None, references: Collection[str] = ()
) -> QuerySet[Payment]:
    """Return the payments that wait for staff for these reasons, the longest waiting first; all if none is named."""
    stopped = Payment.objects.filter(
        status=PaymentStatus.MANUAL_REVIEW, review_reason__in=reasons, operations__state=Operation.State.STUCK
    )
    if payee is not None:
        stopped = stopped.filter(payee=payee)
    if references:
        stopped = stopped.filter(reference__in=references)
    return stopped.select_related("payee__user").distinct().order_by("review_since", "id")


def plan_of_retry(payment_id: int) -> Plan:
    """Return what retrying would do now; no transaction may be open. Raises Refused, as retrying would."""
    with transaction.atomic(durable=True):
        return preview_retry(endings.lock_subject(Action.SETTLE, payment_id))


def retry_as_planned(payment_id: int, plan: Plan, *, actor: User, receipt: Receipt, now: datetime) -> Settled:
    """Retry exactly what a plan shows, carry it out as far as Stripe answers, and return what became of the payment.

    No transaction may be open. Raises Refused: "preview_stale" if it would do something else by now,
    "already_settled", "operation_in_progress", "under_review".
    """
    operation = retry_stuck(payment_id=payment_id, actor=actor, now=now, preview=plan.digest, receipt=receipt)
    perform(operation)
    return how_it_stands(Payment.objects.get(pk=payment_id))
