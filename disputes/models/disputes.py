"""Something was wrong with a lesson, or with how it ended (P8.4)."""

from __future__ import annotations

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from bookings.models import Booking
from disputes.models.resolution import Resolvable
from instainstru.references import new_reference
from payments.models.choices import choices_of
from payments.policy.states import DisputeRuling, Party


def _dispute_ref() -> str:
    return new_reference("dp")


class LessonDisputeQuerySet(models.QuerySet["LessonDispute"]):
    def unresolved(self) -> Self:
        return self.filter(resolved_at=None)


class LessonDispute(Resolvable):
    """A dispute about one lesson, opened by a side or by staff on behalf of one."""

    ref = models.CharField(max_length=40, unique=True, editable=False, default=_dispute_ref)
    booking = models.ForeignKey(Booking, models.PROTECT, related_name="lesson_disputes")
    opened_by = models.CharField(max_length=20, choices=choices_of(Party))
    on_behalf_of = models.CharField(max_length=20, choices=choices_of(Party))
    opener = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    statement = models.TextField(max_length=4_000, blank=True, help_text="What the opener says was wrong.")
    opened_at = models.DateTimeField()
    evidence_until = models.DateTimeField(help_text="Both sides are asked to show what they have until then.")
    rule_by = models.DateTimeField(help_text="When staff are to have ruled.")
    ruling = models.CharField(max_length=20, choices=choices_of(DisputeRuling), blank=True)

    objects = LessonDisputeQuerySet.as_manager()

    class Meta(Resolvable.Meta):
        constraints = [
            *Resolvable.Meta.constraints,
            models.UniqueConstraint(
                name="booking_has_one_open_dispute", fields=["booking"], condition=Q(resolved_at=None)
            ),
        ]
        indexes = [models.Index("rule_by", "id", name="dispute_unresolved", condition=Q(resolved_at=None))]

    def __str__(self) -> str:
        return f"Dispute about {self.booking_id} by {self.opened_by}"

    @property
    def case(self) -> str:
        """Its name towards the money (a freeze's key)."""
        return f"dispute:{self.pk}"
