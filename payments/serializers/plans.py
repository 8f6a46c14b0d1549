"""Plans as they are shown to whoever is asked "are you sure?"."""

from dataclasses import dataclass
from functools import cached_property

from rest_framework import serializers

from instainstru.api.fields import CentsField
from instainstru.api.output import Out
from payments.policy.consequences import Consequences, consequences_of
from payments.policy.plan import Plan
from payments.policy.states import Party
from payments.serializers.sides import SideOut


@dataclass(frozen=True)
class Preview:
    """A plan with what it moves."""

    plan: Plan

    @cached_property
    def consequences(self) -> Consequences:
        return consequences_of(self.plan)


class StudentsShareOut(SideOut):
    """What it does to the student's card and credits."""

    side = Party.STUDENT

    sentence = serializers.CharField(source="plan.to_student")
    card_held_cents = CentsField(source="consequences.student.card_held", help_text="Held on the card afterwards.")
    card_charged_cents = CentsField(source="consequences.student.card_charged")
    card_freed_cents = CentsField(source="consequences.student.card_freed", help_text="Held until now, and then free.")
    card_refunded_cents = CentsField(source="consequences.student.card_refunded")
    credits_returned_cents = CentsField(
        source="consequences.student.credits_returned", help_text="Of the credits that were used; they keep their date."
    )
    credits_issued_cents = CentsField(source="consequences.student.credits_issued", help_text="New, for a year.")
    credits_forfeited_cents = CentsField(source="consequences.student.credits_forfeited")
    credits_used_cents = CentsField(source="consequences.student.credits_used", help_text="Spent on the lesson.")


class InstructorsShareOut(SideOut):
    """What it pays the instructor."""

    side = Party.INSTRUCTOR

    sentence = serializers.CharField(source="plan.to_instructor")
    paid_cents = serializers.IntegerField(
        source="consequences.instructor.paid", help_text="Integer cents, USD; negative if it is taken back."
    )


class PreviewOut(Out[Preview]):
    """What an action does. Send `preview` with the action, and it does exactly this or is refused."""

    rule = serializers.CharField(source="plan.rule", help_text="Of the payment policy.")
    preview = serializers.CharField(source="plan.digest", help_text="Fingerprint of the consequences.")
    student = StudentsShareOut()
    instructor = InstructorsShareOut()
