"""Reading what Stripe tells of payments and accounts: hints, whose objects are fetched (design 6)."""

from datetime import datetime

from payments.models import Payee, Payment, StripeEvent
from payments.operations.accounts import refresh_account
from payments.operations.lifecycle import begin, perform
from payments.policy.states import Action, Party
from payments.readers import Reader


def read_intent(event: StripeEvent, *, now: datetime) -> None:
    """An intent that waited for the student may have become a hold without us: look at it."""
    payment = Payment.objects.filter(pending_intent_id=event.object_id).first()
    if payment is None:
        return  # not one that waits; what we asked for ourselves was answered to us
    operation = begin(kind=Action.CONFIRM_AUTHORIZATION, payment_id=payment.pk, party=Party.STUDENT, now=now)
    perform(operation, inline=False)


def read_account(event: StripeEvent, *, now: datetime) -> None:
    """An instructor's account gained or lost the right to be paid."""
    payee = Payee.objects.filter(account_id=event.object_id).first()
    if payee is not None:
        refresh_account(payee=payee, now=now)


READERS: dict[Reader, tuple[str, ...]] = {
    read_intent: (
        "payment_intent.amount_capturable_updated",
        "payment_intent.canceled",
        "payment_intent.payment_failed",
        "payment_intent.succeeded",
    ),
    read_account: ("account.updated",),
}
