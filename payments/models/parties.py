"""Who pays and who is paid, as Stripe knows them."""

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Exists, F, OuterRef


class PayerQuerySet(models.QuerySet["Payer"]):
    def with_lock(self) -> Self:
        """Read together with whether the account is locked, as `found_locked`."""
        in_force = AccountLock.objects.filter(payer=OuterRef("pk"), lifted_at=None)
        return self.annotate(found_locked=Exists(in_force))


class Payer(models.Model):
    """A student's Stripe customer and saved card (P2.5)."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.PROTECT, related_name="payer")
    customer_id = models.CharField(max_length=64, unique=True)
    payment_method_id = models.CharField(max_length=64, blank=True, help_text="Saved for charges off session.")
    card_brand = models.CharField(max_length=20, blank=True)
    card_last4 = models.CharField(max_length=4, blank=True)
    card_saved_at = models.DateTimeField(null=True, blank=True)
    card_setups = models.PositiveIntegerField(default=0, help_text="Setups begun so far; their keys count them.")

    objects = PayerQuerySet.as_manager()

    found_locked: bool  # only if read `with_lock`

    def __str__(self) -> str:
        return f"{self.customer_id} {self.card}".strip()

    @property
    def is_locked(self) -> bool:
        """Whether nothing new can be booked until something owed is cleared."""
        return self.account_locks.filter(lifted_at=None).exists()

    @property
    def has_card(self) -> bool:
        return bool(self.payment_method_id)

    @property
    def card(self) -> str:
        """The saved card as its owner knows it, or an empty string."""
        return f"{self.card_brand.capitalize()} ending in {self.card_last4}" if self.has_card else ""


class AccountLock(models.Model):
    """One reason why a student can book nothing new (P9.4, P10.2, section 11). Locked is who has one not lifted."""

    class Reason(models.TextChoices):
        COLLECTION_FAILED = "collection_failed", "A payout was advanced and is owed"
        NEGATIVE_BALANCE = "negative_balance", "Credit was spent that a chargeback took back"
        CHARGEBACK_LOST = "chargeback_lost", "A chargeback was lost; staff lift the lock"

    payer = models.ForeignKey(Payer, models.PROTECT, related_name="account_locks")
    reason = models.CharField(max_length=30, choices=Reason)
    reference = models.CharField(max_length=24, help_text="The booking that it came of.")
    locked_at = models.DateTimeField()
    lifted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="account_is_locked_once_per_reason_and_booking", fields=["payer", "reason", "reference"]
            )
        ]

    def __str__(self) -> str:
        return f"{self.reason} of {self.reference}"


class PayeeQuerySet(models.QuerySet["Payee"]):
    def longest_not_asked_first(self) -> Self:
        """The order in which Stripe is asked for events that we have missed."""
        return self.order_by(F("events_asked_at").asc(nulls_first=True), "id")


class Payee(models.Model):
    """An instructor's connected account at Stripe (P2.1)."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.PROTECT, related_name="payee")
    account_id = models.CharField(max_length=64, unique=True)
    is_payable = models.BooleanField(
        default=False, help_text="Whether Stripe lets the account receive transfers. Nothing can be booked otherwise."
    )
    requirements = models.JSONField(default=list, blank=True, help_text="What Stripe still wants to know.")
    checked_at = models.DateTimeField(null=True, blank=True)
    events_asked_at = models.DateTimeField(
        null=True, blank=True, help_text="When Stripe was last asked for its events, by the machine's time."
    )

    objects = PayeeQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(F("events_asked_at").asc(nulls_first=True), "id", name="payee_events_asked_longest_ago"),
        ]

    def __str__(self) -> str:
        return self.account_id
