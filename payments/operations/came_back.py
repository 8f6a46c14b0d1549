"""A refund of ours that the bank sent back later: the money is owed again, and waits for staff (P10.3)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from payments.gateway.movements import Refund
from payments.ledger import journal
from payments.models import Operation, Payment, Step, StripeEvent
from payments.operations.instructors_cost import uncount_refund
from payments.policy.accounts import Account, Line
from payments.policy.plan import Ending, Plan, ending_as_json, ending_from_json
from payments.policy.states import Action, Fault, PaymentStatus, ReviewReason
from payments.readers import NotYet


def refund_came_back(payment: Payment, step: Step, refund: Refund, *, event: StripeEvent, now: datetime) -> None:
    """Take back what was booked of a refund, and stop the operation that made it as if Stripe had refused it.

    Staff retry it, with a key of its own, or give it up; what else the operation's end gave was given. The payment is
    locked, nothing is under way on it, and the caller saves it. Raises NotYet while another stop waits for staff.
    """
    operation = step.operation
    if payment.operations.stuck().exclude(pk=operation.pk).exists():
        raise NotYet("The payment is stopped for another reason; staff end that one first.")
    payment.refunded_to_card_cents -= refund.amount
    journal.write_for_payment(
        payment,
        (Line(Account.PLATFORM, refund.amount), Line(Account.HELD, -refund.amount)),
        cause=f"stripe:{refund.id}:failed",
        rule="P10.3",
        description="The refund came back from the bank",
        now=now,
        event=event,
        stripe_object_id=refund.came_back_by,
    )
    step.state, step.fault = Step.State.REFUSED, Fault.OTHER
    step.error_code, step.error_message = refund.failure or "refund_failed", "The bank sent the refund back."
    step.save()
    operation.state, operation.gave = Operation.State.STUCK, True
    operation.conclusion = ending_as_json(
        Ending(payment_status=PaymentStatus.MANUAL_REVIEW, review_reason=ReviewReason.REFUND_REFUSED)
    )
    if operation.kind == Action.STAFF_REFUND:
        uncount_refund(payment, operation)
        payment.settlement_outcome = _outcome_without(operation)
        _end_where_it_stands_now(payment, operation)
    operation.save()
    _stop(payment, step, now=now)


def _stop(payment: Payment, step: Step, *, now: datetime) -> None:
    if payment.status != PaymentStatus.MANUAL_REVIEW:
        payment.former_status = payment.status
        payment.review_since = now
    payment.status = PaymentStatus.MANUAL_REVIEW
    payment.review_reason = ReviewReason.REFUND_REFUSED
    payment.review_error = f"{step.error_code}: {step.error_message}"


def _end_where_it_stands_now(payment: Payment, operation: Operation) -> None:
    """Let a staff refund lead back to how the payment stands now: a stop that it was made in may have ended since."""
    plan = Plan.from_json(operation.plan)
    status = None if payment.status == PaymentStatus.MANUAL_REVIEW else PaymentStatus(payment.status)
    operation.plan = replace(plan, ending=replace(plan.ending, payment_status=status)).as_json()


def _outcome_without(operation: Operation) -> str:
    """The outcome that another operation had given the payment last, or none."""
    for other in operation.payment.operations.exclude(pk=operation.pk).order_by("-finished_at", "-number"):
        outcome = ending_from_json(other.conclusion).outcome if other.conclusion else None
        if outcome is not None:
            return outcome
    return ""
