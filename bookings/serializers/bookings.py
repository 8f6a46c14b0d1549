"""Bookings as their two sides and our staff see them."""

from typing import Any

from rest_framework import serializers

from bookings.models import Booking
from bookings.operations import available_actions_on
from bookings.serializers.actions import Offer, OfferOut
from bookings.serializers.lessons import InstructorRefOut, LessonTimesOut
from instainstru.api.output import Out
from instainstru.limits import validate_in_reach
from payments.policy.states import Party
from payments.queries import Undertaking, is_under_way, note_what_is_open, open_in
from payments.serializers.operations import UndertakingDetailOut, UndertakingOut
from payments.serializers.payments import PaymentOut
from payments.serializers.words import BOOKING_STATUS, PARTY, PAYMENT_STATUS

LATEST_LESSON_FIRST, NEXT_LESSON_FIRST = "-starts_at", "starts_at"


class BookingQuery(serializers.Serializer[None]):
    """Which bookings are looked for. A status that is given several times means any of its values."""

    status = serializers.MultipleChoiceField(choices=BOOKING_STATUS, required=False)
    payment_status = serializers.MultipleChoiceField(choices=PAYMENT_STATUS, required=False)
    upcoming = serializers.BooleanField(
        required=False, allow_null=True, default=None, help_text="Still to come (true), or over or cancelled (false)."
    )
    ordering = serializers.ChoiceField([LATEST_LESSON_FIRST, NEXT_LESSON_FIRST], default=LATEST_LESSON_FIRST)

    def get_fields(self) -> dict[str, serializers.Field]:
        return {  # `from` is no name for a Python attribute
            **super().get_fields(),
            "from": serializers.DateTimeField(
                source="since", required=False, validators=[validate_in_reach], help_text="Starts then or later."
            ),
            "to": serializers.DateTimeField(
                source="until", required=False, validators=[validate_in_reach], help_text="Starts before then."
            ),
        }


class StudentRefOut(Out[Any]):
    """Who learns."""

    name = serializers.CharField()


class BookingOut(LessonTimesOut):
    """A booking. Its money is in `payment`, what the reader may do now in `available_actions`.

    The context has the `reader`, the `sides` that they may see, and the instant `now`.
    """

    ref = serializers.CharField()
    status = serializers.ChoiceField(BOOKING_STATUS)
    student = StudentRefOut()
    instructor = InstructorRefOut()
    service_ref = serializers.CharField(source="service.ref")
    service_title = serializers.CharField(help_text="As it was when it was booked.")
    note = serializers.CharField(source="student_note", help_text="From the student.")
    made_at = serializers.DateTimeField()
    confirmed_at = serializers.DateTimeField(allow_null=True)
    marked_complete_at = serializers.DateTimeField(allow_null=True)
    completed_at = serializers.DateTimeField(allow_null=True)
    cancelled_at = serializers.DateTimeField(allow_null=True)
    cancelled_by = serializers.ChoiceField(PARTY, allow_null=True)
    cancellation_reason = serializers.CharField()
    payment = PaymentOut()
    available_actions = OfferOut(many=True)

    def to_representation(self, instance: Booking) -> dict[str, Any]:
        instance.available_actions = self._offers(instance)  # type: ignore[attr-defined]
        shown = super().to_representation(instance)
        shown["cancelled_by"] = shown["cancelled_by"] or None
        return shown

    def _offers(self, booking: Booking) -> list[Offer]:
        actions = available_actions_on(
            booking,
            party=Party(self.context["reader"].role),
            now=self.context["now"],
            operation_under_way=is_under_way(booking.payment),
        )
        return [Offer(action, booking.ref) for action in actions]


class BookingDetailOut(BookingOut):
    """A booking with everything that was done with its money, as far as it concerns the reader.

    The context has the `history` too: every undertaking on the payment.
    """

    timeline = UndertakingOut(many=True)

    def to_representation(self, instance: Booking) -> dict[str, Any]:
        history: list[Undertaking] = self.context["history"]
        note_what_is_open(instance.payment, open_in(history))
        sees_the_card = Party.STUDENT in self.context["sides"]
        instance.timeline = [  # type: ignore[attr-defined]
            undertaking
            for undertaking in history
            if sees_the_card or not undertaking.last.refusal_code  # a refused card is between the student and us
        ]
        return super().to_representation(instance)


class BookingStateOut(Out[Booking]):
    """How a booking stands, in short."""

    ref = serializers.CharField()
    status = serializers.ChoiceField(BOOKING_STATUS)
    payment_status = serializers.ChoiceField(PAYMENT_STATUS, source="payment.status")


class OperationOut(UndertakingDetailOut):
    """What was asked for, its plan and its calls, and how the booking stands now."""

    booking = BookingStateOut(source="first.payment.booking")
