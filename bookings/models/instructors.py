"""Who teaches, and what they offer at which price."""

from typing import Self
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from instainstru import clock
from instainstru.accounts.time_zones import validate_time_zone
from instainstru.references import new_reference
from payments.models.choices import choices_of
from payments.policy.rules import DEFAULT_RULES
from payments.policy.states import Modality, Tier

LESSON_MINUTES = list(
    range(DEFAULT_RULES.shortest_lesson, DEFAULT_RULES.longest_lesson + 1, DEFAULT_RULES.lesson_step)
)  # P1.4; `payments.policy.pricing.is_lesson_length` says the same of one length


class Category(models.TextChoices):
    """The shelves of the marketplace."""

    ARTS = "arts", "Arts"
    COOKING = "cooking", "Cooking"
    FITNESS = "fitness", "Fitness"
    LANGUAGES = "languages", "Languages"
    MUSIC = "music", "Music"
    SCHOOL = "school", "School subjects"
    SPORTS = "sports", "Sports"
    TECHNOLOGY = "technology", "Technology"


def _instructor_ref() -> str:
    return new_reference("ins")


def _service_ref() -> str:
    return new_reference("svc")


class InstructorQuerySet(models.QuerySet):
    def listed(self) -> Self:
        """Instructors whom the public may see: they want to be seen, and can be paid, or nothing could be booked."""
        return self.filter(is_listed=True, user__is_active=True, user__payee__is_payable=True)


class Instructor(models.Model):
    """One who teaches, and the rules by which others may book their time."""

    ref = models.CharField(max_length=40, unique=True, editable=False, default=_instructor_ref)
    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.PROTECT, related_name="instructor")
    headline = models.CharField(max_length=120, blank=True)
    bio = models.TextField(max_length=4_000, blank=True)
    languages = ArrayField(models.CharField(max_length=8), default=list, blank=True, help_text="Codes such as en, es.")
    city = models.CharField(max_length=80, blank=True, help_text="Where lessons in person are given.")
    time_zone = models.CharField(
        max_length=64, validators=[validate_time_zone], help_text="The zone in which the calendar is kept."
    )
    buffer_minutes = models.PositiveSmallIntegerField(default=15, help_text="Kept free after every lesson.")
    minimum_notice_minutes = models.PositiveIntegerField(default=120, help_text="A lesson starts no sooner than that.")
    booking_horizon_days = models.PositiveSmallIntegerField(default=60, help_text="How far ahead lessons are booked.")
    tier = models.CharField(max_length=10, choices=choices_of(Tier), default=Tier.ENTRY.value)
    is_listed = models.BooleanField(default=False)
    tier_evaluated_on = models.DateField(null=True, blank=True, editable=False, help_text="UTC date; once a night.")
    joined_at = models.DateTimeField(default=clock.now, editable=False)

    objects = InstructorQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="instructor_tier_is_known", condition=Q(tier__in=[word.value for word in Tier])
            ),
            models.CheckConstraint(name="instructor_buffer_is_at_most_a_day", condition=Q(buffer_minutes__lte=1_440)),
            models.CheckConstraint(
                name="instructor_horizon_is_at_least_a_day", condition=Q(booking_horizon_days__gt=0)
            ),
        ]
        indexes = [
            models.Index(
                name="instructors_listed_by_joining", fields=["-joined_at", "-id"], condition=Q(is_listed=True)
            )
        ]

    def __str__(self) -> str:
        return self.user.name

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)


class ServiceQuerySet(models.QuerySet):
    def active(self) -> Self:
        """Services that can be booked now."""
        return self.filter(is_active=True)


class Service(models.Model):
    """A kind of lesson with its price; bookings keep their own frozen terms (P1.2).

    The price floor (P1.4) is configuration and binds `operations.profile`, not the database.
    """

    ref = models.CharField(max_length=40, unique=True, editable=False, default=_service_ref)
    instructor = models.ForeignKey(Instructor, models.PROTECT, related_name="services")
    title = models.CharField(max_length=120)
    description = models.TextField(max_length=2_000, blank=True)
    category = models.CharField(max_length=20, choices=Category)
    modality = models.CharField(max_length=10, choices=choices_of(Modality))
    hourly_price_cents = models.PositiveBigIntegerField()
    durations = ArrayField(models.PositiveSmallIntegerField(), help_text="Minutes that can be booked, such as 30,60.")
    is_active = models.BooleanField(default=True)

    objects = ServiceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(name="service_category_is_known", condition=Q(category__in=Category.values)),
            models.CheckConstraint(
                name="service_modality_is_known", condition=Q(modality__in=[word.value for word in Modality])
            ),
            models.CheckConstraint(name="service_has_a_price", condition=Q(hourly_price_cents__gt=0)),
            models.CheckConstraint(
                name="service_durations_are_30_to_240_by_15",
                condition=Q(durations__contained_by=LESSON_MINUTES, durations__len__gt=0),
            ),
        ]
        indexes = [
            models.Index(
                name="services_sold_by_category",
                fields=["category", "modality", "hourly_price_cents"],
                condition=Q(is_active=True),
            )
        ]

    def __str__(self) -> str:
        return self.title
