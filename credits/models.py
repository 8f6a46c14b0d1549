"""The wallet: lots of credit, what is reserved of them, and every movement (policy section 9)."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q


class Wallet(models.Model):
    """A student's wallet. Its row is locked before any of its lots, so that two operations never race for a cent."""

    student = models.OneToOneField(settings.AUTH_USER_MODEL, models.PROTECT, primary_key=True, related_name="wallet")

    def __str__(self) -> str:
        return f"Wallet of {self.student_id}"


class CreditLotQuerySet(models.QuerySet["CreditLot"]):
    def spendable(self, *, at: datetime) -> Self:
        """Lots with something left that may be reserved at that instant (P9.1, P9.2)."""
        return self.filter(available_cents__gt=0, expires_at__gt=at)

    def expired(self, *, at: datetime) -> Self:
        """Lots whose available rest is past its expiry; what is reserved of them does not expire (P9.3)."""
        return self.filter(available_cents__gt=0, expires_at__lte=at)

    def earliest_expiring_first(self) -> Self:
        return self.order_by("expires_at", "id")


class CreditLot(models.Model):
    """One issue of credit to one student. Every cent of it is in exactly one state (P9.1)."""

    wallet = models.ForeignKey(Wallet, models.PROTECT, related_name="lots")
    amount_cents = models.PositiveBigIntegerField()
    available_cents = models.PositiveBigIntegerField()
    reserved_cents = models.PositiveBigIntegerField(default=0)
    consumed_cents = models.PositiveBigIntegerField(default=0)
    forfeited_cents = models.PositiveBigIntegerField(default=0)
    frozen_cents = models.PositiveBigIntegerField(default=0)
    revoked_cents = models.PositiveBigIntegerField(default=0)
    expired_cents = models.PositiveBigIntegerField(default=0)
    source_key = models.CharField(max_length=80, help_text='What gave it: "operation:4711", "grant:97".')
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField(help_text="A year after issue; kept when released (P9.3).")

    expiry_warnings = models.PositiveSmallIntegerField(default=0, help_text="How often the student was told of it.")

    objects = CreditLotQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="credit_lot_cents_are_conserved",
                condition=Q(
                    amount_cents=F("available_cents")
                    + F("reserved_cents")
                    + F("consumed_cents")
                    + F("forfeited_cents")
                    + F("frozen_cents")
                    + F("revoked_cents")
                    + F("expired_cents")
                ),
            ),
            models.CheckConstraint(name="credit_lot_is_worth_something", condition=Q(amount_cents__gt=0)),
            models.CheckConstraint(name="credit_lot_expires_after_issue", condition=Q(expires_at__gt=F("issued_at"))),
            models.UniqueConstraint(name="credit_lot_issued_once_per_source", fields=["source_key"]),
        ]
        indexes = [
            models.Index("wallet", "expires_at", "id", name="credit_lot_spendable", condition=Q(available_cents__gt=0)),
            models.Index("expires_at", "id", name="credit_lot_expiring", condition=Q(available_cents__gt=0)),
        ]

    def __str__(self) -> str:
        return f"CR-{self.pk} {self.available_cents}/{self.amount_cents}"


class Reservation(models.Model):
    """What one booking has reserved of one lot, while it is reserved; a booking may hold several (P9.2)."""

    lot = models.ForeignKey(CreditLot, models.PROTECT, related_name="reservations")
    reference = models.CharField(max_length=24, help_text="The booking's reference.")
    cents = models.PositiveBigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="lot_is_reserved_once_per_booking", fields=["reference", "lot"]),
            models.CheckConstraint(name="reservation_holds_something", condition=Q(cents__gt=0)),
        ]

    def __str__(self) -> str:
        return f"{self.reference} holds {self.cents} of CR-{self.lot_id}"


class CreditMovement(models.Model):
    """One line of the wallet's statement: so many cents of a lot changed their state. Append-only."""

    class Kind(models.TextChoices):
        ISSUED = "issued", "Issued"
        RESERVED = "reserved", "Reserved"
        RELEASED = "released", "Released"
        CONSUMED = "consumed", "Consumed"
        FORFEITED = "forfeited", "Forfeited"
        EXPIRED = "expired", "Expired"

    lot = models.ForeignKey(CreditLot, models.PROTECT, related_name="movements")
    kind = models.CharField(max_length=10, choices=Kind)
    cents = models.PositiveBigIntegerField()
    reference = models.CharField(max_length=80, blank=True, help_text="The booking, or what else caused it.")
    moved_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(name="credit_movement_moves_something", condition=Q(cents__gt=0))]
        indexes = [models.Index("reference", name="credit_movement_by_reference")]

    def __str__(self) -> str:
        return f"CR-{self.lot_id} {self.kind} {self.cents}"
