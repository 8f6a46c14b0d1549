"""Rows that wait to be worked off: a worker claims some before it begins, and no other takes them meanwhile."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Self, TypeVar

from django.db import models, transaction
from django.db.models import Q

from instainstru import clock

Row = TypeVar("Row", bound=models.Model)


class ClaimableQuerySet(models.QuerySet[Row]):
    """Of a model whose `claimed_until` is an instant of the wall: a claim does not travel.

    A claim spares work, no more: it ends by itself, also under a worker that is only slow. That nothing is done twice
    is for whoever does it to see to.
    """

    def unclaimed(self, *, at: datetime) -> Self:
        """What no worker holds at that instant of the wall."""
        return self.filter(Q(claimed_until=None) | Q(claimed_until__lte=at))

    def free_to_claim(self, *, at: datetime, order: Sequence[str], limit: int) -> Self:
        """What `claim` takes at that instant of the wall, locked as it is read; a transaction is open then."""
        free = self.unclaimed(at=at).order_by(*order).select_for_update(skip_locked=True, of=("self",))
        return free.only("pk")[:limit]

    def claim(self, *, order: Sequence[str], limit: int, until: datetime) -> list[Any]:
        """Claim so many rows at most, in that order, in a commit of its own, and return their keys.

        What another worker holds, or is claiming at this moment, is passed over. `until` is an instant of the wall, by
        which this claim can be told from one that comes after it.
        """
        with transaction.atomic(durable=True):
            keys = [row.pk for row in self.free_to_claim(at=clock.wall(), order=order, limit=limit)]
            self.model._default_manager.filter(pk__in=keys).update(claimed_until=until)
        return keys
