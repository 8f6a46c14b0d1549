"""Applying Stripe's events: hints, whose objects are fetched, and states only move forward (design 6).

What can't be applied yet is tried again with growing waits, as often as `RETRY_AFTER` says; then it is given up, and
staff see it and may replay it.
"""

import logging
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, QuerySet
from prometheus_client import Counter

from instainstru import clock
from instainstru.api.idempotency import Receipt
from instainstru.observability import working_on
from instainstru.refusals import Refused
from payments import readers
from payments.gateway.errors import GatewayRefused, GatewayUnavailable
from payments.models import StripeEvent
from payments.operations import claims

logger = logging.getLogger(__name__)
events_read = Counter("stripe_events_read", "Tries to apply an event of Stripe's.", ["type", "result"])

OF_THE_OTHER_MODE = "Of Stripe's other mode, live or test, than our key: nothing was done."
RETRY_AFTER = (  # a day and a half in all, longer than Stripe has ever been away; the tenth failure is the last
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(minutes=30),
    timedelta(hours=1),
    timedelta(hours=2),
    timedelta(hours=4),
    timedelta(hours=8),
    timedelta(hours=20),
)


def claim_events(*, limit: int) -> list[int]:
    """Claim events that are due for the tasks that a sweep starts, and return their keys.

    Without it every sweep would start another task for what still waits in the queue, and a backlog feed itself. The
    claim spares work and ends when the event is tried; `_claim` keeps it right.
    """
    wall = clock.wall()
    due = StripeEvent.objects.due(at=wall)
    return due.claim(order=("next_try_at", "id"), limit=limit, until=wall + claims.LEASE)


def apply_event(event: StripeEvent, *, now: datetime) -> bool:
    """Apply one event that is due and return whether it is applied; otherwise it is tried again later.

    No transaction may be open. Types that nobody reads are kept and ignored, and so is what comes from Stripe's other
    mode: its objects are not there for our key, or are others. Of several workers one applies it.
    """
    if event.applied_at is not None:
        return True
    if not _claim(event):
        return False
    with working_on(event=event.event_id):
        if not event.is_of_our_mode:
            events_read.labels(event.type, "ignored").inc()
            logger.warning("Event %s is ignored: %s", event.event_id, OF_THE_OTHER_MODE)
            _done_with(event, failure=OF_THE_OTHER_MODE)
            return True
        try:
            failure = _read(event, now=now)
        except Exception as error:  # of our own making: staff see it with the event, and it rises
            _note_failure(event, f"{type(error).__name__}: {error}")
            raise
        if failure is None:
            events_read.labels(event.type, "applied").inc()
            _done_with(event)
        else:
            _note_failure(event, failure)
    return failure is None


def _done_with(event: StripeEvent, *, failure: str = "") -> None:
    _of(event).update(applied_at=clock.wall(), next_try_at=None, failure=failure)


def _note_failure(event: StripeEvent, failure: str) -> None:
    if event.attempts >= len(RETRY_AFTER):
        events_read.labels(event.type, "given_up").inc()
        logger.error("Event %s is given up: %s", event.event_id, failure)
        _of(event).update(given_up_at=clock.wall(), next_try_at=None, failure=failure)
    else:
        events_read.labels(event.type, "again").inc()
        logger.info("Event %s is not applied yet: %s", event.event_id, failure)
        _of(event).update(failure=failure)


def replay_event(event: StripeEvent, *, receipt: Receipt | None = None) -> None:
    """Let an event be tried anew, as often as a new one, given up or applied; the caller applies it after this."""
    with transaction.atomic(durable=True):
        StripeEvent.objects.filter(pk=event.pk).update(
            applied_at=None, given_up_at=None, next_try_at=clock.wall(), claimed_until=None, attempts=0, failure=""
        )
        if receipt:
            receipt.record(f"event:{event.event_id}")


def _claim(event: StripeEvent) -> bool:
    """Count this try before it is made, so that one that dies counts too; return False if it is not due (any more)."""
    wait = RETRY_AFTER[min(event.attempts, len(RETRY_AFTER) - 1)]
    return bool(
        _of(event)
        .filter(attempts=event.attempts, next_try_at__lte=clock.wall())
        .update(attempts=F("attempts") + 1, next_try_at=clock.wall() + wait, claimed_until=None)
    )


def _of(event: StripeEvent) -> QuerySet[StripeEvent]:
    return StripeEvent.objects.filter(pk=event.pk, applied_at=None)


def _read(event: StripeEvent, *, now: datetime) -> str | None:
    """Let whoever reads this type do so; return why it came to nothing, or None."""
    read = readers.reader_of(event.type)
    try:
        if read is not None:
            read(event, now=now)
    except (readers.NotYet, Refused, GatewayRefused, GatewayUnavailable) as error:
        return str(error) or type(error).__name__
    return None
