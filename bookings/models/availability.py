"""When an instructor is open: the week, the dates that differ, and the time that is off.

Hours are minutes since local midnight, because a day ends at 24:00, which `datetime.time` cannot say. Hours past
midnight are two rows. `bookings.calendar` reads them; nothing here knows an instant except `TimeOff`.
"""

from datetime import datetime, timedelta

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import IntegerRangeField, RangeOperators
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Func, Q

from bookings.calendar import MINUTES_OF_A_DAY, clock_face
from bookings.models.instructors import Instructor
from instainstru import clock

CLOSES_AFTER_OPENING = "Hours close after they open; past midnight they are two: until 24:00 and from 00:00."
HOURS_OVERLAP = "Hours of one day overlap."
LONGEST_AHEAD = timedelta(days=5 * 365)  # nobody can book so far ahead by years


def validate_end_of_time_off(ends_at: datetime) -> None:
    """Raise ValidationError for time off that goes on for ever: who is away so long takes the profile off the list."""
    if ends_at > clock.now() + LONGEST_AHEAD:
        raise ValidationError("Time off ends within five years.", code="too_far_ahead")


class Weekday(models.IntegerChoices):
    MONDAY = 0
    TUESDAY = 1
    WEDNESDAY = 2
    THURSDAY = 3
    FRIDAY = 4
    SATURDAY = 5
    SUNDAY = 6


class MinuteRange(Func):
    """`int4range(opens, closes)`: the minutes of a day in a row; with nulls, all of them."""

    function = "int4range"
    output_field = IntegerRangeField()


class WeeklyHours(models.Model):
    """One stretch of opening hours that returns every week."""

    instructor = models.ForeignKey(Instructor, models.CASCADE, related_name="weekly_hours")
    weekday = models.PositiveSmallIntegerField(choices=Weekday)
    opens = models.PositiveSmallIntegerField(help_text="Minutes since local midnight.")
    closes = models.PositiveSmallIntegerField(help_text="Minutes since local midnight; 1440 is the day's end.")

    class Meta:
        verbose_name_plural = "weekly hours"
        constraints = [
            models.CheckConstraint(name="weekly_hours_name_a_weekday", condition=Q(weekday__lte=6)),
            models.CheckConstraint(
                name="weekly_hours_lie_within_one_day",
                condition=Q(closes__gt=F("opens"), closes__lte=MINUTES_OF_A_DAY),
                violation_error_message=CLOSES_AFTER_OPENING,
            ),
            ExclusionConstraint(
                name="weekly_hours_of_a_day_never_overlap",
                expressions=[
                    ("instructor", RangeOperators.EQUAL),
                    ("weekday", RangeOperators.EQUAL),
                    (MinuteRange("opens", "closes"), RangeOperators.OVERLAPS),
                ],
                violation_error_message=HOURS_OVERLAP,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_weekday_display()} {clock_face(self.opens)}–{clock_face(self.closes)}"


class DateException(models.Model):
    """One date that does not follow the week: a stretch of hours, or closed when it has none.

    All rows of a date together replace the weekly hours of that date. A closed row covers the whole day, because
    `int4range(NULL, NULL)` is everything; so the exclusion constraint also keeps hours from standing beside it.
    """

    instructor = models.ForeignKey(Instructor, models.CASCADE, related_name="date_exceptions")
    date = models.DateField(help_text="In the instructor's time zone.")
    opens = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Empty on a closed day.")
    closes = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Empty on a closed day.")

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="date_exception_is_closed_or_has_hours_within_the_day",
                condition=Q(opens__isnull=True, closes__isnull=True)
                | Q(opens__isnull=False, closes__isnull=False, closes__gt=F("opens"), closes__lte=MINUTES_OF_A_DAY),
            ),
            ExclusionConstraint(
                name="date_exceptions_of_a_day_never_overlap",
                expressions=[
                    ("instructor", RangeOperators.EQUAL),
                    ("date", RangeOperators.EQUAL),
                    (MinuteRange("opens", "closes"), RangeOperators.OVERLAPS),
                ],
                violation_error_message=HOURS_OVERLAP,
            ),
        ]

    def __str__(self) -> str:
        if self.opens is None or self.closes is None:
            return f"{self.date} closed"
        return f"{self.date} {clock_face(self.opens)}–{clock_face(self.closes)}"


class TimeOff(models.Model):
    """A stretch of instants in which the instructor gives no lesson, whatever the hours say."""

    instructor = models.ForeignKey(Instructor, models.CASCADE, related_name="times_off")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    reason = models.CharField(max_length=200, blank=True, help_text="For the instructor and staff alone.")

    class Meta:
        verbose_name_plural = "times off"
        constraints = [
            models.CheckConstraint(
                name="time_off_ends_after_it_starts",
                condition=Q(ends_at__gt=F("starts_at")),
                violation_error_message="Time off ends after it starts.",
            )
        ]
        indexes = [models.Index(name="times_off_of_an_instructor", fields=["instructor", "ends_at"])]

    def __str__(self) -> str:
        return f"{self.starts_at:%Y-%m-%d %H:%M} – {self.ends_at:%Y-%m-%d %H:%M} UTC"
