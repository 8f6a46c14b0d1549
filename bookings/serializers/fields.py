"""Fields of the calendar: readings of a wall clock."""

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from bookings.calendar import clock_face, minute_of

QUARTER = 15  # minutes; lessons are offered at quarter hours, so hours begin and end there


@extend_schema_field({"type": "string", "pattern": r"^\d{2}:\d{2}$", "example": "09:30"})
class ClockFaceField(serializers.Field):
    """Minutes since local midnight, written as a clock shows them: from `00:00` to `24:00`."""

    default_error_messages = {
        "invalid": "Write a time of day such as 09:30; the day's end is 24:00.",
        "off_the_quarter": "Hours begin and end at a quarter hour.",
    }

    def to_internal_value(self, data: object) -> int:
        try:
            minute = minute_of(data if isinstance(data, str) else "")
        except ValueError:
            self.fail("invalid")
        if minute % QUARTER:
            self.fail("off_the_quarter")
        return minute

    def to_representation(self, value: int) -> str:
        return clock_face(value)
