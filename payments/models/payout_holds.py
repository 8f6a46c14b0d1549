"""Holding what an instructor has at Stripe back from their bank, and every change of schedule that we asked for."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from payments.models.parties import Payee


class PayoutHoldQuerySet(models.QuerySet["PayoutHold"]):
    def in_force(self) -> Self:
        return self.filter(released_at=None)


class PayoutHold(models.Model):
    """Staff's order that an instructor's money stays at Stripe, from when until when, and why.

    It changes nothing of what the policy says about a lesson's money: lessons settle, and the instructor is paid; what
    is paid stays on their account at Stripe. It is in force from the commit that orders it until Stripe has said yes
    to its release, or no to itself.
    """

    payee = models.ForeignKey(Payee, models.PROTECT, related_name="payout_holds")
    reason = models.TextField()
    held_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    held_at = models.DateTimeField()
    released_at = models.DateTimeField(null=True, blank=True)
    released_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+",
        help_text="Empty if Stripe did not let us hold it.",
    )  # fmt: skip
    release_reason = models.TextField(blank=True)

    objects = PayoutHoldQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="payouts_of_an_account_are_held_once", fields=["payee"], condition=Q(released_at=None)
            ),
            models.CheckConstraint(name="payout_hold_says_why", condition=~Q(reason="")),
            models.CheckConstraint(
                name="released_payout_hold_says_why",
                condition=Q(released_at=None, released_by=None, release_reason="")
                | Q(released_at__isnull=False) & ~Q(release_reason=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.payee} held since {self.held_at:%Y-%m-%d}"


class ScheduleChangeQuerySet(models.QuerySet["ScheduleChange"]):
    def unanswered(self) -> Self:
        return self.filter(answered_at=None)

    def due(self, *, at: datetime) -> Self:
        """Sent, and to be sent again, because no answer is known (P10.4)."""
        return self.filter(next_try_at__lte=at)


class ScheduleChange(models.Model):
    """One change of an account's schedule of payouts: written down, then sent under its key, then answered."""

    class Kind(models.TextChoices):
        HOLD = "hold", "Hold"
        RELEASE = "release", "Release"
        CORRECT = "correct", "Correct what was changed elsewhere"

    payee = models.ForeignKey(Payee, models.PROTECT, related_name="schedule_changes")
    hold = models.ForeignKey(PayoutHold, models.PROTECT, null=True, blank=True, related_name="changes")
    kind = models.CharField(max_length=10, choices=Kind)
    schedule = models.CharField(max_length=20, help_text='What is asked for: "manual", "daily", "weekly:friday".')
    reason = models.TextField()
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    idempotency_key = models.CharField(max_length=120, unique=True)
    times_sent = models.PositiveIntegerField(default=0)
    unknown_because = models.TextField(blank=True)
    next_try_at = models.DateTimeField(null=True, blank=True, help_text="While no answer is known.")
    answered_at = models.DateTimeField(null=True, blank=True)
    refusal = models.TextField(blank=True, help_text="Stripe's definite no.")

    objects = ScheduleChangeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="account_has_one_unanswered_schedule_change", fields=["payee"], condition=Q(answered_at=None)
            ),
            models.CheckConstraint(
                name="schedule_change_is_tried_until_answered",
                condition=Q(answered_at=None, next_try_at__isnull=False, refusal="")
                | Q(answered_at__isnull=False, next_try_at=None),
            ),
            models.CheckConstraint(
                name="schedule_change_belongs_to_a_hold_or_corrects",
                condition=Q(kind="correct") | Q(hold__isnull=False),
            ),
        ]
        indexes = [
            models.Index("next_try_at", "id", name="schedule_change_due", condition=Q(next_try_at__isnull=False))
        ]

    def __str__(self) -> str:
        return f"{self.payee} {self.schedule}"

    @property
    def is_done(self) -> bool:
        """Whether Stripe has said yes."""
        return self.answered_at is not None and not self.refusal
