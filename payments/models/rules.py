"""The policy's numbers as staff configure them, each version with the instant from which it holds (P1.4)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Self

from django.db import models
from django.db.models import F, Q


class RulesVersionQuerySet(models.QuerySet["RulesVersion"]):
    def in_force(self, *, at: datetime) -> Self:
        """The version that holds at an instant comes first."""
        return self.filter(effective_from__lte=at).order_by("-effective_from", "-id")


class RulesVersion(models.Model):
    """One version of the rates, floors and windows. A payment keeps the version that it was bought under (P1.2).

    Once it holds, a version is never changed; staff write a new one.
    """

    version = models.CharField(max_length=20, unique=True, help_text="Such as 2.1.1; payments are marked with it.")
    effective_from = models.DateTimeField(help_text="Bookings made from this instant on are bought under it.")

    student_fee_rate = models.PositiveIntegerField(default=1_200, help_text="Booking protection fee, basis points.")
    founding_rate = models.PositiveIntegerField(default=800, help_text="Founding instructors' fee, basis points.")
    entry_rate = models.PositiveIntegerField(default=1_500, help_text="Entry tier's fee, basis points.")
    growth_rate = models.PositiveIntegerField(default=1_200, help_text="Growth tier's fee, basis points.")
    pro_rate = models.PositiveIntegerField(default=1_000, help_text="Pro tier's fee, basis points.")

    in_person_floor_cents = models.PositiveIntegerField(default=8_000, help_text="Lowest price of 60 minutes.")
    online_floor_cents = models.PositiveIntegerField(default=6_000, help_text="Lowest price of 60 minutes.")

    early_from = models.DurationField(
        default=timedelta(hours=24), help_text="Ahead of the start: early, and authorization."
    )
    middle_from = models.DurationField(
        default=timedelta(hours=12), help_text="Ahead of the start: middle; below it late."
    )
    checkout_time = models.DurationField(
        default=timedelta(minutes=30), help_text="In which an immediate checkout is paid."
    )
    settle_after = models.DurationField(default=timedelta(hours=24), help_text="After the end: capture and payout.")

    objects = RulesVersionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(name="early_is_before_middle", condition=Q(early_from__gt=F("middle_from"))),
            models.CheckConstraint(
                name="fees_leave_something",
                condition=Q(
                    student_fee_rate__range=(1, 9_999),
                    founding_rate__lt=10_000,
                    entry_rate__lt=10_000,
                    growth_rate__lt=10_000,
                    pro_rate__lt=10_000,
                ),
            ),
        ]
        indexes = [models.Index(fields=["-effective_from"], name="rules_by_effective_from")]

    def __str__(self) -> str:
        return self.version
