"""How cases end."""

from django.conf import settings
from django.db import models
from django.db.models import Q


class Resolution(models.TextChoices):
    """Why a case is not open any more."""

    WITHDRAWN = "withdrawn", "Withdrawn by the reporter"
    CONFIRMED = "confirmed", "Confirmed, because nobody contested it"
    RULED = "ruled", "Ruled by staff"
    SUPERSEDED = "superseded", "Ended by another case's ruling"
    BY_THE_BANK = "by_the_bank", "Decided by the cardholder's bank"


class Resolvable(models.Model):
    """When, by whom, how and why a case was resolved (P8.5), and the operation that carried it out."""

    resolution = models.CharField(max_length=20, choices=Resolution, blank=True)
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="The ruling's author.",
    )
    resolution_reason = models.TextField(max_length=4_000, blank=True)
    operation = models.ForeignKey(
        "payments.Operation", models.PROTECT, null=True, blank=True, related_name="+", help_text="What moved the money."
    )

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(
                name="%(class)s_is_resolved_wholly_or_not_at_all",
                condition=Q(resolution="", resolved_at=None) | ~Q(resolution="") & Q(resolved_at__isnull=False),
            )
        ]

    @property
    def is_open(self) -> bool:
        return self.resolved_at is None
