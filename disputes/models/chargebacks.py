"""The cardholder's bank took a payment back (policy section 11)."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models import Q

from bookings.models import Booking
from disputes.models.resolution import Resolvable
from instainstru.references import new_reference


def _chargeback_ref() -> str:
    return new_reference("cb")


class ChargebackQuerySet(models.QuerySet["Chargeback"]):
    def unresolved(self) -> Self:
        return self.filter(resolved_at=None)


class Chargeback(Resolvable):
    """One of Stripe's disputes about the charge of one booking, as far as it was taken in. Cents."""

    class Status(models.TextChoices):
        OPEN = "open", "Open"
        WON = "won", "Won"
        LOST = "lost", "Lost"

    ref = models.CharField(max_length=40, unique=True, editable=False, default=_chargeback_ref)
    booking = models.ForeignKey(Booking, models.PROTECT, related_name="chargebacks")
    dispute_id = models.CharField(max_length=64, unique=True, help_text="Stripe's.")
    status = models.CharField(max_length=10, choices=Status, default=Status.OPEN)
    amount_cents = models.PositiveBigIntegerField()
    bank_reason = models.CharField(max_length=64, help_text="What the cardholder told the bank.")
    opened_at = models.DateTimeField(help_text="When we took it in.")
    respond_by = models.DateTimeField(null=True, blank=True, help_text="The bank takes no evidence after it.")
    submitted_at = models.DateTimeField(null=True, blank=True, help_text="When our evidence went to the bank.")
    booked_movements = models.JSONField(default=list, help_text="Stripe's balance transactions that are in the books.")
    frozen_cents = models.PositiveBigIntegerField(default=0, help_text="Of the credits issued for the booking.")

    objects = ChargebackQuerySet.as_manager()

    class Meta(Resolvable.Meta):
        constraints = [
            *Resolvable.Meta.constraints,
            models.CheckConstraint(
                name="chargeback_is_open_until_the_bank_decides",
                condition=Q(status="open", resolved_at=None) | ~Q(status="open") & Q(resolved_at__isnull=False),
            ),
        ]
        indexes = [models.Index("respond_by", "id", name="chargeback_unresolved", condition=Q(resolved_at=None))]

    def __str__(self) -> str:
        return f"{self.dispute_id} {self.status}"

    @property
    def case(self) -> str:
        """Its name towards the money (a freeze's key)."""
        return f"chargeback:{self.pk}"
