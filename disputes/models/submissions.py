"""Our side of a chargeback, as it goes to the bank (policy section 11)."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from disputes.models.chargebacks import Chargeback


class EvidenceSubmissionQuerySet(models.QuerySet["EvidenceSubmission"]):
    def due(self, *, at: datetime) -> Self:
        """Submissions to which no answer is known yet, and whose next try has come."""
        return self.filter(next_try_at__lte=at)


class EvidenceSubmission(models.Model):
    """What is sent to the bank, written down before it is sent; the bank takes it once."""

    chargeback = models.OneToOneField(Chargeback, models.PROTECT, related_name="submission")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    evidence = models.JSONField(help_text="Stripe's evidence fields, exactly as sent.")
    idempotency_key = models.CharField(max_length=120, unique=True)
    asked_at = models.DateTimeField()
    next_try_at = models.DateTimeField(null=True, blank=True, help_text="Empty once an answer is known.")
    attempts = models.PositiveSmallIntegerField(default=0)
    answered_at = models.DateTimeField(null=True, blank=True)
    refusal = models.TextField(blank=True, help_text="Why the bank did not take it.")

    objects = EvidenceSubmissionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="submission_is_tried_until_it_is_answered",
                condition=Q(answered_at=None, next_try_at__isnull=False)
                | Q(answered_at__isnull=False, next_try_at=None),
            )
        ]
        indexes = [
            models.Index("next_try_at", "id", name="submission_due", condition=Q(next_try_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"Evidence for {self.chargeback_id}"
