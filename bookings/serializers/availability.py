"""Weekly hours, exceptions, time off and free slots."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from rest_framework import serializers

from bookings.calendar import Hours, overlap_among
from bookings.models import TimeOff, Weekday
from bookings.models.availability import CLOSES_AFTER_OPENING, validate_end_of_time_off
from bookings.serializers.fields import ClockFaceField
from instainstru import clock
from instainstru.limits import validate_in_reach

LONGEST_LOOK = timedelta(days=31)
USUAL_LOOK = timedelta(days=7)
STRETCHES_A_DAY = 12  # more is a slip of the hand


class HoursSerializer(serializers.Serializer):
    """A stretch of a local day. Hours past midnight are two: until 24:00, and from 00:00 of the day after."""

    opens = ClockFaceField()
    closes = ClockFaceField()

    def validate(self, hours: dict[str, Any]) -> dict[str, Any]:
        if hours["closes"] <= hours["opens"]:
            raise serializers.ValidationError({"closes": CLOSES_AFTER_OPENING})
        return hours


class WeekdayHoursSerializer(HoursSerializer):
    weekday = serializers.ChoiceField(Weekday.choices, help_text="0 is Monday.")


class WeeklyHoursSerializer(serializers.Serializer):
    """A whole week. What is not in it is closed."""

    hours = serializers.ListField(child=WeekdayHoursSerializer(), max_length=7 * STRETCHES_A_DAY)

    def validate_hours(self, hours: list[dict[str, Any]]) -> list[tuple[int, Hours]]:
        week = [(stretch["weekday"], Hours(stretch["opens"], stretch["closes"])) for stretch in hours]
        for weekday in Weekday:
            _refuse_overlaps((stretch for day, stretch in week if day == weekday), where=f" on {weekday.label}")
        return week


class ExceptionHoursSerializer(serializers.Serializer):
    """The hours of one date. An empty list closes it."""

    hours = serializers.ListField(child=HoursSerializer(), max_length=STRETCHES_A_DAY)

    def validate_hours(self, hours: list[dict[str, Any]]) -> list[Hours]:
        stretches = [Hours(stretch["opens"], stretch["closes"]) for stretch in hours]
        _refuse_overlaps(stretches)
        return stretches


class DateExceptionSerializer(serializers.Serializer):
    """A date that does not follow the week."""

    date = serializers.DateField()
    hours = HoursSerializer(many=True, help_text="Empty on a closed date.")


class TimeOffSerializer(serializers.ModelSerializer):
    starts_at = serializers.DateTimeField(validators=[validate_in_reach])
    ends_at = serializers.DateTimeField(validators=[validate_in_reach, validate_end_of_time_off])

    class Meta:
        model = TimeOff
        fields = ["id", "starts_at", "ends_at", "reason"]

    def validate(self, changes: dict[str, Any]) -> dict[str, Any]:
        known = {name: getattr(self.instance, name, "") for name in ("starts_at", "ends_at", "reason")}
        time_off = {**known, **changes}
        if time_off["ends_at"] <= time_off["starts_at"]:
            raise serializers.ValidationError({"ends_at": "Time off ends after it starts."})
        return time_off


class SlotQuery(serializers.Serializer):
    """Which free time is looked for. `from` is now and `to` a week later unless they are given."""

    service = serializers.CharField(help_text="The reference of one of the instructor's services.")
    minutes = serializers.IntegerField(help_text="One of the service's lengths.")

    def get_fields(self) -> dict[str, serializers.Field]:
        return {
            **super().get_fields(),
            # `from` is no name for a Python attribute
            "from": serializers.DateTimeField(source="since", required=False, validators=[validate_in_reach]),
            "to": serializers.DateTimeField(
                source="until",
                required=False,
                validators=[validate_in_reach],
                help_text="At most 31 days after `from`.",
            ),
        }

    def validate(self, asked: dict[str, Any]) -> dict[str, Any]:
        asked.setdefault("since", clock.now())
        asked.setdefault("until", asked["since"] + USUAL_LOOK)
        if not timedelta(0) < asked["until"] - asked["since"] <= LONGEST_LOOK:
            raise serializers.ValidationError({"to": "Look at more than nothing and at most 31 days."})
        return asked


class SlotSerializer(serializers.Serializer):
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()


class SlotsSerializer(serializers.Serializer):
    """Lessons that can be booked now. They are alternatives: slots overlap each other."""

    service = serializers.CharField()
    minutes = serializers.IntegerField()
    lesson_price_cents = serializers.IntegerField()
    time_zone = serializers.CharField(help_text="The zone in which the instructor keeps the calendar.")
    slots = SlotSerializer(many=True)


def _refuse_overlaps(stretches: Iterable[Hours], *, where: str = "") -> None:
    if overlap_among(stretches):
        raise serializers.ValidationError(f"Hours{where} overlap.")
