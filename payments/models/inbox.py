"""What Stripe told us: each event once, applied after the answer (design 6)."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from instainstru.claiming import ClaimableQuerySet

LONGEST_ID = 255  # characters: what Stripe says of its ids; its types are shorter


class StripeEventQuerySet(ClaimableQuerySet["StripeEvent"]):
    def due(self, *, at: datetime) -> Self:
        """Events that were not applied yet and whose next try has come."""
        return self.filter(next_try_at__lte=at)

    def given_up(self) -> Self:
        """Events that were tried as often as is declared, and wait for staff to replay them."""
        return self.filter(given_up_at__isnull=False)


class StripeEvent(models.Model):
    """One event, kept by its id before Stripe is answered. It is a hint: the object is fetched when it is applied.

    It is applied, or due to be tried (again), or given up.
    """

    event_id = models.CharField(max_length=LONGEST_ID, unique=True)
    type = models.CharField(max_length=LONGEST_ID)
    object_id = models.CharField(max_length=LONGEST_ID, blank=True)
    account_id = models.CharField(
        max_length=LONGEST_ID, blank=True, help_text="The connected account that it came from."
    )
    payload = models.JSONField()
    created_at = models.DateTimeField(null=True, blank=True, help_text="When it happened, by Stripe's clock.")
    received_at = models.DateTimeField(help_text="The machine's time.")
    next_try_at = models.DateTimeField(null=True, blank=True, help_text="By the machine's time; empty once applied.")
    claimed_until = models.DateTimeField(
        null=True, blank=True, help_text="A sweep has started its task, which waits in the queue; the machine's time."
    )
    attempts = models.PositiveSmallIntegerField(default=0, help_text="Tries that came to nothing.")
    applied_at = models.DateTimeField(null=True, blank=True)
    given_up_at = models.DateTimeField(null=True, blank=True, help_text="It is tried again only if staff replay it.")
    failure = models.TextField(blank=True, help_text="Why the last try came to nothing.")

    objects = StripeEventQuerySet.as_manager()

    class Meta:
        verbose_name = "Stripe event"
        permissions = [("replay_stripeevent", "Can replay an event of Stripe's")]
        constraints = [
            models.CheckConstraint(
                name="applied_event_is_not_tried_again", condition=Q(applied_at=None) | Q(next_try_at=None)
            ),
            models.CheckConstraint(
                name="given_up_event_waits_for_staff",
                condition=Q(given_up_at=None) | Q(applied_at=None, next_try_at=None),
            ),
        ]
        indexes = [
            models.Index("next_try_at", "id", name="stripe_event_due", condition=Q(next_try_at__isnull=False)),
            models.Index("given_up_at", "id", name="stripe_event_given_up", condition=Q(given_up_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.event_id} {self.type}"

    @property
    def is_of_our_mode(self) -> bool:
        """Whether it comes from that one of Stripe's two worlds, live or test, that our key opens."""
        return (self.payload.get("livemode") is True) == settings.STRIPE_LIVE_MODE


class EventMark(models.Model):
    """How far the back-fill has got with one account's events: up to there none is missing."""

    account_id = models.CharField(max_length=64, unique=True, blank=True, help_text="Empty: the platform's own.")
    complete_until = models.DateTimeField(help_text="By Stripe's clock.")
    checked_at = models.DateTimeField(help_text="When Stripe was last asked, by the machine's time.")

    def __str__(self) -> str:
        return f"{self.account_id or 'platform'} until {self.complete_until:%Y-%m-%d %H:%M:%S}"
