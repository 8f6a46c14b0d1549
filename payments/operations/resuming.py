"""Going on with an operation that was refused before: what of its plan is still to be done (P10.3)."""

from __future__ import annotations

from dataclasses import replace

from django.db.models import F

from payments import engine
from payments.models import Operation, Payment, Step
from payments.operations.facts import booked_for
from payments.policy.accounts import Account
from payments.policy.plan import Plan, PlannedStep
from payments.policy.staff import refund_lines
from payments.policy.states import REVERSED_WHOLE, Action, Call

ToDo = list[tuple[Step, PlannedStep]]


def still_to_do(operation: Operation, payment: Payment) -> tuple[ToDo, list[Step]]:
    """Return the undone steps, each with the call that is to be made now, and those of which nothing is left.

    Staff refunds and a chargeback may have moved some of it meanwhile (P8.6, section 11). A staff refund moves what was
    asked for, or is refused; a full one means all that is left, if anything is.
    """
    plan = Plan.from_json(operation.plan)
    to_do: ToDo = []
    done_by_others: list[Step] = []
    for step in _undone_steps(operation):
        call = plan.steps[step.ordinal - 1]
        if not _stays_as_asked(call, operation, payment):
            call = _what_is_left_of(call, plan.action, payment)
        if call.amount or call.call == Call.VOID:
            to_do.append((step, call))
        else:
            done_by_others.append(step)
    return to_do, done_by_others


def go_on_from_the_refusal(operation: Operation, payment: Payment) -> None:
    """Open an operation once more, and write the next attempt of each call that is still to be made.

    The payment is locked, and nothing is open on it.
    """
    to_do, done_by_others = still_to_do(operation, payment)
    plan = Plan.from_json(operation.plan)
    calls = list(plan.steps)
    for step, call in to_do:
        calls[step.ordinal - 1] = call
        step.call, step.amount_cents = call.call, call.amount
    operation.plan = _with_calls(plan, tuple(calls), payment).as_json()
    operation.state = Operation.State.OPEN
    operation.finished_at = operation.conclusion = None
    operation.save()
    Step.objects.filter(pk__in=[step.pk for step in done_by_others]).update(state=Step.State.SKIPPED)
    if to_do:
        engine.write_attempts(operation, payment, [step for step, _ in to_do])


def _stays_as_asked(call: PlannedStep, operation: Operation, payment: Payment) -> bool:
    if operation.kind != Action.STAFF_REFUND:
        return False
    means_all = call.call == Call.REFUND and operation.inputs["staff"]["refund"] is None
    return not (means_all and refundable(payment))


def refundable(payment: Payment) -> int:
    """Return what the card paid and neither we nor the bank have given back, as far as we know, in cents."""
    return payment.captured_cents - payment.refunded_to_card_cents - payment.charged_back_cents


def _with_calls(plan: Plan, calls: tuple[PlannedStep, ...], payment: Payment) -> Plan:
    """Return a plan with its calls as they are made now; what a staff refund books at its end goes by them."""
    refunded, planned = (
        sum(each.amount for each in steps if each.call == Call.REFUND) for steps in (calls, plan.steps)
    )
    if plan.action != Action.STAFF_REFUND or refunded == planned:
        return replace(plan, steps=calls)
    held = booked_for(payment).get(Account.HELD, 0)
    unearned = sum(line.amount for line in plan.ending.lines if line.account == Account.EARNINGS)
    lines = refund_lines(refunded, held_balance=held, unearned=unearned)
    return replace(plan, steps=calls, ending=replace(plan.ending, lines=lines))


def _what_is_left_of(call: PlannedStep, action: Action, payment: Payment) -> PlannedStep:
    """Return a call as it is to be made now, with nothing to move if others have moved it."""
    match call.call:
        case Call.REVERSE:
            left = payment.charge_transfer_cents - payment.charge_transfer_reversed_cents
            paid_again = None if left or action not in REVERSED_WHOLE else _paid_again(payment)
            return paid_again or replace(call, amount=min(call.amount, left))
        case Call.TAKE_BACK:
            transfer = payment.payout_transfers.get(transfer_id=call.of)
            return replace(call, amount=min(call.amount, transfer.amount_cents - transfer.reversed_cents))
        case Call.REFUND:
            return replace(call, amount=min(call.amount, refundable(payment)))
    return call


def _paid_again(payment: Payment) -> PlannedStep | None:
    """Take back what a chargeback had reversed, and was paid again once it was won: the reversal is still to come."""
    transfer = payment.payout_transfers.filter(reversed_cents__lt=F("amount_cents")).order_by("-id").first()
    if transfer is None:
        return None
    left = transfer.amount_cents - transfer.reversed_cents
    return PlannedStep(call=Call.TAKE_BACK, of=transfer.transfer_id, amount=left)


def _undone_steps(operation: Operation) -> list[Step]:
    last = {step.ordinal: step for step in operation.steps.order_by("ordinal", "attempt")}
    return [step for step in last.values() if step.state in (Step.State.REFUSED, Step.State.SKIPPED)]
