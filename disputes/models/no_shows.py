"""Somebody did not come (P8.1 to P8.3)."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from bookings.models import Booking
from disputes.models.chargebacks import Chargeback
from disputes.models.disputes import LessonDispute
from disputes.models.resolution import Resolvable
from instainstru.references import new_reference
from payments.models.choices import choices_of
from payments.policy.states import NoShowRuling, Party


def _report_ref() -> str:
    return new_reference("ns")


class NoShowReportQuerySet(models.QuerySet["NoShowReport"]):
    def unresolved(self) -> Self:
        return self.filter(resolved_at=None)

    def due_for_confirmation(self, *, at: datetime) -> Self:
        """Nobody contested them in time (P8.2)."""
        return self.filter(confirm_at__lte=at)

    def confirmable(self) -> Self:
        """About bookings without another open case, which comes first."""
        of_booking = {"booking": models.OuterRef("booking"), "resolved_at": None}
        return self.filter(confirm_at__isnull=False).exclude(
            models.Exists(LessonDispute.objects.filter(**of_booking))
            | models.Exists(Chargeback.objects.filter(**of_booking))
        )


class NoShowReport(Resolvable):
    """One side's, or staff's, report that the other one did not come."""

    ref = models.CharField(max_length=40, unique=True, editable=False, default=_report_ref)
    booking = models.ForeignKey(Booking, models.PROTECT, related_name="no_show_reports")
    reported_by = models.CharField(max_length=20, choices=choices_of(Party))
    reporter = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    absent = models.CharField(max_length=20, choices=choices_of(Party))
    statement = models.TextField(max_length=4_000, blank=True, help_text="What the reporter says happened.")
    reported_at = models.DateTimeField()

    contested_at = models.DateTimeField(null=True, blank=True)
    contester = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    contest_statement = models.TextField(max_length=4_000, blank=True)
    confirm_at = models.DateTimeField(
        null=True, blank=True, help_text="When it is confirmed, if nobody contests it; empty once that can't be."
    )
    ruling = models.CharField(max_length=20, choices=choices_of(NoShowRuling), blank=True)

    objects = NoShowReportQuerySet.as_manager()

    class Meta(Resolvable.Meta):
        verbose_name = "no-show report"
        constraints = [
            *Resolvable.Meta.constraints,
            models.UniqueConstraint(name="a_side_reports_a_no_show_once", fields=["booking", "reported_by", "absent"]),
            models.CheckConstraint(
                name="report_is_confirmed_only_while_open_and_uncontested",
                condition=Q(confirm_at=None) | Q(resolved_at=None, contested_at=None),
            ),
        ]
        indexes = [
            models.Index("confirm_at", "id", name="no_show_confirm_at", condition=Q(confirm_at__isnull=False)),
            models.Index("reported_at", "id", name="no_show_unresolved", condition=Q(resolved_at=None)),
        ]

    def __str__(self) -> str:
        return f"{self.absent} absent from {self.booking_id}, says {self.reported_by}"

    @property
    def case(self) -> str:
        """Its name towards the money (a freeze's key)."""
        return f"no_show:{self.pk}"

    @property
    def is_contested(self) -> bool:
        return self.contested_at is not None
