"""What freezes a payment from outside: each open report, dispute and chargeback (policy sections 8 and 11)."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models import Q

from payments.models.choices import choices_of
from payments.models.payment import Payment
from payments.policy.states import CASES, ReviewReason


class FreezeQuerySet(models.QuerySet["Freeze"]):
    def in_force(self) -> Self:
        return self.filter(ended_at=None)


class Freeze(models.Model):
    """One case's hold over a payment, from the commit that takes the case in until its ruling is carried out."""

    payment = models.ForeignKey(Payment, models.PROTECT, related_name="freezes")
    reason = models.CharField(max_length=30, choices=choices_of(ReviewReason))
    case = models.CharField(max_length=40, unique=True, help_text='Whose it is: "no_show:12".')
    since = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = FreezeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="only_cases_freeze", condition=Q(reason__in=sorted(reason.value for reason in CASES))
            )
        ]
        indexes = [models.Index("payment", "id", name="freeze_in_force", condition=Q(ended_at=None))]

    def __str__(self) -> str:
        return f"{self.payment_id} {self.reason} ({self.case})"
