"""A booking's money: where it stands, what each side has to do with it, and what the student has to do next."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from rest_framework import serializers

from instainstru.api.fields import CentsField
from instainstru.api.output import Out
from instainstru.refusals import SENTENCES, RefusalCode
from payments.models import Payment
from payments.models.choices import choices_of
from payments.policy.states import Outcome, Party, PaymentStatus, ReviewReason, Tier
from payments.queries import is_under_way, reference_under_way
from payments.serializers.sides import BOTH_SIDES, SideOut
from payments.serializers.words import PAYMENT_STATUS

RATE = "Basis points: 1200 is 12 %."


class StudentsMoneyOut(SideOut):
    """What the student pays (policy section 1), and what has happened to it so far."""

    side = Party.STUDENT

    lesson_price_cents = CentsField()
    student_fee_cents = CentsField(help_text="The booking protection fee. It is always the card's.")
    student_fee_rate = serializers.IntegerField(help_text=RATE)
    credits_cents = CentsField(help_text="Credits reserved for this booking.")
    card_total_cents = CentsField(source="terms.card_total", help_text="What the card pays.")

    card_held_cents = CentsField(source="authorized_cents", help_text="Held on the card now.")
    card_charged_cents = CentsField(source="captured_cents")
    card_refunded_cents = CentsField(source="refunded_to_card_cents")
    credits_returned_cents = CentsField(source="credits_released_cents")
    credits_used_cents = CentsField(source="credits_consumed_cents")
    credits_forfeited_cents = CentsField()
    credits_issued_cents = CentsField(source="student_credit_cents", help_text="New credit, given for this booking.")
    owed_cents = CentsField(help_text="Owed since the card could not be charged.")


class InstructorsMoneyOut(SideOut):
    """What the instructor is to get for the lesson, and what has been paid."""

    side = Party.INSTRUCTOR

    lesson_price_cents = CentsField()
    instructor_fee_cents = CentsField()
    instructor_fee_rate = serializers.IntegerField(help_text=RATE)
    tier = serializers.ChoiceField(choices_of(Tier))
    payout_cents = CentsField(source="terms.payout", help_text="For a lesson that is taken.")
    paid_cents = serializers.IntegerField(
        source="instructor_payout_cents", help_text="Paid so far, less what was taken back. Integer cents, USD."
    )


@dataclass(frozen=True, slots=True)
class ActionRequired:
    """What the student has to do before the card can pay, why, and until when."""

    code: RefusalCode
    url: str | None
    expires_at: datetime | None

    @property
    def message(self) -> str:
        return SENTENCES[self.code].why

    @property
    def what_can_be_done(self) -> str:
        return SENTENCES[self.code].instead

    @classmethod
    def of(cls, payment: Payment) -> Self | None:
        """Return what a payment waits for, or None if it does not wait for its student, or is just being tried."""
        waits = payment.status == PaymentStatus.PAYMENT_METHOD_REQUIRED or payment.owed_cents
        if not waits or is_under_way(payment):
            return None
        code = RefusalCode(payment.refusal_code or RefusalCode.PAYMENT_METHOD_REQUIRED)
        return cls(code=code, url=payment.pending_intent_url or None, expires_at=payment.expire_at)


class ActionRequiredOut(SideOut):
    """The card was refused, or the bank wants to hear from the student."""

    side = Party.STUDENT

    code = serializers.ChoiceField(
        [
            RefusalCode.CARD_DECLINED.value,
            RefusalCode.AUTHENTICATION_REQUIRED.value,
            RefusalCode.PAYMENT_METHOD_REQUIRED.value,
        ]
    )
    message = serializers.CharField()
    what_can_be_done = serializers.CharField()
    url = serializers.URLField(allow_null=True, help_text="The bank's page, if it waits for the student there.")
    expires_at = serializers.DateTimeField(allow_null=True, help_text="Then the booking is cancelled, free of charge.")

    def get_attribute(self, instance: Payment) -> ActionRequired | None:
        return None if super().get_attribute(instance) is None else ActionRequired.of(instance)


class DeadlinesOut(Out[Payment]):
    """When something happens by itself; null where nothing does."""

    authorize_at = serializers.DateTimeField(allow_null=True, help_text="The card is held, or tried again.")
    expire_at = serializers.DateTimeField(allow_null=True, help_text="Still unpaid, the booking is cancelled.")
    settle_at = serializers.DateTimeField(allow_null=True, help_text="The card is charged and the instructor paid.")


class ReviewOut(Out[Payment]):
    """Why a payment is frozen, and since when; for our staff alone."""

    reason = serializers.ChoiceField(choices_of(ReviewReason), source="review_reason")
    error = serializers.CharField(source="review_error", help_text="What Stripe said.")
    since = serializers.DateTimeField(source="review_since")
    former_status = serializers.ChoiceField(PAYMENT_STATUS)

    def get_attribute(self, instance: Payment) -> Payment | None:
        is_frozen = instance.status == PaymentStatus.MANUAL_REVIEW
        return instance if is_frozen and self.context["sides"] == BOTH_SIDES else None


class PaymentOut(Out[Payment]):
    """The money of one booking. `student` and `instructor` are for those who may see that side."""

    status = serializers.ChoiceField(PAYMENT_STATUS)
    outcome = serializers.ChoiceField(choices_of(Outcome), source="settlement_outcome", allow_null=True)
    settled_at = serializers.DateTimeField(allow_null=True)
    operation_in_progress = serializers.SerializerMethodField(help_text="Something is being done with the money now.")
    operation = serializers.SerializerMethodField(help_text="The reference of that operation.")
    deadlines = DeadlinesOut(source="*")
    action_required = ActionRequiredOut()
    review = ReviewOut(read_only=True, allow_null=True)
    student = StudentsMoneyOut()
    instructor = InstructorsMoneyOut()

    def get_operation_in_progress(self, payment: Payment) -> bool:
        return is_under_way(payment)

    def get_operation(self, payment: Payment) -> str | None:
        return reference_under_way(payment)

    def to_representation(self, instance: Payment) -> dict[str, Any]:
        shown = super().to_representation(instance)
        shown["outcome"] = shown["outcome"] or None
        return shown
