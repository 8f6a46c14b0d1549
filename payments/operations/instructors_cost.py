"""What staff refunds cost an instructor: what was refunded, what was taken for it, and how long that counts (P8.6).

While the reversal for a LOCK or a cancellation waits for staff, the charge's transfer counts as paid to the instructor,
and a refund at their cost takes its share of it. Once the reversal is made that transfer was never theirs, and what a
refund took of it is no longer held in their favour: not if it is retried, given up, or sent back by the bank either.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from payments.models import Operation, Payment, Step
from payments.policy.plan import Plan
from payments.policy.states import Action, Bearer, Call

TAKES = (Call.TAKE_BACK, Call.REVERSE)
COUNTS_NO_MORE = "took_what_was_never_paid"  # in a staff refund's inputs


def count_refund(payment: Payment, refund: Operation) -> None:
    """Count a staff refund that was carried out: later ones at the instructor's cost are reckoned from it."""
    refunded, taken = _cost_of(refund)
    payment.refunded_at_instructors_cost_cents += refunded
    payment.taken_back_cents += taken


def uncount_refund(payment: Payment, refund: Operation) -> None:
    """Let a staff refund that the bank sent back count as not done until it is retried."""
    refunded, taken = _cost_of(refund)
    payment.refunded_at_instructors_cost_cents -= refunded
    payment.taken_back_cents -= taken


def taken_so_far(refund: Operation) -> int:
    """Return what a staff refund's calls have taken from the instructor, in cents, as far as it counts."""
    return taken_by(refund.steps.filter(call__in=TAKES))


def taken_by(steps: Iterable[Step]) -> int:
    """Return what those of some steps have taken, in cents, that are a staff refund's, as far as it counts."""
    return sum(
        step.amount_cents
        for step in steps
        if step.operation.kind == Action.STAFF_REFUND
        and step.state == Step.State.SUCCEEDED
        and COUNTS_NO_MORE not in step.operation.inputs
    )


def count_no_more(payment: Payment) -> None:
    """Let nothing that refunds have taken so far count any more: the transfer that it was taken of was never paid."""
    payment.taken_back_cents = 0
    for refund in payment.operations.filter(kind=Action.STAFF_REFUND):
        refund.inputs[COUNTS_NO_MORE] = True
        refund.save(update_fields=["inputs"])


def _cost_of(refund: Operation) -> tuple[int, int]:
    """Return what a staff refund gives to the card at the instructor's cost, and what it takes for that, as planned."""
    if refund.inputs["staff"]["bearer"] != Bearer.INSTRUCTOR:
        return 0, 0
    taken = 0 if COUNTS_NO_MORE in refund.inputs else _planned(refund, TAKES)
    return _planned(refund, [Call.REFUND]), taken


def _planned(refund: Operation, calls: Collection[Call]) -> int:
    return sum(step.amount for step in Plan.from_json(refund.plan).steps if step.call in calls)
