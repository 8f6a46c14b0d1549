"""Staff rule on a no-show (P8.3) or on a dispute (P8.4): every ruling stands with its plan beside the others."""

from __future__ import annotations

from abc import abstractmethod
from datetime import datetime
from typing import Any, ClassVar

from django import forms

from bookings.admin.actions.booking import OnABooking, proposal_of, standing_of, what_came_of, what_waits_behind
from bookings.admin.actions.plans import call_shown
from bookings.admin.words import in_short
from bookings.models import Booking
from bookings.operations.subject import BookingSubject
from disputes.admin.words import DISPUTE_RULINGS, NO_SHOW_RULINGS
from disputes.operations import preview_dispute_ruling, preview_no_show_ruling, rule_dispute, rule_no_show
from instainstru.admin.audit import AuditEntry
from instainstru.admin.confirmation import Choices, Done, Proposal, fingerprint
from instainstru.admin.rights import RULE_CASES
from instainstru.money import dollars
from instainstru.refusals import Refused
from instainstru.templatetags.times import in_zone
from payments.models import Operation
from payments.operations import cases as money
from payments.policy.plan import Plan
from payments.policy.states import Call, DisputeRuling, NoShowRuling
from payments.policy.windows import settlement_due_at
from payments.rules import rules_of_version

GOES_ON = {  # of a ruling that moves nothing itself: to the student, to the instructor
    NoShowRuling.UNFOUNDED: ("The report of a no-show was found to be unfounded.",) * 2,
    DisputeRuling.INSTRUCTOR_WINS: (
        "The dispute was decided for the instructor.",
        "The dispute was decided for you.",
    ),
}


class NoShowForm(forms.Form):
    ruling = forms.ChoiceField(choices=[(ruling.value, words) for ruling, words in NO_SHOW_RULINGS.items()])


class DisputeForm(forms.Form):
    ruling = forms.ChoiceField(choices=[(ruling.value, words) for ruling, words in DISPUTE_RULINGS.items()])


class Ruling(OnABooking):
    """A ruling carries a plan out, or ends the case and lets the money go on as before."""

    right = RULE_CASES
    rule: ClassVar[str]

    @abstractmethod
    def plan_for(self, subject: BookingSubject, choices: Choices, *, now: datetime) -> Plan | None:
        """Return what the ruling does itself, if anything. Raises Refused."""

    @abstractmethod
    def found(self, choices: Choices) -> str:
        """Say the ruling in words."""

    @abstractmethod
    def rule_so(self, booking: Booking, choices: Choices, **how: Any) -> Operation | None:
        """Rule, and return the operation that carries it out, if there is one."""

    def propose(self, row: Booking, choices: Choices, *, now: datetime) -> Proposal:
        subject = BookingSubject(row)
        plan = self.plan_for(subject, choices, now=now)
        if plan is None:
            return self._going_on(row, subject, choices, now=now)
        moved = [(step.call, step.amount) for step in plan.steps]
        back = sum(amount for call, amount in moved if call in (Call.REFUND, Call.VOID))
        charged = sum(amount for call, amount in moved if call == Call.CAPTURE)
        in_dollars = f", {dollars(charged)} charged" if charged else f", {dollars(back)} back" if back else ""
        return proposal_of(plan, row, verb=f"Rule: {in_short(self.found(choices)).lower()}{in_dollars}")

    def carry_out(self, row: Booking, choices: Choices, *, entry: AuditEntry, preview: str, now: datetime) -> Done:
        operation = self.rule_so(
            row, choices, actor=entry.actor, reason=entry.reason, now=now, preview=preview, receipt=entry
        )
        if operation is None:
            return Done(sentence="Ruled. The money goes on as before; the story tells how.")
        operation.refresh_from_db()
        return what_came_of(operation)

    def _going_on(self, booking: Booking, subject: BookingSubject, choices: Choices, *, now: datetime) -> Proposal:
        """Say what goes on when the case ends without moving anything itself."""
        payment = booking.payment
        to_student, to_instructor = GOES_ON[choices["ruling"]]
        others = payment.freezes.in_force().exclude(reason=payment.review_reason).exists()
        settlement = None if others else _settlement(subject, now=now)
        at_once = ["The case ends."]
        if others:
            at_once.append("Another case is still open, so the money stays where it is.")
        else:
            at_once.append(f"The payment is {in_short(payment.kept_status)} again.")
        if settlement is not None:
            at_once.append("Settlement is due already and begins at once.")
            to_student, to_instructor = (
                f"{to_student} {settlement.to_student}",
                f"{to_instructor} {settlement.to_instructor}",
            )
        return Proposal(
            verb=f"Rule: {self.found(choices).lower()}",
            rule=self.rule,
            digest=fingerprint(
                choices["ruling"], payment.kept_status, others, settlement.digest if settlement else None
            ),
            standing=standing_of(booking),
            movements=tuple(map(call_shown, settlement.steps)) if settlement else (),
            to_student=to_student,
            to_instructor=to_instructor,
            at_once=tuple(at_once),
            later=(*_later(booking, now=now), *what_waits_behind(booking)) if settlement is None else (),
        )


class RuleNoShow(Ruling):
    name = "rule-no-show"
    label = "Rule on the no-show"
    explanation = "Decide who was absent. If both sides reported, both reports are decided by it."
    rule = "P8.3"
    choices = NoShowForm
    alternatives = {words: {"ruling": ruling.value} for ruling, words in NO_SHOW_RULINGS.items()}

    def plan_for(self, subject: BookingSubject, choices: Choices, *, now: datetime) -> Plan | None:
        return preview_no_show_ruling(subject, NoShowRuling(choices["ruling"]), now=now)

    def found(self, choices: Choices) -> str:
        return NO_SHOW_RULINGS[NoShowRuling(choices["ruling"])]

    def rule_so(self, booking: Booking, choices: Choices, **how: Any) -> Operation | None:
        return rule_no_show(booking=booking, ruling=NoShowRuling(choices["ruling"]), **how)


class RuleDispute(Ruling):
    name = "rule-dispute"
    label = "Rule on the dispute"
    explanation = "Decide for the student, and everything goes back; or for the instructor, and everything goes on."
    rule = "P8.4"
    choices = DisputeForm
    alternatives = {words: {"ruling": ruling.value} for ruling, words in DISPUTE_RULINGS.items()}

    def plan_for(self, subject: BookingSubject, choices: Choices, *, now: datetime) -> Plan | None:
        return preview_dispute_ruling(subject, DisputeRuling(choices["ruling"]), now=now)

    def found(self, choices: Choices) -> str:
        return DISPUTE_RULINGS[DisputeRuling(choices["ruling"])]

    def rule_so(self, booking: Booking, choices: Choices, **how: Any) -> Operation | None:
        return rule_dispute(booking=booking, ruling=DisputeRuling(choices["ruling"]), **how)


def _settlement(subject: BookingSubject, *, now: datetime) -> Plan | None:
    """What settles at once when the case ends, unless something that was accepted before goes first."""
    before = subject.payment.operations.filter(state__in=[Operation.State.HALTED, Operation.State.WAITING])
    if before.exists():
        return None
    try:
        return money.preview_going_on(subject, now=now)
    except Refused:
        return None


def _later(booking: Booking, *, now: datetime) -> tuple[str, ...]:
    payment = booking.payment
    if payment.operations.halted().exists():
        return ("What the case has halted goes on, decided anew.",)
    due_at = settlement_due_at(booking.ends_at, rules=rules_of_version(payment.policy_version))
    return (f"Settlement follows at {in_zone(due_at, 'UTC')}.",) if due_at > now else ()
