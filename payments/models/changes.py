"""What was done to a payment at Stripe, not by us: booked once, and shown until staff have seen it (P8.8)."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from instainstru.money import dollars
from payments.models.inbox import StripeEvent
from payments.models.payment import Payment


class ChangeAtStripe(models.Model):
    """One object at Stripe that nobody here made, or that ended otherwise than we were told. Cents, product time."""

    class Kind(models.TextChoices):
        CHARGED = "charged", "The hold was charged"
        REFUNDED = "refunded", "The card was refunded"
        REFUND_FAILED = "refund_failed", "A refund came back from the bank"
        REVERSED = "reversed", "A transfer was reversed"

    payment = models.ForeignKey(Payment, models.PROTECT, related_name="changes_at_stripe")
    kind = models.CharField(max_length=20, choices=Kind)
    object_id = models.CharField(max_length=64, help_text="The refund, reversal or charge at Stripe.")
    amount_cents = models.PositiveBigIntegerField()
    event = models.ForeignKey(StripeEvent, models.PROTECT, related_name="changes", help_text="What told us.")
    noticed_at = models.DateTimeField()
    seen_at = models.DateTimeField(null=True, blank=True)
    seen_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        verbose_name = "change at Stripe"
        verbose_name_plural = "changes at Stripe"
        constraints = [
            models.UniqueConstraint(name="change_at_stripe_is_noticed_once", fields=["kind", "object_id"]),
            models.CheckConstraint(
                name="change_at_stripe_is_seen_by_somebody",
                condition=Q(seen_at=None, seen_by=None) | Q(seen_at__isnull=False, seen_by__isnull=False),
            ),
        ]
        indexes = [models.Index("noticed_at", "id", name="change_at_stripe_unseen", condition=Q(seen_at=None))]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.object_id}"

    @property
    def sentence(self) -> str:
        """What was done, as a payment says why it waits."""
        return f"{self.get_kind_display()} at Stripe: {dollars(self.amount_cents)}, {self.object_id}"
