"""Instructors and their services, for the public and for themselves."""

from rest_framework import serializers

from bookings.models import Category, Instructor, Service
from instainstru.accounts.time_zones import validate_time_zone
from instainstru.api.fields import CentsField
from instainstru.limits import validate_in_reach
from payments.models.choices import choices_of
from payments.policy.pricing import is_lesson_length
from payments.policy.rules import DEFAULT_RULES
from payments.policy.states import Modality

LANGUAGE_CODE = r"^[a-z]{2,3}(-[A-Z]{2})?$"


class ServiceOnOfferSerializer(serializers.ModelSerializer):
    """A service as the public sees it."""

    hourly_price_cents = CentsField()

    class Meta:
        model = Service
        fields = ["ref", "title", "description", "category", "modality", "hourly_price_cents", "durations"]
        read_only_fields = fields


class InstructorSummarySerializer(serializers.ModelSerializer):
    """An instructor in a list."""

    name = serializers.CharField(source="user.name")
    lowest_price_cents = CentsField(help_text="For an hour, of the services that were asked for. Integer cents, USD.")
    services = ServiceOnOfferSerializer(source="services_on_offer", many=True)

    class Meta:
        model = Instructor
        fields = ["ref", "name", "headline", "languages", "city", "time_zone", "lowest_price_cents", "services"]
        read_only_fields = fields


class InstructorSerializer(InstructorSummarySerializer):
    """An instructor's public page."""

    lowest_price_cents = CentsField(allow_null=True, help_text="For an hour. Integer cents, USD.")

    class Meta(InstructorSummarySerializer.Meta):
        fields = [
            *InstructorSummarySerializer.Meta.fields,
            "bio",
            "minimum_notice_minutes",
            "booking_horizon_days",
            "joined_at",
        ]
        read_only_fields = fields


class InstructorQuery(serializers.Serializer):
    """Which instructors are looked for. Category, modality and price have to be true of one and the same service."""

    category = serializers.ChoiceField(Category.choices, required=False)
    modality = serializers.ChoiceField(choices_of(Modality), required=False)
    hourly_price_max = CentsField(required=False)
    language = serializers.CharField(required=False, max_length=8, help_text="A code such as en.")
    city = serializers.CharField(required=False, max_length=80)
    time_zone = serializers.CharField(required=False, validators=[validate_time_zone])
    search = serializers.CharField(required=False, max_length=80, help_text="In names, headlines and service titles.")
    available_on = serializers.DateField(
        required=False,
        validators=[validate_in_reach],
        help_text="A date, in the instructor's zone, on which they keep hours and are not away.",
    )
    ordering = serializers.ChoiceField(["newest", "price", "-price"], default="newest")


class ProfileSerializer(serializers.ModelSerializer):
    """An instructor's own profile."""

    time_zone = serializers.CharField(required=False, max_length=64, validators=[validate_time_zone])
    languages = serializers.ListField(
        child=serializers.RegexField(LANGUAGE_CODE, max_length=8), required=False, max_length=10
    )
    buffer_minutes = serializers.IntegerField(required=False, min_value=0, max_value=240)
    minimum_notice_minutes = serializers.IntegerField(required=False, min_value=0, max_value=30 * 24 * 60)
    booking_horizon_days = serializers.IntegerField(required=False, min_value=1, max_value=365)

    class Meta:
        model = Instructor
        fields = [
            "ref",
            "headline",
            "bio",
            "languages",
            "city",
            "time_zone",
            "buffer_minutes",
            "minimum_notice_minutes",
            "booking_horizon_days",
            "is_listed",
            "tier",
            "joined_at",
        ]
        read_only_fields = ["ref", "tier", "joined_at"]

    def validate_languages(self, codes: list[str]) -> list[str]:
        return list(dict.fromkeys(codes))


class ServiceSerializer(serializers.ModelSerializer):
    """One of an instructor's own services. The price has to keep the floor of its modality (P1.4)."""

    hourly_price_cents = CentsField(min_value=1)
    durations = serializers.ListField(
        child=serializers.IntegerField(), min_length=1, help_text="Minutes: 30 to 240 in steps of 15."
    )

    class Meta:
        model = Service
        fields = ["ref", "title", "description", "category", "modality", "hourly_price_cents", "durations", "is_active"]
        read_only_fields = ["ref"]

    def validate_durations(self, durations: list[int]) -> list[int]:
        if any(not is_lesson_length(minutes, rules=DEFAULT_RULES) for minutes in durations):
            raise serializers.ValidationError("Lessons last 30 to 240 minutes, in steps of 15.")
        return sorted(set(durations))
