"""What Stripe told us: each event once, applied after the answer (design 6)."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Q


class StripeEventQuerySet(models.QuerySet["StripeEvent"]):
    def due(self, *, at: datetime) -> Self:
        """Events that were not applied yet and whose next try has come."""
        return self.filter(next_try_at__lte=at)


class StripeEvent(models.Model):
    """One event, kept by its id before Stripe is answered. It is a hint: the object is fetched when it is applied."""

    event_id = models.CharField(max_length=64, unique=True)
    type = models.CharField(max_length=80)
    object_id = models.CharField(max_length=64, blank=True)
    payload = models.JSONField()
    received_at = models.DateTimeField(help_text="The machine's time.")
    next_try_at = models.DateTimeField(null=True, blank=True, help_text="By the machine's time; empty once applied.")
    attempts = models.PositiveSmallIntegerField(default=0)
    applied_at = models.DateTimeField(null=True, blank=True)
    failure = models.TextField(blank=True, help_text="Why the last try came to nothing.")

    objects = StripeEventQuerySet.as_manager()

    class Meta:
        verbose_name = "Stripe event"
        constraints = [
            models.CheckConstraint(
                name="applied_event_is_not_tried_again", condition=Q(applied_at=None) | Q(next_try_at=None)
            )
        ]
        indexes = [models.Index("next_try_at", "id", name="stripe_event_due", condition=Q(next_try_at__isnull=False))]

    def __str__(self) -> str:
        return f"{self.event_id} {self.type}"
