"""A booked lesson, and the time that it keeps from others."""

from datetime import datetime, timedelta
from typing import Self

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import ExpressionWrapper, F, Q, Value

from bookings.models.instructors import Instructor, Service
from instainstru.accounts.models import Role, User
from instainstru.accounts.time_zones import validate_time_zone
from instainstru.prepared import Given
from instainstru.references import new_reference
from instainstru.rows import RemembersWhatWasRead
from payments.models.choices import choices_of
from payments.policy.states import BookingStatus, Modality, Party


def _booking_ref() -> str:
    return new_reference("bk")


class BookingQuerySet(models.QuerySet["Booking"]):
    def visible_to(self, user: User) -> Self:
        """Bookings of a student, or of an instructor once they are confirmed; staff see all."""
        return self.visible_in(user.role, user)

    def visible_in(self, role: str, user: User | Given) -> Self:
        """The same for a user who is known by role alone until a prepared select is sent."""
        match role:
            case Role.STAFF:
                return self
            case Role.INSTRUCTOR:
                return self.filter(instructor__user=user, confirmed_at__isnull=False)
            case _:
                return self.filter(student=user)

    def with_both_sides(self) -> Self:
        """Bookings together with everything that a list says of them, in one statement."""
        return self.select_related("student", "instructor__user", "service", "payment")


class Booking(RemembersWhatWasRead):
    """One lesson that a student bought; what was agreed is frozen here and on its payment (P1.2).

    Only `bookings.operations` changes one.
    """

    ref = models.CharField(max_length=40, unique=True, editable=False, default=_booking_ref)
    student = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="bookings")
    instructor = models.ForeignKey(Instructor, models.PROTECT, related_name="bookings")
    service = models.ForeignKey(Service, models.PROTECT, related_name="bookings")
    payment = models.OneToOneField("payments.Payment", models.PROTECT, related_name="booking")
    status = models.CharField(max_length=10, choices=choices_of(BookingStatus))

    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    minutes = models.PositiveSmallIntegerField()
    modality = models.CharField(max_length=10, choices=choices_of(Modality))
    time_zone = models.CharField(
        max_length=64, validators=[validate_time_zone], help_text="The instructor's zone when it was booked."
    )
    buffer_minutes = models.PositiveSmallIntegerField(help_text="Kept free after it, as agreed when it was booked.")
    service_title = models.CharField(max_length=120)
    student_note = models.TextField(max_length=2_000, blank=True)

    made_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True, blank=True)
    marked_complete_at = models.DateTimeField(null=True, blank=True, help_text="By the instructor (P5.5).")
    completed_at = models.DateTimeField(null=True, blank=True, help_text="When the status became completed.")
    cancelled_at = models.DateTimeField(null=True, blank=True)
    cancelled_by = models.CharField(max_length=10, choices=choices_of(Party), blank=True)
    remind_at = models.DateTimeField(null=True, blank=True, help_text="The next reminder, if one is still to come.")
    cancellation_reason = models.TextField(max_length=2_000, blank=True)  # one side's, for both to read; never staff's

    objects = BookingQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="booking_status_is_known", condition=Q(status__in=[word.value for word in BookingStatus])
            ),
            models.CheckConstraint(
                name="booking_modality_is_known", condition=Q(modality__in=[word.value for word in Modality])
            ),
            models.CheckConstraint(name="booking_ends_after_it_starts", condition=Q(ends_at__gt=F("starts_at"))),
            models.CheckConstraint(
                name="booking_lasts_its_minutes",
                condition=Q(
                    ends_at=F("starts_at")
                    + ExpressionWrapper(F("minutes") * Value(timedelta(minutes=1)), models.DurationField())
                ),
            ),
            models.CheckConstraint(
                name="booking_once_confirmed_knows_when",
                condition=~Q(status__in=["confirmed", "completed", "no_show"]) | Q(confirmed_at__isnull=False),
            ),
            models.CheckConstraint(
                name="booking_completed_knows_when", condition=~Q(status="completed") | Q(completed_at__isnull=False)
            ),
            models.CheckConstraint(
                name="booking_is_marked_complete_from_its_end_on",
                condition=Q(marked_complete_at__isnull=True) | Q(marked_complete_at__gte=F("ends_at")),
            ),
            models.CheckConstraint(
                name="booking_cancelled_knows_when_and_by_whom",
                condition=Q(
                    status="cancelled", cancelled_at__isnull=False, cancelled_by__in=[word.value for word in Party]
                )
                | (~Q(status="cancelled") & Q(cancelled_at__isnull=True, cancelled_by="")),
            ),
        ]
        indexes = [
            models.Index(name="bookings_of_a_student", fields=["student", "-starts_at", "id"]),
            models.Index(name="bookings_of_an_instructor", fields=["instructor", "-starts_at", "id"]),
            models.Index(
                name="bookings_to_be_reminded", fields=["remind_at", "id"], condition=Q(remind_at__isnull=False)
            ),
            models.Index(name="bookings_by_status", fields=["status", "starts_at"]),
        ]

    def __str__(self) -> str:
        return self.ref

    def hold_time(self, *, starts_at: datetime, ends_at: datetime) -> "OccupiedTime":
        """Keep a stretch of time from every other booking of either side (P5.4).

        Instructor and student are locked already (design 2). Raises IntegrityError when it is taken.
        """
        return OccupiedTime.objects.create(
            booking=self,
            instructor_id=self.instructor_id,
            student_id=self.student_id,
            instructor_during=DateTimeTZRange(starts_at, ends_at + timedelta(minutes=self.buffer_minutes)),
            student_during=DateTimeTZRange(starts_at, ends_at),
        )

    def keeps_time(self, *, starts_at: datetime) -> bool:
        """Return whether a stretch that starts then is kept for it."""
        return self.occupied_times.filter(student_during__startswith=starts_at).exists()

    def free_time(self, *, but: datetime | None = None) -> None:
        """Give its time back at once: all of it, or all but the stretch that starts at an instant."""
        given_back = self.occupied_times.all()
        if but is not None:
            given_back = given_back.exclude(student_during__startswith=but)
        given_back.delete()


class OccupiedTime(models.Model):
    """Time that a booking keeps: the instructor's with the buffer after it, the student's without (P5.4, design 2).

    A pending or cancelled booking has none; one that is being moved has two for a while, the old and the new.
    `booking <>` lets these two overlap, or a move by half an hour would collide with itself.
    """

    booking = models.ForeignKey(Booking, models.CASCADE, related_name="occupied_times")
    instructor = models.ForeignKey(Instructor, models.CASCADE, related_name="occupied_times")
    student = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="occupied_times")
    instructor_during = DateTimeRangeField()
    student_during = DateTimeRangeField()

    class Meta:
        constraints = [
            ExclusionConstraint(
                name="an_instructor_gives_one_lesson_at_a_time",
                expressions=[
                    ("instructor", RangeOperators.EQUAL),
                    ("instructor_during", RangeOperators.OVERLAPS),
                    ("booking", RangeOperators.NOT_EQUAL),
                ],
            ),
            ExclusionConstraint(
                name="a_student_takes_one_lesson_at_a_time",
                expressions=[
                    ("student", RangeOperators.EQUAL),
                    ("student_during", RangeOperators.OVERLAPS),
                    ("booking", RangeOperators.NOT_EQUAL),
                ],
            ),
            models.CheckConstraint(
                name="occupied_time_is_never_empty",
                condition=Q(student_during__isempty=False, instructor_during__isempty=False),
            ),
            models.CheckConstraint(
                name="occupied_time_of_the_instructor_contains_the_students",
                condition=Q(instructor_during__contains=F("student_during")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.student_during.lower:%Y-%m-%d %H:%M} – {self.student_during.upper:%H:%M} UTC"
