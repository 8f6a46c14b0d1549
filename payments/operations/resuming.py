"""Going on with an operation that was refused before: what of its plan is still to be done (P10.3)."""

from __future__ import annotations

from payments import engine
from payments.models import Operation, Payment, Step
from payments.policy.states import REVERSED_WHOLE, Call


def still_to_do(operation: Operation, payment: Payment) -> tuple[list[Step], list[Step]]:
    """Return the undone steps, with the amounts that are left of them, and those of which nothing is left.

    Of a transfer that a LOCK or a cancellation is to reverse, a staff refund may have taken some meanwhile (P8.6).
    """
    to_do: list[Step] = []
    done_by_others: list[Step] = []
    left = payment.charge_transfer_cents - payment.charge_transfer_reversed_cents
    for step in _undone_steps(operation):
        if step.call == Call.REVERSE and operation.kind in REVERSED_WHOLE:
            step.amount_cents = min(step.amount_cents, left)
        nothing_left = step.call == Call.REVERSE and not step.amount_cents
        (done_by_others if nothing_left else to_do).append(step)
    return to_do, done_by_others


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
