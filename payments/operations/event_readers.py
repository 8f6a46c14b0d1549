"""Reading what Stripe tells of payments, accounts and cards: hints, whose objects are fetched (design 6)."""

from datetime import datetime
from typing import Any

from django.db.models import Q

from instainstru.refusals import RefusalCode, Refused
from payments.gateway import movements
from payments.models import Payee, Payment, Step, StripeEvent
from payments.operations.accounts import refresh_account
from payments.operations.cards import keep_card_saved_at_stripe, retry_unpaid
from payments.operations.changes import take_in_intent, take_in_refunds, take_in_reversals
from payments.operations.lifecycle import begin, perform
from payments.operations.transit import take_in_payout, take_in_transfer
from payments.policy.states import Action, Party
from payments.readers import NotYet, Reader


def read_intent(event: StripeEvent, *, now: datetime) -> None:
    """An intent that waited for the student may have become a hold without us; a hold may be gone, or charged."""
    if event.account_id:
        return  # a connected account's own business
    intent = movements.intent(event.object_id)
    known = Payment.objects.filter(Q(pending_intent_id=intent.id) | Q(intent_id=intent.id)).first()
    payment = known or Payment.objects.filter(reference=intent.reference).first()
    if payment is None:
        return
    if payment.pending_intent_id == intent.id:
        if intent.status not in ("requires_action", "requires_confirmation", "processing"):
            _confirm(payment, now=now)
    elif payment.intent_id == intent.id:
        take_in_intent(payment.pk, intent, event=event, now=now)
    elif payment.operations.open().exists():
        raise NotYet("The answer that names this intent may still be under way.")


def read_refund(event: StripeEvent, *, now: datetime) -> None:
    """A charge was refunded, by us or at Stripe, or a refund came back from the bank."""
    intent_id = _told(event).get("payment_intent")
    payment = Payment.objects.filter(intent_id=intent_id).first() if intent_id and not event.account_id else None
    if payment is not None:
        take_in_refunds(payment.pk, movements.refunds_of(payment.intent_id), event=event, now=now)


def read_transfer(event: StripeEvent, *, now: datetime) -> None:
    """An instructor was paid, or a transfer was reversed, by us or at Stripe."""
    transfer = movements.transfer(event.object_id)
    reversals = movements.reversals_of(transfer.id)
    payment = (
        Payment.objects.filter(transfer_id=transfer.id).first()
        or Payment.objects.filter(payout_transfers__transfer_id=transfer.id).first()
    )
    if payment is not None:
        take_in_reversals(payment.pk, transfer.id, reversals, event=event, now=now)
    elif transfer.is_of_a_charge or Step.objects.filter(idempotency_key=transfer.key).exists():
        if reversals:
            raise NotYet("The answer that names this transfer is still under way.")
    elif payee := Payee.objects.filter(account_id=transfer.destination).first():
        take_in_transfer(transfer, reversals, payee=payee, event=event, now=now)


def read_payout(event: StripeEvent, *, now: datetime) -> None:
    """An instructor, or the platform, had money paid out to the bank, or the bank sent it back."""
    payee = Payee.objects.filter(account_id=event.account_id).first() if event.account_id else None
    if payee is not None or not event.account_id:
        payout = movements.payout(event.object_id, account=event.account_id)
        take_in_payout(payout, payee=payee, event=event, now=now)


def read_account(event: StripeEvent, *, now: datetime) -> None:
    """An instructor's account gained or lost the right to be paid."""
    payee = Payee.objects.filter(account_id=event.object_id).first()
    if payee is not None:
        refresh_account(payee=payee, now=now)


def read_setup(event: StripeEvent, *, now: datetime) -> None:
    """A student saved a card and may never have come back to us: keep it, and try it where one is wanted (P10.1)."""
    if event.account_id:
        return
    student = keep_card_saved_at_stripe(setup_id=event.object_id, now=now)
    if student is not None:
        retry_unpaid(student=student, is_there=False, now=now)


def _confirm(payment: Payment, *, now: datetime) -> None:
    try:
        operation = begin(kind=Action.CONFIRM_AUTHORIZATION, payment_id=payment.pk, party=Party.STUDENT, now=now)
    except Refused as refusal:
        if refusal.code == RefusalCode.OPERATION_IN_PROGRESS:
            raise
        return  # whatever comes next looks at this intent, or cancels it (design 4)
    perform(operation, inline=False)


def _told(event: StripeEvent) -> dict[str, Any]:
    """The object as the event shows it: good for finding out what to fetch."""
    told: dict[str, Any] = event.payload["data"]["object"]
    return told


READERS: dict[Reader, tuple[str, ...]] = {
    read_intent: (
        "payment_intent.amount_capturable_updated",
        "payment_intent.canceled",
        "payment_intent.created",
        "payment_intent.payment_failed",
        "payment_intent.processing",
        "payment_intent.requires_action",
        "payment_intent.succeeded",
    ),
    read_refund: (
        "charge.refund.updated",
        "charge.refunded",
        "refund.created",
        "refund.failed",
        "refund.updated",
    ),
    read_transfer: ("transfer.created", "transfer.reversed", "transfer.updated"),
    read_payout: ("payout.canceled", "payout.created", "payout.failed", "payout.paid", "payout.updated"),
    read_account: ("account.updated",),
    read_setup: (
        "setup_intent.canceled",
        "setup_intent.created",
        "setup_intent.requires_action",
        "setup_intent.setup_failed",
        "setup_intent.succeeded",
    ),
}
