"""Stripe's events on their way to us: in order, or in disorder, doubled, late, and not at all."""

from __future__ import annotations

import json
import random
from collections import Counter
from typing import Any

from django.db.models import QuerySet

from instainstru import clock
from instainstru.local.simulator import SimulatorControl
from payments import inbox, operations
from payments.models import StripeEvent
from payments.readers import HANDLED

Json = dict[str, Any]


class Post:
    """The bag of events that have not come yet, and what of Stripe's doings we can't know before they do."""

    def __init__(self, simulator: SimulatorControl) -> None:
        self._simulator = simulator
        self._bag: list[Json] = []
        self._some_are_lost = False
        self.fates: Counter[str] = Counter()
        self.untold: Counter[str] = Counter()  # by reference of a booking, how often Stripe knew more than we

    def deliver(self, *, lost: int, late: int, doubled: int, drawn: float) -> None:
        """Bring what is in the bag; of a hundred so many are lost, late or doubled, in disorder then."""
        until_now = self.untold.copy()
        self._collect()
        chance = random.Random(drawn)
        if lost or late or doubled:
            chance.shuffle(self._bag)
            self.fates["post disordered"] += len(self._bag) > 1
        for event in tuple(self._bag):
            fate = chance.randrange(100)
            if lost <= fate < lost + late:
                self.fates["webhook late"] += 1
                continue
            if fate < lost:
                self._some_are_lost = True
                self.fates["webhook lost"] += 1
            else:
                times = 2 if chance.randrange(100) < doubled else 1
                self.fates["webhook doubled"] += times - 1
                for _ in range(times):
                    inbox.take_in(event)
            self._bag.remove(event)  # not before it was taken in: who is killed meanwhile gave Stripe no answer
        self._apply()
        self._know_it_all(until_now)

    def ask_for_what_is_missing(self) -> None:
        """Fill our gaps from Stripe's own list, as the clockwork does, what is still in the bag too."""
        until_now = self.untold.copy()
        self._collect()
        for account_id in operations.accounts_to_backfill():
            operations.backfill_events(account_id=account_id, now=clock.now())
        self._bag, self._some_are_lost = [], False
        self._apply()
        self._know_it_all(until_now)

    def unapplied(self) -> QuerySet[StripeEvent]:
        """Return events that came and could not be applied."""
        return StripeEvent.objects.filter(applied_at=None)

    def _collect(self) -> None:
        taken = (json.loads(parcel["payload"]) for parcel in self._simulator.take_webhooks())
        self._bag += [event for event in taken if event["type"] in HANDLED]

    def _know_it_all(self, until_now: Counter[str]) -> None:
        """Be told of what had happened before the post came; more may have happened meanwhile, of the same too."""
        if not self._bag and not self._some_are_lost and not self.unapplied().exists():
            self.untold -= until_now

    def _apply(self) -> None:
        """Apply what is there, in the order in which it came; what can't be yet is tried again with the next post."""
        self.unapplied().filter(given_up_at=None).update(next_try_at=clock.wall())  # the wait is by the wall, and over
        for event in self.unapplied().order_by("id"):
            if event.given_up_at is not None:
                operations.replay_event(event)
                event.refresh_from_db()
            operations.apply_event(event, now=clock.now())
