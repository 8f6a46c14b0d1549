"""Settling at once what is due, one payment after the other: what the sweep does, for whoever does not wait for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from django.db.models import Q

from instainstru.refusals import RefusalCode
from payments.models import Payment
from payments.models.payment import PaymentQuerySet
from payments.operations.claims import carry_out_claimed, claim
from payments.policy.states import Action, PaymentStatus

BATCH = 25  # claimed at once: a claim lasts five minutes, and each payment may take three slow calls


class Result(StrEnum):
    """What became of one payment that was to be settled."""

    SETTLED = "settled"
    CARD_REFUSED = "card_refused"  # the ladder of P10.2 goes on by itself
    STOPPED = "stopped"  # waits for staff
    UNDER_WAY = "under_way"  # another worker is at it, or Stripe has not answered: the sweep goes on (P10.4)
    NOT_DUE = "not_due"  # somebody was quicker, and what they did changed it


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What became of one payment; `paid` is what its instructor has for it now, in cents."""

    reference: str
    result: Result
    paid: int
    said: str = ""


def settle_due(due: PaymentQuerySet, *, limit: int | None = None) -> Iterator[Settled]:
    """Settle the given payments, the longest due first, and yield what became of each; each is tried once.

    Payments are claimed as the sweep claims them: beside it, and beside another of this, each is settled once. What is
    claimed and not tried, because the caller goes away, is given back. No transaction may be open.
    """
    tried, rest = 0, due
    while limit is None or tried < limit:
        claimed = claim(rest, order=("settle_at", "id"), limit=min(BATCH, BATCH if limit is None else limit - tried))
        if not claimed:
            return
        last = Payment.objects.only("settle_at").get(pk=claimed[-1])
        rest = due.filter(Q(settle_at__gt=last.settle_at) | Q(settle_at=last.settle_at, pk__gt=last.pk))
        tried += len(claimed)
        try:
            while claimed:
                yield _settle(claimed.pop(0))
        finally:
            Payment.objects.filter(pk__in=claimed).update(claimed_until=None)


def how_it_stands(payment: Payment) -> Settled:
    """Return what has become of a payment, as it stands."""
    return Settled(
        reference=payment.reference,
        result=_result(payment),
        paid=payment.instructor_payout_cents,
        said=payment.review_error or payment.refusal_code,
    )


def _settle(payment_id: int) -> Settled:
    done = carry_out_claimed(payment_id=payment_id, kind=Action.SETTLE)
    stands = how_it_stands(Payment.objects.get(pk=payment_id))
    if isinstance(done, RefusalCode) and stands.result != Result.SETTLED:
        busy = done == RefusalCode.OPERATION_IN_PROGRESS
        return replace(stands, result=Result.UNDER_WAY if busy else Result.NOT_DUE, said=done)
    return stands


def _result(payment: Payment) -> Result:
    if payment.operations.open().exists():
        return Result.UNDER_WAY
    match payment.status:
        case PaymentStatus.SETTLED:
            return Result.SETTLED
        case PaymentStatus.MANUAL_REVIEW:
            return Result.STOPPED
        case PaymentStatus.PAYMENT_METHOD_REQUIRED:
            return Result.CARD_REFUSED
    return Result.NOT_DUE
