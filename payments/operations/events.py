"""Applying Stripe's events: hints, whose objects are fetched, and states only move forward (design 6)."""

import logging
from datetime import datetime, timedelta

from instainstru import clock
from instainstru.refusals import Refused
from payments import readers
from payments.gateway.parties import GatewayRefused, GatewayUnavailable
from payments.models import StripeEvent

logger = logging.getLogger(__name__)

RETRY_AFTER = (timedelta(seconds=30), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=4))


def apply_event(event: StripeEvent, *, now: datetime) -> bool:
    """Apply one event and return whether it is applied; otherwise it is tried again later. No transaction may be open.

    Types that nobody reads are kept and ignored. Applying twice changes nothing.
    """
    if event.applied_at is not None:
        return True
    read = readers.reader_of(event.type)
    try:
        if read is not None:
            read(event, now=now)
    except (readers.NotYet, Refused, GatewayRefused, GatewayUnavailable) as error:
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
