"""Applying Stripe's events: hints, whose objects are fetched, and states only move forward (design 6)."""

import logging
from collections.abc import Callable
from datetime import timedelta

from instainstru import clock
from instainstru.refusals import Refused
from payments.gateway.parties import GatewayRefused, GatewayUnavailable
from payments.models import Payee, Payment, StripeEvent
from payments.operations.accounts import refresh_account
from payments.operations.lifecycle import begin, perform
from payments.policy.states import Action, Party

logger = logging.getLogger(__name__)

RETRY_AFTER = (timedelta(seconds=30), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=4))

Reader = Callable[[StripeEvent], None]


def apply_event(event: StripeEvent) -> bool:
    """Apply one event and return whether it is applied; otherwise it is tried again later. No transaction may be open.

    Types that nobody reads are kept and ignored. Applying twice changes nothing.
    """
    if event.applied_at is not None:
        return True
    reader = _READERS.get(event.type)
    try:
        if reader is not None:
            reader(event)
    except (Refused, GatewayRefused, GatewayUnavailable) as error:
        _try_again_later(event, str(error))
        return False
    StripeEvent.objects.filter(pk=event.pk).update(applied_at=clock.wall(), next_try_at=None, failure="")
    return True


def _try_again_later(event: StripeEvent, why: str) -> None:
    wait = RETRY_AFTER[min(event.attempts, len(RETRY_AFTER) - 1)]
    logger.warning("Event %s is not applied yet: %s", event.event_id, why)
    StripeEvent.objects.filter(pk=event.pk, applied_at=None).update(
        attempts=event.attempts + 1, next_try_at=clock.wall() + wait, failure=why
    )


def _read_intent(event: StripeEvent) -> None:
    """An intent that waited for the student may have become a hold without us: look at it."""
    payment = Payment.objects.filter(pending_intent_id=event.object_id).first()
    if payment is None:
        return  # not one that waits; what we asked for ourselves was answered to us
    operation = begin(kind=Action.CONFIRM_AUTHORIZATION, payment_id=payment.pk, party=Party.STUDENT, now=clock.now())
    perform(operation, inline=False)


def _read_account(event: StripeEvent) -> None:
    """An instructor's account gained or lost the right to be paid."""
    payee = Payee.objects.filter(account_id=event.object_id).first()
    if payee is not None:
        refresh_account(payee=payee, now=clock.now())


_READERS: dict[str, Reader] = {
    "payment_intent.amount_capturable_updated": _read_intent,
    "payment_intent.succeeded": _read_intent,
    "payment_intent.payment_failed": _read_intent,
    "payment_intent.canceled": _read_intent,
    "account.updated": _read_account,
}
