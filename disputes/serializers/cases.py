"""Cases with what both sides said and showed, how they ended, and what the reader may do now."""

from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from rest_framework import serializers

from bookings.models import Booking
from bookings.serializers.bookings import BookingStateOut
from disputes.models import Evidence
from disputes.models.resolution import Resolution
from disputes.operations.available import CaseAction, CaseChoice
from disputes.serializers.telling import CaseKind, CaseState, Outcome, ToldCase
from instainstru.api.output import Out
from payments.models.choices import choices_of
from payments.policy.states import DisputeRuling, NoShowRuling
from payments.serializers.plans import PreviewOut
from payments.serializers.words import PARTY

CASE_KIND = choices_of(CaseKind)
CASE_STATE = choices_of(CaseState)
CASE_CHOICE = choices_of(CaseChoice)
RULING = [*choices_of(NoShowRuling), *choices_of(DisputeRuling)]
_ADDRESSES = {
    CaseChoice.REPORT_NO_SHOW: "api:booking-no-show-reports",
    CaseChoice.OPEN_DISPUTE: "api:booking-disputes",
    CaseChoice.CONTEST: "api:no-show-report-contest",
    CaseChoice.WITHDRAW: "api:no-show-report-withdraw",
    CaseChoice.ADD_EVIDENCE: "api:case-evidence",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldBooking:
    """A booking with its cases as one reader is told of them, and what that reader may do about it."""

    booking: Booking
    cases: tuple[ToldCase, ...]
    actions: tuple[CaseAction, ...]


class CaseActionOut(Out[CaseAction]):
    """What the reader may do now, by a POST to `href`. The context has the `booking_ref`."""

    action = serializers.ChoiceField(CASE_CHOICE, source="choice")
    href = serializers.SerializerMethodField()
    case_ref = serializers.CharField(source="case.ref", default=None, allow_null=True)
    rule = serializers.CharField(help_text="Of the payment policy.")
    sentence = serializers.CharField(help_text="What it does, for people.")
    possible_until = serializers.DateTimeField(allow_null=True, help_text="Null: until the case ends.")

    def get_href(self, action: CaseAction) -> str:
        ref = action.case.ref if action.case else self.context["booking_ref"]
        return reverse(_ADDRESSES[action.choice], args=[ref])


class EvidenceFileOut(Out[Evidence]):
    """A file that was shown; `href` gives it to the parties and our staff."""

    name = serializers.CharField(source="file_name")
    content_type = serializers.CharField(help_text="Told by its content.")
    bytes = serializers.IntegerField()
    sha256 = serializers.CharField()
    href = serializers.SerializerMethodField()

    def get_href(self, evidence: Evidence) -> str:
        return reverse("api:evidence-file", args=[evidence.ref])


class EvidenceOut(Out[Evidence]):
    """One piece of evidence: words, a file, or both."""

    ref = serializers.CharField()
    by = serializers.ChoiceField(PARTY)
    shown_at = serializers.DateTimeField()
    statement = serializers.CharField()
    file = EvidenceFileOut(source="*", allow_null=True)

    def to_representation(self, instance: Evidence) -> dict[str, Any]:
        shown = super().to_representation(instance)
        return shown if instance.file else shown | {"file": None}


class StatementOut(Out[Any]):
    """What a side said when it brought or contested the case."""

    by = serializers.ChoiceField(PARTY)
    at = serializers.DateTimeField()
    text = serializers.CharField()


class DeadlineOut(Out[Any]):
    """What is asked for, or happens, by when."""

    at = serializers.DateTimeField()
    what = serializers.CharField()


class OutcomeOut(Out[Outcome]):
    """How a case ended, and what that did to the money."""

    resolution = serializers.ChoiceField(Resolution.choices)
    ruling = serializers.ChoiceField(RULING, allow_null=True)
    ended_at = serializers.DateTimeField(source="at")
    sentence = serializers.CharField(help_text="For people.")
    reason = serializers.CharField(help_text="Staff's own note; empty for everybody else.")
    operation = serializers.CharField(
        source="undertaking.first.reference", default=None, allow_null=True, help_text="What moved the money."
    )
    plan = PreviewOut(source="moved", allow_null=True, help_text="What was moved; null if nothing was, or not yet.")

    def to_representation(self, instance: Outcome) -> dict[str, Any]:
        shown = super().to_representation(instance)
        return shown | {"ruling": shown["ruling"] or None}


class CaseOut(Out[ToldCase]):
    """A report of a no-show, a dispute, or a chargeback. The context has the reader's `sides` and the `booking_ref`."""

    ref = serializers.CharField(source="case.ref")
    booking_ref = serializers.SerializerMethodField()
    kind = serializers.ChoiceField(CASE_KIND)
    state = serializers.ChoiceField(CASE_STATE)
    opened_by = serializers.ChoiceField(PARTY, source="by")
    opened_at = serializers.DateTimeField(source="began_at")
    absent = serializers.ChoiceField(PARTY, allow_null=True, help_text="Who is said not to have come.")
    on_behalf_of = serializers.ChoiceField(PARTY, allow_null=True, help_text="Of a dispute.")
    title = serializers.CharField(help_text="For people.")
    sentence = serializers.CharField(help_text="How an open case stands, for people.")
    deadlines = DeadlineOut(many=True)
    statements = StatementOut(many=True)
    evidence = serializers.SerializerMethodField()
    outcome = OutcomeOut(allow_null=True)
    available_actions = CaseActionOut(many=True, source="actions")

    def get_booking_ref(self, told: ToldCase) -> str:
        return str(self.context["booking_ref"])

    def get_evidence(self, told: ToldCase) -> list[dict[str, Any]]:
        return [dict(EvidenceOut(shown.evidence).data) for shown in told.evidence]


class CasesOut(Out[ToldBooking]):
    """Everything that went wrong with a lesson, and what the reader may do about it now."""

    booking = BookingStateOut()
    cases = CaseOut(many=True)
    available_actions = CaseActionOut(many=True, source="actions")
