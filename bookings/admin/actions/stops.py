"""What staff do about a payment that a definite no has stopped: try again, or give up (P10.3)."""

from dataclasses import replace
from datetime import datetime

from bookings.admin.actions.booking import ByPlan, what_came_of, what_waits_behind
from bookings.admin.actions.plans import call_shown, line_shown
from bookings.models import Booking
from bookings.operations.subject import BookingSubject
from instainstru.admin.audit import AuditEntry
from instainstru.admin.confirmation import Choices, Done, Proposal
from instainstru.money import dollars
from payments import operations as payments
from payments.policy.accounts import Account
from payments.policy.plan import Plan, PlannedStep
from payments.policy.states import Call


class RetryStopped(ByPlan):
    name = "retry"
    label = "Try again"
    explanation = "Ask Stripe once more for what it refused, and go on from there."

    def plan_for(self, booking: Booking, choices: Choices, *, now: datetime) -> Plan:
        return payments.preview_retry(BookingSubject(booking))

    def verb_of(self, plan: Plan) -> str:
        return f"{call_shown(plan.steps[0]).what}: {dollars(plan.steps[0].amount)}" if plan.steps else "Go on"

    def describe(self, booking: Booking, plan: Plan) -> Proposal:
        return replace(super().describe(booking, plan), rule=f"P10.3, {plan.rule}")

    def carry_out(self, row: Booking, choices: Choices, *, entry: AuditEntry, preview: str, now: datetime) -> Done:
        operation = payments.retry_stuck(
            payment_id=row.payment_id, actor=entry.actor, now=now, preview=preview, receipt=entry
        )
        return what_came_of(payments.perform(operation))


class ResolveStopped(ByPlan):
    name = "resolve"
    label = "Give up"
    explanation = "Accept that what Stripe refused will not happen, and close it."

    def plan_for(self, booking: Booking, choices: Choices, *, now: datetime) -> Plan:
        return payments.preview_resolution(BookingSubject(booking))

    def verb_of(self, plan: Plan) -> str:
        lost = sum(line.amount for line in plan.ending.lines if line.account == Account.LOSSES)
        return f"Give up and lose {dollars(lost)}" if lost > 0 else "Give up"

    def describe(self, booking: Booking, plan: Plan) -> Proposal:
        freed = _what_is_freed(booking, plan)
        return replace(
            super().describe(booking, replace(plan, steps=freed)),
            movements=(*map(line_shown, plan.ending.lines), *map(call_shown, freed)),
            digest=plan.digest,
            later=what_waits_behind(booking) or ("Nothing tries again.",),
            warning="This can't be taken back: what Stripe refused, and whatever depended on it, is given up.",
        )

    def carry_out(self, row: Booking, choices: Choices, *, entry: AuditEntry, preview: str, now: datetime) -> Done:
        operation = payments.resolve_stuck(
            payment_id=row.payment_id, actor=entry.actor, note=entry.reason, now=now, preview=preview, receipt=entry
        )
        payments.perform(operation)  # frees the card, or carries out what has waited behind the stop
        return Done(sentence="Given up; the booking's story says what is missing.")


def _what_is_freed(booking: Booking, plan: Plan) -> tuple[PlannedStep, ...]:
    """The calls of the operation that goes on from giving up: the card is not left held (P10.3)."""
    hold = booking.payment.authorized_cents
    return (PlannedStep(call=Call.VOID, amount=hold),) if plan.ending.successor and hold else ()
