"""What staff send to refund a booking or to cancel it."""

from rest_framework import serializers

from bookings.serializers.actions import DIGEST_LENGTH
from instainstru.api.fields import CentsField
from payments.models.choices import choices_of
from payments.policy.states import Bearer


class AgreedIn(serializers.Serializer[None]):
    """What staff say with everything that they do: why, and that they have seen what it does."""

    reason = serializers.CharField(max_length=2_000, help_text="Kept with who did it, when and from where.")
    preview = serializers.CharField(
        max_length=DIGEST_LENGTH,
        help_text="Of the preview that was agreed to. If something else would be done by now, it is refused.",
    )


class RefundPreviewIn(serializers.Serializer[None]):
    """How much goes back to the card, and at whose cost."""

    cents = CentsField(
        min_value=1,
        required=False,
        default=None,
        allow_null=True,
        help_text="Integer cents, USD; null: all that the card paid and was not refunded yet.",
    )
    bearer = serializers.ChoiceField(
        choices_of(Bearer), default=Bearer.PLATFORM.value, help_text="The instructor bears it in proportion."
    )


class RefundIn(RefundPreviewIn, AgreedIn):
    """The same amount asked twice is one refund."""

    again = serializers.BooleanField(
        default=False, help_text="Refund the same amount once more on purpose, or try again what Stripe refused."
    )


class StaffCancelPreviewIn(serializers.Serializer[None]):
    with_refund = serializers.BooleanField(help_text="False: what was captured is kept.")


class StaffCancelIn(StaffCancelPreviewIn, AgreedIn):
    """With refund everything goes back to the student; the instructor gets nothing either way."""
