"""Explicit transfers to instructors: top-ups, half payouts, advances (P2.2)."""

from django.db import models
from django.db.models import F, Q

from payments.models.operations import Step
from payments.models.payment import Payment


class PayoutTransfer(models.Model):
    """One transfer that we made ourselves, beside the charge's own, and how much of it was taken back. Cents."""

    payment = models.ForeignKey(Payment, models.PROTECT, related_name="payout_transfers")
    step = models.OneToOneField(Step, models.PROTECT, related_name="payout_transfer")
    transfer_id = models.CharField(max_length=64, unique=True)
    amount_cents = models.PositiveBigIntegerField()
    reversed_cents = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="no_more_is_taken_back_than_was_paid", condition=Q(reversed_cents__lte=F("amount_cents"))
            )
        ]

    def __str__(self) -> str:
        return f"{self.transfer_id} {self.amount_cents - self.reversed_cents}/{self.amount_cents}"
