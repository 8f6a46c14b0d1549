"""Asking Stripe which events we have missed, and taking them in (design 6)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from instainstru import clock
from payments import inbox, readers
from payments.gateway.events import events_since
from payments.models import EventMark, Payee, StripeEvent

STRIPE_REMEMBERS = timedelta(days=30)
OVERLAP = timedelta(minutes=10)  # an event may be listed later than one that happened after it


@dataclass(frozen=True, slots=True, kw_only=True)
class Backfilled:
    """What was asked of one account's events, and what was missing. `account_id` is empty for the platform's own."""

    account_id: str
    since: datetime
    looked_at: int
    missing: tuple[str, ...]


def backfill_events(
    *,
    account_id: str = "",
    since: datetime | None = None,
    dry_run: bool = False,
    now: datetime,
    tell: Callable[[int], None] = lambda read: None,
) -> Backfilled:
    """Take in, oldest first, the handled events of an account that we have missed; the clockwork then applies them.

    By default it looks from where it has got to before, or as far back as Stripe remembers. `tell` hears after each
    page how many events were read so far. No transaction may be open. Raises GatewayRefused or GatewayUnavailable;
    then nothing is marked as complete.
    """
    mark = EventMark.objects.filter(account_id=account_id).first()
    seen_until = mark.complete_until if mark else now - STRIPE_REMEMBERS
    start = since or seen_until - OVERLAP * bool(mark)
    if not dry_run:
        # Noted before it is asked: accounts that don't answer take their turn like all others, and hold up nobody.
        Payee.objects.filter(account_id=account_id).update(events_asked_at=clock.wall())
    found = events_since(start, account=account_id, tell=tell)
    listed = [event for event in found if event["type"] in readers.HANDLED]
    kept = StripeEvent.objects.filter(event_id__in=[event["id"] for event in listed])
    known = set(kept.values_list("event_id", flat=True))
    missing = [event for event in listed if event["id"] not in known]
    if not dry_run:
        for event in missing:
            inbox.take_in(event)
        if start <= seen_until:  # else there is a gap before what was looked at
            _mark(account_id, max([seen_until, *map(_created, listed[-1:])]))
    return Backfilled(
        account_id=account_id, since=start, looked_at=len(listed), missing=tuple(event["id"] for event in missing)
    )


def accounts_to_backfill(*, limit: int | None = None) -> list[str]:
    """Return the platform, as an empty string, and the connected accounts that were not looked at for the longest."""
    return ["", *Payee.objects.longest_not_asked_first().values_list("account_id", flat=True)[:limit]]


def _mark(account_id: str, complete_until: datetime) -> None:
    EventMark.objects.update_or_create(
        account_id=account_id, defaults={"complete_until": complete_until, "checked_at": clock.wall()}
    )


def _created(event: dict[str, Any]) -> datetime:
    return datetime.fromtimestamp(event["created"], UTC)
