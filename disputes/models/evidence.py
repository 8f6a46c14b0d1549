"""What a side, or staff, shows for a case: words, and files that only the parties and staff can see (P8.5)."""

from __future__ import annotations

import secrets

from django.conf import settings
from django.db import models
from django.db.models import Q

from disputes.models.chargebacks import Chargeback
from disputes.models.disputes import LessonDispute
from disputes.models.no_shows import NoShowReport
from instainstru.references import new_reference
from payments.models.choices import choices_of
from payments.policy.states import Party


def _evidence_ref() -> str:
    return new_reference("ev")


def _unguessable_name(evidence: Evidence, called: str) -> str:
    """Where a file is kept: nothing of what its author calls it, and nothing that anybody is ever told."""
    return f"evidence/{secrets.token_hex(32)}"


class Evidence(models.Model):
    """One piece of evidence in one case. Append-only: what was shown can't be unsaid."""

    ref = models.CharField(max_length=40, unique=True, editable=False, default=_evidence_ref)
    report = models.ForeignKey(NoShowReport, models.PROTECT, null=True, blank=True, related_name="evidence")
    dispute = models.ForeignKey(LessonDispute, models.PROTECT, null=True, blank=True, related_name="evidence")
    chargeback = models.ForeignKey(Chargeback, models.PROTECT, null=True, blank=True, related_name="evidence")
    by = models.CharField(max_length=20, choices=choices_of(Party))
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    statement = models.TextField(max_length=4_000, blank=True)
    file = models.FileField(upload_to=_unguessable_name, blank=True)
    file_name = models.CharField(max_length=200, blank=True, help_text="As its author calls it.")
    content_type = models.CharField(max_length=60, blank=True, help_text="Told by its content, not by its name.")
    bytes = models.PositiveIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True)
    shown_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "evidence"
        constraints = [
            models.CheckConstraint(
                name="evidence_belongs_to_one_case",
                condition=Q(report__isnull=False, dispute=None, chargeback=None)
                | Q(report=None, dispute__isnull=False, chargeback=None)
                | Q(report=None, dispute=None, chargeback__isnull=False),
            ),
            models.CheckConstraint(name="evidence_shows_something", condition=~Q(statement="") | ~Q(file="")),
        ]

    def __str__(self) -> str:
        return f"{self.ref} by {self.by}"

    @property
    def case(self) -> NoShowReport | LessonDispute | Chargeback:
        """The one case that it belongs to."""
        found = self.report or self.dispute or self.chargeback
        assert found is not None  # evidence_belongs_to_one_case
        return found
