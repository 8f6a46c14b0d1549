"""When a lesson is, which every answer about one tells in the same way."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from instainstru.api.output import Out
from payments.models.choices import choices_of
from payments.policy.states import Modality


@extend_schema_field(OpenApiTypes.DATETIME)
class LocalTimeField(serializers.Field):
    """One of a lesson's instants, with the offset that its own zone has then."""

    def __init__(self, *, of: str, **kwargs: Any) -> None:
        self.of = of
        super().__init__(source="*", read_only=True, **kwargs)

    def to_representation(self, value: Any) -> str:
        instant: datetime = getattr(value, self.of)
        return instant.astimezone(ZoneInfo(value.time_zone)).isoformat()


class LessonTimesOut(Out[Any]):
    """Start and end: in UTC, and on the clock of the instructor's zone."""

    minutes = serializers.IntegerField()
    modality = serializers.ChoiceField(choices_of(Modality))
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    time_zone = serializers.CharField(help_text="The zone in which the instructor keeps the calendar.")
    starts_at_local = LocalTimeField(of="starts_at", help_text="The same instant on the clock of `time_zone`.")
    ends_at_local = LocalTimeField(of="ends_at")


class InstructorRefOut(Out[Any]):
    """Who teaches."""

    ref = serializers.CharField()
    name = serializers.CharField(source="user.name")


class ServiceRefOut(Out[Any]):
    """What is taught."""

    ref = serializers.CharField()
    title = serializers.CharField()
