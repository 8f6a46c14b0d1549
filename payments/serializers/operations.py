"""What was asked for and what came of it, as those see it whom it concerns."""

from rest_framework import serializers

from instainstru.api.output import Out
from instainstru.refusals import SENTENCES, RefusalCode
from payments.models import Step
from payments.models.choices import choices_of
from payments.policy.states import Call, Party
from payments.queries import State, Undertaking
from payments.serializers.plans import PreviewOut
from payments.serializers.sides import SideOut
from payments.serializers.words import OPERATION_KIND, PARTY

IN_THE_MEANTIME = {
    State.UNDER_WAY: "This is under way.",
    State.UNDER_REVIEW: "Our staff are looking at this.",
}
_ON_THE_CARD = frozenset({Call.AUTHORIZE, Call.INSPECT, Call.CAPTURE, Call.CHARGE, Call.REFUND, Call.VOID})


class StepOut(Out[Step]):
    """One call to Stripe. Its amounts are for those who may see that side."""

    call = serializers.ChoiceField(choices_of(Call))
    state = serializers.ChoiceField(Step.State.choices)
    card_cents = serializers.SerializerMethodField(help_text="Moved on the student's card.")
    instructor_cents = serializers.SerializerMethodField(
        help_text="Moved to the instructor, or taken back if negative."
    )

    def get_card_cents(self, step: Step) -> int | None:
        shown = Party.STUDENT in self.context["sides"] and step.call in _ON_THE_CARD
        return step.amount_cents if shown else None

    def get_instructor_cents(self, step: Step) -> int | None:
        if Party.INSTRUCTOR not in self.context["sides"]:
            return None
        match step.call:
            case Call.CAPTURE:
                return step.transfer_cents
            case Call.PAY:
                return step.amount_cents
            case Call.REVERSE | Call.TAKE_BACK:
                return -step.amount_cents
        return None


class RefusalOut(SideOut):
    """Why it did not work out; it is always the student's card that was in the way, or the time."""

    side = Party.STUDENT

    code = serializers.ChoiceField([code.value for code in RefusalCode])
    message = serializers.CharField()
    what_can_be_done = serializers.CharField()

    def get_attribute(self, instance: Undertaking) -> dict[str, str] | None:
        code = instance.refusal_code
        if code is None or super().get_attribute(instance) is None:
            return None
        return {"code": code, "message": SENTENCES[code].why, "what_can_be_done": SENTENCES[code].instead}


class UndertakingOut(Out[Undertaking]):
    """What was asked for. Whatever had to follow from it is part of it."""

    reference = serializers.CharField(source="first.reference")
    booking_ref = serializers.CharField(source="first.payment.reference")
    kind = serializers.ChoiceField(OPERATION_KIND, source="first.kind")
    asked_by = serializers.ChoiceField(PARTY, source="first.party")
    rule = serializers.CharField(source="last.rule", help_text="Of the payment policy.")
    state = serializers.ChoiceField(State.choices)
    text = serializers.SerializerMethodField(help_text="For people.")
    accepted_at = serializers.DateTimeField(source="first.accepted_at", help_text="Windows are judged by this instant.")
    finished_at = serializers.DateTimeField(source="last.finished_at", allow_null=True)
    refusal = RefusalOut()

    def get_text(self, undertaking: Undertaking) -> str:
        if undertaking.state in IN_THE_MEANTIME:
            return IN_THE_MEANTIME[undertaking.state]
        to_student = Party.STUDENT in self.context["sides"]
        if undertaking.refusal_code and undertaking.last.refusal_code and to_student:
            return SENTENCES[undertaking.refusal_code].why
        return undertaking.plan.to_student if to_student else undertaking.plan.to_instructor


class UndertakingDetailOut(UndertakingOut):
    """The same with its plan and its calls."""

    plan = PreviewOut(source="*")
    steps = StepOut(many=True)
