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
        return self.filter(available_cents__gt=0, expires_at__gte=at)

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
    offset_cents = models.PositiveBigIntegerField(default=0, help_text="Paid off a negative balance (P9.4).")
    reference = models.CharField(max_length=24, blank=True, help_text="The booking that it was issued for, if any.")
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
                    + F("offset_cents")
                ),
            ),
            models.CheckConstraint(name="credit_lot_is_worth_something", condition=Q(amount_cents__gt=0)),
            models.CheckConstraint(name="credit_lot_expires_after_issue", condition=Q(expires_at__gt=F("issued_at"))),
            models.UniqueConstraint(name="credit_lot_issued_once_per_source", fields=["source_key"]),
        ]
        indexes = [
            models.Index("wallet", "expires_at", "id", name="credit_lot_spendable", condition=Q(available_cents__gt=0)),
            models.Index("expires_at", "id", name="credit_lot_expiring", condition=Q(available_cents__gt=0)),
            # Behind each warning an index of those that still wait for it: a year's credit expires, few of it untold.
            models.Index(
                "expires_at",
                "id",
                name="credit_lot_first_warning",
                condition=Q(available_cents__gt=0, expiry_warnings__lt=1),
            ),
            models.Index(
                "expires_at",
                "id",
                name="credit_lot_last_warning",
                condition=Q(available_cents__gt=0, expiry_warnings__lt=2),
            ),
            models.Index("reference", name="credit_lot_by_booking", condition=~Q(reference="")),
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
        FROZEN = "frozen", "Frozen"
        UNFROZEN = "unfrozen", "Unfrozen"
        REVOKED = "revoked", "Revoked"
        OFFSET = "offset", "Paid off what was owed"

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


STILL_OWED = F("owed_cents") - F("paid_off_cents") - F("lifted_cents")


class NegativeBalanceQuerySet(models.QuerySet["NegativeBalance"]):
    def of(self, student_id: int) -> Self:
        """What a student still owes."""
        return self.filter(wallet_id=student_id, cleared_at=None)

    def oldest_first(self) -> Self:
        """The order in which new and released credit pays it off."""
        return self.order_by("arose_at", "id")


class NegativeBalance(models.Model):
    """What a student owes in credit because of one booking: its chargeback found credit spent (P9.4, section 11).

    Every cent of it is owed still, paid off by credit, or lifted; what had paid it off is given back when it is lifted.
    """

    wallet = models.ForeignKey(Wallet, models.PROTECT, related_name="negative_balances")
    reference = models.CharField(max_length=24, unique=True, help_text="The booking that it came of.")
    owed_cents = models.PositiveBigIntegerField(help_text="What was owed in all.")
    paid_off_cents = models.PositiveBigIntegerField(default=0, help_text="By credit, new or released.")
    lifted_cents = models.PositiveBigIntegerField(default=0, help_text="By a ruling: not owed after all.")
    given_back_cents = models.PositiveBigIntegerField(
        default=0, help_text="What had paid it off and came back as a new credit."
    )
    arose_at = models.DateTimeField()
    cleared_at = models.DateTimeField(null=True, blank=True, help_text="When nothing was owed any more.")

    objects = NegativeBalanceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(name="negative_balance_owes_something", condition=Q(owed_cents__gt=0)),
            models.CheckConstraint(
                name="negative_balance_is_cleared_once_nothing_is_owed",
                condition=Q(cleared_at=None, owed_cents__gt=F("paid_off_cents") + F("lifted_cents"))
                | Q(cleared_at__isnull=False, owed_cents=F("paid_off_cents") + F("lifted_cents")),
            ),
            models.CheckConstraint(
                name="no_more_is_given_back_than_paid_off", condition=Q(given_back_cents__lte=F("paid_off_cents"))
            ),
        ]
        indexes = [
            models.Index("wallet", "arose_at", "id", name="negative_balance_owed", condition=Q(cleared_at=None)),
        ]

    def __str__(self) -> str:
        return f"{self.reference} owes {self.still_owed_cents}/{self.owed_cents}"

    @property
    def still_owed_cents(self) -> int:
        return self.owed_cents - self.paid_off_cents - self.lifted_cents
