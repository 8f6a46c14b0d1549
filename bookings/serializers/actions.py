"""What the reader of a booking may do with it, and what is sent to do it."""

import functools
from dataclasses import dataclass

from django.urls import get_script_prefix, reverse
from rest_framework import serializers

from instainstru.api.output import Out
from instainstru.limits import validate_in_reach
from payments.models.choices import choices_of
from payments.policy.actions import AvailableAction, Choice
from payments.serializers.plans import Preview, PreviewOut

DIGEST_LENGTH = 64
_ANY_BOOKING = "any_booking"  # no reference looks like it
_ADDRESSES = {
    Choice.CANCEL: "api:booking-cancel",
    Choice.RESCHEDULE: "api:booking-reschedule",
    Choice.PAY: "api:booking-pay",
    Choice.CONFIRM_PAYMENT: "api:booking-confirm-payment",
    Choice.MARK_COMPLETE: "api:booking-complete",
}


@dataclass(frozen=True, slots=True)
class Offer:
    """An available action of one booking."""

    action: AvailableAction
    booking_ref: str

    @property
    def href(self) -> str:
        return _address_of(self.action.choice, get_script_prefix()).replace(_ANY_BOOKING, self.booking_ref)

    @property
    def preview(self) -> Preview | None:
        return None if self.action.plan is None else Preview(self.action.plan)


@functools.cache
def _address_of(choice: Choice, prefix: str) -> str:
    """Return where a choice is made, for the booking that stands in for all; Django takes its time to say so."""
    return reverse(_ADDRESSES[choice], args=[_ANY_BOOKING])


class OfferOut(Out[Offer]):
    """What the reader may do now, by a POST to `href`."""

    action = serializers.ChoiceField(choices_of(Choice), source="action.choice")
    href = serializers.CharField()
    rule = serializers.CharField(source="action.rule", help_text="Of the payment policy.")
    sentence = serializers.CharField(source="action.sentence", help_text="What it does, for people.")
    plan = PreviewOut(source="preview", allow_null=True, help_text="Null if it moves no money.")
    unchanged_until = serializers.DateTimeField(
        source="action.unchanged_until", allow_null=True, help_text="So long it does what `plan` says."
    )
    possible_until = serializers.DateTimeField(source="action.possible_until", allow_null=True)


class PreviewedIn(serializers.Serializer[None]):
    """What every action takes that can be previewed."""

    preview = serializers.CharField(
        required=False,
        default=None,
        allow_null=True,
        max_length=DIGEST_LENGTH,
        help_text="Of the plan that was agreed to. If something else would be done by now, it is refused.",
    )


class CancelIn(PreviewedIn):
    reason = serializers.CharField(required=False, default="", allow_blank=True, max_length=2_000)


class NewTimeIn(serializers.Serializer[None]):
    """Where the lesson is to move; its length stays."""

    starts_at = serializers.DateTimeField(source="new_starts_at", validators=[validate_in_reach])


class RescheduleIn(NewTimeIn, PreviewedIn):
    """The new time, agreed to."""
