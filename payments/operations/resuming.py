"""Going on with an operation that was refused before: what of its plan is still to be done (P10.3)."""

from __future__ import annotations

from payments import engine
from payments.models import Operation, Payment, Step
from payments.policy.states import Action, Call


def still_to_do(operation: Operation, payment: Payment) -> tuple[list[Step], list[Step]]:
    """Return the undone steps, with the amounts that are left of them, and those of which nothing is left.

    Staff refunds and a chargeback may have moved some of it meanwhile (P8.6, section 11). A staff refund itself stays
    as it was asked for, or is refused again.
    """
    to_do: list[Step] = []
    done_by_others: list[Step] = []
    for step in _undone_steps(operation):
        left = None if operation.kind == Action.STAFF_REFUND else _left_for(step, operation, payment)
        if left is not None:
            step.amount_cents = min(step.amount_cents, left)
        (done_by_others if left == 0 else to_do).append(step)
    return to_do, done_by_others


def _left_for(step: Step, operation: Operation, payment: Payment) -> int | None:
    """Return how much a call could move at most, or None where that is not for what is left to say."""
    match step.call:
        case Call.REVERSE:
            return payment.charge_transfer_cents - payment.charge_transfer_reversed_cents
        case Call.TAKE_BACK:
            planned = operation.plan["steps"][step.ordinal - 1]
            transfer = payment.payout_transfers.get(transfer_id=planned["of"])
            return transfer.amount_cents - transfer.reversed_cents
        case Call.REFUND:
            return payment.captured_cents - payment.refunded_to_card_cents - payment.charged_back_cents
    return None


def go_on_from_the_refusal(operation: Operation, payment: Payment) -> None:
    """Open an operation once more, and write the next attempt of each call that is still to be made.

    The payment is locked, and nothing is open on it.
    """
    operation.state = Operation.State.OPEN
    operation.finished_at = operation.conclusion = None
    operation.save()
    to_do, done_by_others = still_to_do(operation, payment)
    Step.objects.filter(pk__in=[step.pk for step in done_by_others]).update(state=Step.State.SKIPPED)
    if to_do:
        engine.write_attempts(operation, payment, to_do)


def _undone_steps(operation: Operation) -> list[Step]:
    last = {step.ordinal: step for step in operation.steps.order_by("ordinal", "attempt")}
    return [step for step in last.values() if step.state in (Step.State.REFUSED, Step.State.SKIPPED)]
