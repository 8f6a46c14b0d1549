"""What does not match between our books and Stripe's, until it does or somebody has dealt with it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q, Sum
from django.db.models.functions import Abs

from instainstru.money import DOLLARS, in_currency


class ReconciliationRun(models.Model):
    """One comparison that was kept: what it covered and found. The next one begins where the last has ended."""

    since = models.DateTimeField(help_text="What was booked or moved from here on was compared,")
    until = models.DateTimeField(help_text="up to here.")
    entries = models.PositiveIntegerField(help_text="Of our ledger.")
    transactions = models.PositiveIntegerField(help_text="On our balance at Stripe.")
    differences = models.PositiveIntegerField(help_text="Those that stood.")

    class Meta:
        get_latest_by = "until"
        indexes = [models.Index("until", name="reconciliation_run_until")]

    def __str__(self) -> str:
        return f"Until {self.until:%d %b %Y, %H:%M} UTC: {self.differences} differences"


class ReconciliationItemQuerySet(models.QuerySet["ReconciliationItem"]):
    def unresolved(self) -> Self:
        return self.filter(resolved_at=None)

    def in_dollars(self) -> Self:
        """Differences in cents; what is in another currency never comes to match."""
        return self.filter(currency=DOLLARS)

    def drift(self) -> int:
        """How many cents do not match, too much and too little alike."""
        off_by = Abs(F("moved_cents") - F("booked_cents"))
        return self.in_dollars().aggregate(sum=Sum(off_by, default=0))["sum"]


class ReconciliationItem(models.Model):
    """One difference, found once and kept: a work item for finance. Cents if the currency is dollars."""

    class Kind(models.TextChoices):
        MISSING_IN_BOOKS = "missing_in_books", "Moved at Stripe, not booked"
        MISSING_AT_STRIPE = "missing_at_stripe", "Booked, not moved at Stripe"
        AMOUNT_DIFFERS = "amount_differs", "Booked with another amount"
        OTHER_CURRENCY = "other_currency", "Moved at Stripe in another currency, not booked"

    kind = models.CharField(max_length=20, choices=Kind)
    name = models.CharField(
        max_length=120, unique=True, help_text="The journal entry's cause, or Stripe's balance transaction."
    )
    payment_reference = models.CharField(
        max_length=24, blank=True, help_text="The booking's, if it was booked for one."
    )
    stripe_objects = models.JSONField(default=list, help_text="What it is about at Stripe.")
    booked_cents = models.BigIntegerField()
    moved_cents = models.BigIntegerField(help_text="Of another currency than dollars, its smallest unit.")
    currency = models.CharField(max_length=3, default=DOLLARS)
    happened_at = models.DateTimeField(help_text="When it was booked, or moved: its age counts from here.")
    found_at = models.DateTimeField()
    seen_at = models.DateTimeField(help_text="When it was last found.")
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+",
        help_text="Empty if it matched by itself in the end.",
    )  # fmt: skip
    note = models.TextField(blank=True)

    objects = ReconciliationItemQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(name="reconciliation_item_differs", condition=~Q(booked_cents=F("moved_cents"))),
            models.CheckConstraint(
                name="only_dollars_are_booked", condition=Q(currency=DOLLARS) | Q(booked_cents=0, kind="other_currency")
            ),
        ]
        indexes = [
            models.Index("happened_at", "id", name="reconciliation_unresolved", condition=Q(resolved_at=None)),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.name}"

    @property
    def off_by_cents(self) -> int:
        """What our books lack, or have too much of."""
        return self.moved_cents - self.booked_cents

    @property
    def off_by(self) -> str:
        """The same in words."""
        return in_currency(self.off_by_cents, self.currency)

    @property
    def moved(self) -> str:
        """What moved at Stripe, in words."""
        return in_currency(self.moved_cents, self.currency)

    def age_at(self, now: datetime) -> timedelta:
        """How long ago it was booked, or moved."""
        return now - self.happened_at

    @property
    def next_step(self) -> str:
        """What somebody who looks at it does first."""
        return _NEXT_STEPS[self.Kind(self.kind)]


_NEXT_STEPS = {
    ReconciliationItem.Kind.MISSING_IN_BOOKS: (
        "Look the object up in Stripe's dashboard: who made it, and for which booking? Then back-fill the events."
    ),
    ReconciliationItem.Kind.MISSING_AT_STRIPE: (
        "Open the operation that booked it, and compare its answer with the object in Stripe's dashboard."
    ),
    ReconciliationItem.Kind.AMOUNT_DIFFERS: (
        "Compare amount and fees of the object in Stripe's dashboard with the entry."
    ),
    ReconciliationItem.Kind.OTHER_CURRENCY: (
        "The books know dollars alone, and nothing was booked. See in Stripe's dashboard who moved it and what became "
        "of it; then close this."
    ),
}
