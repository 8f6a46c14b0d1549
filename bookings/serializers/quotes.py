"""What a lesson would cost, and what is sent to book it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rest_framework import serializers

from bookings.models import Instructor, Service
from bookings.operations import Quote
from bookings.serializers.actions import PreviewedIn
from bookings.serializers.lessons import InstructorRefOut, LessonTimesOut, ServiceRefOut
from instainstru.api.fields import CentsField
from instainstru.api.output import Out
from instainstru.limits import validate_in_reach
from payments.models.choices import choices_of
from payments.policy.states import Party, Tier
from payments.serializers.payments import RATE
from payments.serializers.sides import SideOut


class LessonIn(serializers.Serializer[None]):
    """A lesson that is asked for."""

    service = serializers.CharField(help_text="The reference of a service.")
    starts_at = serializers.DateTimeField(validators=[validate_in_reach])
    minutes = serializers.IntegerField(help_text="One of the service's lengths.")
    credits_cents = CentsField(source="credits_used", required=False, default=0, help_text="Credits to use for it.")

    def validate(self, asked: dict[str, Any]) -> dict[str, Any]:
        on_offer = Service.objects.active().filter(instructor__in=Instructor.objects.listed())
        service = on_offer.filter(ref=asked["service"]).select_related("instructor__user").first()
        if service is None:
            raise serializers.ValidationError({"service": "There is no such service on offer."})
        if asked["minutes"] not in service.durations:
            lengths = ", ".join(map(str, service.durations))
            raise serializers.ValidationError({"minutes": f"Lessons of this service last {lengths} minutes."})
        return asked | {"service": service}


class BookingIn(LessonIn, PreviewedIn):
    """A lesson to be booked with the saved card and credits."""

    note = serializers.CharField(required=False, default="", allow_blank=True, max_length=2_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotedLesson:
    """A quote with what it was asked for, and the credits of the student who asks, if it is a student."""

    quote: Quote
    service: Service
    minutes: int
    credits_available: int | None

    @property
    def starts_at(self) -> datetime:
        return self.quote.starts_at

    @property
    def ends_at(self) -> datetime:
        return self.quote.ends_at

    @property
    def time_zone(self) -> str:
        return self.service.instructor.time_zone

    @property
    def modality(self) -> str:
        return self.service.modality

    @property
    def credits_usable(self) -> int | None:
        """What of them this lesson can take: credits pay for its price only (P1.5)."""
        available = self.credits_available
        return None if available is None else min(available, self.quote.terms.lesson_price)


class StudentsQuoteOut(SideOut):
    """What the student pays, item by item."""

    side = Party.STUDENT

    sentence = serializers.CharField(source="quote.plan.to_student")
    lesson_price_cents = CentsField(source="quote.terms.lesson_price")
    student_fee_cents = CentsField(source="quote.terms.student_fee", help_text="The booking protection fee.")
    student_fee_rate = serializers.IntegerField(source="quote.student_fee_rate", help_text=RATE)
    credits_cents = CentsField(source="quote.terms.credits", help_text="Credits used for it.")
    card_total_cents = CentsField(source="quote.terms.card_total", help_text="What the card pays.")
    credits_available_cents = CentsField(
        source="credits_available", allow_null=True, help_text="What the student who asks has in credit."
    )
    credits_usable_cents = CentsField(
        source="credits_usable", allow_null=True, help_text="What of it this lesson can take."
    )


class InstructorsQuoteOut(SideOut):
    """What the instructor gets. Only for the instructor who is asked for, and our staff."""

    side = Party.INSTRUCTOR

    sentence = serializers.CharField(source="quote.plan.to_instructor")
    instructor_fee_cents = CentsField(source="quote.terms.instructor_fee")
    instructor_fee_rate = serializers.IntegerField(source="quote.instructor_fee_rate", help_text=RATE)
    tier = serializers.ChoiceField(choices_of(Tier), source="quote.tier")
    payout_cents = CentsField(source="quote.terms.payout")


class QuotedPaymentOut(Out[QuotedLesson]):
    """The money: what booking would do, and every amount of it."""

    rule = serializers.CharField(source="quote.plan.rule", help_text="Of the payment policy.")
    preview = serializers.CharField(source="quote.digest", help_text="Fingerprint of the amounts and the consequences.")
    student = StudentsQuoteOut()
    instructor = InstructorsQuoteOut()


class QuoteOut(LessonTimesOut):
    """What a lesson would cost if it were booked now. Book with `preview`, and it is at that price or not at all."""

    service = ServiceRefOut()
    instructor = InstructorRefOut(source="service.instructor")
    payment = QuotedPaymentOut(source="*")
