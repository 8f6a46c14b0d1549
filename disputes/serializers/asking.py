"""What is sent to bring a case, to answer it, to show evidence, and to rule."""

from typing import Any

from rest_framework import serializers

from bookings.serializers.staff import AgreedIn
from payments.models.choices import choices_of
from payments.policy.states import DisputeRuling, NoShowRuling, Party

LONGEST_STATEMENT = 4_000
NO_SHOW_RULING = choices_of(NoShowRuling)
DISPUTE_RULING = choices_of(DisputeRuling)
SIDES = [(side.value, side.value.capitalize()) for side in (Party.STUDENT, Party.INSTRUCTOR)]


class StatementIn(serializers.Serializer[None]):
    """What the sender says about it."""

    statement = serializers.CharField(required=False, default="", allow_blank=True, max_length=LONGEST_STATEMENT)


class ReportIn(StatementIn):
    """A report that the other side did not come; staff say which side they mean."""

    absent = serializers.ChoiceField(
        SIDES, required=False, default=None, allow_null=True, help_text="For staff alone, who have to say it."
    )


class DisputeIn(serializers.Serializer[None]):
    """What was wrong with the lesson; staff say on behalf of whom."""

    statement = serializers.CharField(max_length=LONGEST_STATEMENT)
    on_behalf_of = serializers.ChoiceField(
        SIDES, required=False, default=None, allow_null=True, help_text="For staff alone, who have to say it."
    )


class EvidenceIn(StatementIn):
    """Words, a file, or both."""

    file = serializers.FileField(
        required=False,
        default=None,
        allow_null=True,
        help_text="JPEG, PNG, WebP or PDF, told by its content; at most 10 MB. Send `multipart/form-data`.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs["statement"] and attrs["file"] is None:
            raise serializers.ValidationError("Send a statement, a file, or both.", code="required")
        return attrs


class NoShowRulingPreviewIn(serializers.Serializer[None]):
    ruling = serializers.ChoiceField(NO_SHOW_RULING)


class NoShowRulingIn(NoShowRulingPreviewIn, AgreedIn):
    """Who was absent, as staff find."""


class DisputeRulingPreviewIn(serializers.Serializer[None]):
    ruling = serializers.ChoiceField(DISPUTE_RULING)


class DisputeRulingIn(DisputeRulingPreviewIn, AgreedIn):
    """For whom staff find."""
