"""Staff report a no-show (P8.1) or open a dispute on behalf of a side (P8.4): the money freezes, and nothing moves."""

from __future__ import annotations

from abc import abstractmethod
from datetime import datetime
from typing import Any, ClassVar

from django import forms

from bookings.admin.actions.booking import OnABooking, standing_of
from bookings.models import Booking
from bookings.operations.subject import BookingSubject
from disputes.operations import open_dispute, report_no_show
from disputes.operations.lesson_disputes import EVIDENCE_TIME, RULING_TIME
from disputes.operations.subject import earlier_disputes, earlier_reports, lesson_of
from disputes.policy import ABSENT, CONTEST_TIME, require_disputable, require_reportable
from instainstru.admin.audit import AuditEntry
from instainstru.admin.confirmation import Choices, Done, Proposal, fingerprint
from instainstru.admin.rights import TAKE_IN_CASES
from instainstru.money import dollars
from instainstru.refusals import Refused
from instainstru.templatetags.times import in_zone
from payments.admin.words import CALLS, DIRECTIONS
from payments.operations import cases as money
from payments.policy.plan import Plan
from payments.policy.states import Action, Party
from payments.rules import rules_of_version

SIDES = {Party.STUDENT: "The student", Party.INSTRUCTOR: "The instructor"}
FROZEN = "The payment is frozen: a call that was sent finishes, nothing further is sent until the case ends."
REASON_IS_SHOWN = "The reason that you write is kept as what was reported; both sides can read it."


class AbsentForm(forms.Form):
    absent = forms.ChoiceField(choices=[(party.value, words) for party, words in SIDES.items()])


class BehalfForm(forms.Form):
    on_behalf_of = forms.ChoiceField(choices=[(party.value, words) for party, words in SIDES.items()])


class TakeIn(OnABooking):
    """Something that freezes a booking's money until it is ruled."""

    right = TAKE_IN_CASES
    rule: ClassVar[str]

    @abstractmethod
    def require_possible(self, subject: BookingSubject, choices: Choices, *, now: datetime) -> None:
        """Raise Refused if it can't be taken in now."""

    def shown(
        self,
        booking: Booking,
        choices: Choices,
        *,
        verb: str,
        told: tuple[str, str],
        would: tuple[str, ...],
        later: tuple[str, ...],
    ) -> Proposal:
        """Show it; `would` is what the case leads to if it stands, and goes stale, unlike the instants of `later`."""
        payment = booking.payment
        to_student, to_instructor = told
        return Proposal(
            verb=verb,
            rule=self.rule,
            digest=fingerprint(self.name, sorted(choices.items()), booking.status, payment.status, would),
            standing=standing_of(booking),
            movements=(),
            to_student=to_student,
            to_instructor=to_instructor,
            at_once=(FROZEN, REASON_IS_SHOWN),
            later=(*later, *would),
        )


class ReportNoShow(TakeIn):
    name = "report-no-show"
    label = "Report a no-show"
    explanation = "Write down that a side did not come. It can contest that for 24 hours; then staff rule."
    rule = "P8.1"
    choices = AbsentForm
    alternatives = {f"{words} was absent": {"absent": party.value} for party, words in SIDES.items()}

    def require_possible(self, subject: BookingSubject, choices: Choices, *, now: datetime) -> None:
        require_reportable(
            lesson_of(subject),
            now,
            by=Party.STAFF,
            absent=Party(choices["absent"]),
            earlier=earlier_reports(subject.booking),
            rules=rules_of_version(subject.payment.policy_version),
        )

    def propose(self, row: Booking, choices: Choices, *, now: datetime) -> Proposal:
        subject = BookingSubject(row)
        self.require_possible(subject, choices, now=now)
        absent = Party(choices["absent"])
        until = in_zone(now + CONTEST_TIME, "UTC")
        accused, other = "Our staff reported that you did not come; you can contest it.", "You hear how it ends."
        return self.shown(
            row,
            choices,
            verb=f"Report {SIDES[absent].lower()} absent",
            told=(accused, other) if absent == Party.STUDENT else (other, accused),
            would=_would(subject, Action.RULE_NO_SHOW, {"no_show": ABSENT[absent], "ends": []}, now=now),
            later=(f"{SIDES[absent]} can contest it until {until}; not contested, it is confirmed.",),
        )

    def carry_out(self, row: Booking, choices: Choices, *, entry: AuditEntry, preview: str, now: datetime) -> Done:
        report_no_show(
            booking=row,
            actor=entry.actor,
            by=Party.STAFF,
            absent=Party(choices["absent"]),
            statement=entry.reason,
            now=now,
            receipt=entry,
        )
        return Done(sentence="Reported. The money stands still until the report is confirmed or ruled.")


class OpenDispute(TakeIn):
    name = "open-dispute"
    label = "Open a dispute"
    explanation = "Open a dispute on behalf of a side. Both are asked for evidence; then staff rule."
    rule = "P8.4"
    choices = BehalfForm
    alternatives = {f"For {words.lower()}": {"on_behalf_of": party.value} for party, words in SIDES.items()}

    def require_possible(self, subject: BookingSubject, choices: Choices, *, now: datetime) -> None:
        require_disputable(
            lesson_of(subject),
            now,
            by=Party.STAFF,
            cancelled_at=subject.booking.cancelled_at,
            earlier=earlier_disputes(subject.booking),
            rules=rules_of_version(subject.payment.policy_version),
        )

    def propose(self, row: Booking, choices: Choices, *, now: datetime) -> Proposal:
        subject = BookingSubject(row)
        self.require_possible(subject, choices, now=now)
        side = Party(choices["on_behalf_of"])
        asked = f"Show what you have until {in_zone(now + EVIDENCE_TIME, 'UTC')}."
        opened = f"Our staff opened a dispute for {SIDES[side].lower()}. {asked}"
        mine = f"Our staff opened a dispute for you. {asked}"
        return self.shown(
            row,
            choices,
            verb=f"Open a dispute for {SIDES[side].lower()}",
            told=(mine, opened) if side == Party.STUDENT else (opened, mine),
            would=_would(subject, Action.RULE_DISPUTE, {"ends": []}, now=now),
            later=(
                f"Staff are to rule until {in_zone(now + RULING_TIME, 'UTC')}.",
                "Ruled for the instructor: the former state returns, and settlement goes on.",
            ),
        )

    def carry_out(self, row: Booking, choices: Choices, *, entry: AuditEntry, preview: str, now: datetime) -> Done:
        open_dispute(
            booking=row,
            actor=entry.actor,
            by=Party.STAFF,
            on_behalf_of=Party(choices["on_behalf_of"]),
            statement=entry.reason,
            now=now,
            receipt=entry,
        )
        return Done(sentence="Opened. The money stands still until staff rule.")


def _would(subject: BookingSubject, kind: Action, case: dict[str, Any], *, now: datetime) -> tuple[str, ...]:
    """Say in dollars what the case would lead to if it stands, as the money is now."""
    try:
        plan = money.preview_ruling(subject, kind, inputs={"case": case}, now=now)
    except Refused:
        return ()
    stands = "If it stands" if kind == Action.RULE_NO_SHOW else "Ruled for the student"
    return (f"{stands}: {_in_dollars(plan)}.",)


def _in_dollars(plan: Plan) -> str:
    if not plan.steps:
        return "no money moves"
    return "; ".join(
        f"{CALLS[step.call].lower()} {dollars(step.amount)}, {DIRECTIONS[step.call]}" for step in plan.steps
    )
