"""Staff refund a booking that is settled or stopped, in part or in full (P8.6)."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from django import forms

from bookings.admin.actions.booking import ByPlan, what_came_of
from bookings.models import Booking
from bookings.operations.subject import BookingSubject
from instainstru.admin.audit import AuditEntry
from instainstru.admin.confirmation import Choices, Done, Proposal
from instainstru.money import dollars
from payments import operations as payments
from payments.policy.plan import Plan
from payments.policy.states import Bearer, Call

BEARERS = [(Bearer.PLATFORM.value, "The platform"), (Bearer.INSTRUCTOR.value, "The instructor, in proportion")]


class RefundForm(forms.Form):
    """How much, and at whose cost."""

    amount = forms.DecimalField(
        label="Amount in dollars",
        required=False,
        min_value=0,
        max_digits=9,
        decimal_places=2,
        help_text="Empty: all that the card paid and was not refunded yet.",
    )
    bearer = forms.ChoiceField(label="Who bears it", choices=BEARERS)
    again = forms.BooleanField(
        label="Once more",
        required=False,
        help_text="The same amount asked twice is one refund. Choose this to refund it again on purpose, or to try "
        "again what Stripe refused.",
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        amount = cleaned.get("amount")
        return cleaned | {"cents": None if amount is None else int(amount * 100)}  # two places: nothing is cut off


class RefundCard(ByPlan):
    name = "refund"
    label = "Refund"
    explanation = "Give money back to the student's card. Credits stay as they are."
    choices = RefundForm
    usual = {"cents": None, "bearer": Bearer.PLATFORM, "again": True}

    def plan_for(self, booking: Booking, choices: Choices, *, now: datetime) -> Plan:
        return payments.preview_staff_refund(
            BookingSubject(booking), cents=choices["cents"], bearer=Bearer(choices["bearer"]), now=now
        )

    def verb_of(self, plan: Plan) -> str:
        return f"Refund {dollars(sum(step.amount for step in plan.steps if step.call == Call.REFUND))}"

    def propose(self, row: Booking, choices: Choices, *, now: datetime) -> Proposal:
        proposal = super().propose(row, choices, now=now)
        if choices["again"] or not _was_asked_before(row, choices["cents"]):
            return proposal
        return replace(
            proposal,
            verb="Keep it at one refund",
            movements=(),
            at_once=("Nothing: the same amount was refunded before, and asked twice it is one refund.",),
            later=(),
            warning="To refund this amount again on purpose, go back and choose “Once more”.",
        )

    def carry_out(self, row: Booking, choices: Choices, *, entry: AuditEntry, preview: str, now: datetime) -> Done:
        operation = payments.refund_by_staff(
            payment_id=row.payment_id,
            actor=entry.actor,
            cents=choices["cents"],
            bearer=Bearer(choices["bearer"]),
            reason=entry.reason,
            again=choices["again"],
            now=now,
            preview=preview,
            receipt=entry,
        )
        return what_came_of(operation)


def _was_asked_before(booking: Booking, cents: int | None) -> bool:
    return booking.payment.operations.filter(kind="staff_refund", inputs__staff__refund=cents).exists()
