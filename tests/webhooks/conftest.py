"""Stripe's post: every event that the simulator has recorded, delivered as a test wants it."""

from typing import Any

import pytest

from instainstru import clock
from payments import inbox, operations
from payments.gateway.events import events_since
from payments.models import Payee, StripeEvent
from payments.operations.backfill import STRIPE_REMEMBERS
from tests.stage import Stage

Json = dict[str, Any]


class Post:
    """Takes Stripe's events, as its list has them, to our inbox, and applies them."""

    def __init__(self) -> None:
        self._sent: set[str] = set()

    def waiting(self) -> list[Json]:
        """Events that have not been handed out, of the platform and of every connected account, oldest first."""
        accounts = ["", *Payee.objects.order_by("id").values_list("account_id", flat=True)]
        since = clock.now() - STRIPE_REMEMBERS
        found = [event for account in accounts for event in events_since(since, account=account)]
        fresh = [event for event in found if event["id"] not in self._sent]
        self._sent.update(event["id"] for event in fresh)
        return sorted(fresh, key=lambda event: event["created"])

    def deliver(self, *types: str) -> None:
        """Deliver what has happened since the last time, in order; of these types alone, if some are named."""
        for event in self.waiting():
            if not types or event["type"] in types:
                self.put(event)

    def put(self, event: Json) -> bool:
        """Take one event in, as the webhook does, and apply it, or try it anew; return whether it is applied."""
        is_new = inbox.take_in(event)
        kept = StripeEvent.objects.get(event_id=event["id"])
        if not is_new:
            operations.replay_event(kept)
            kept.refresh_from_db()
        return operations.apply_event(kept, now=clock.now())


@pytest.fixture
def post(stage: Stage) -> Post:
    """Stripe's post, with nothing under way: what was recorded while the stage was set is forgotten."""
    service = Post()
    service.waiting()
    return service
