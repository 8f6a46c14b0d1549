"""Taking back what a payment has moved, and closing its accounts as if it had not (P8.3, P8.4, P8.7)."""

from payments.policy.accounts import Account, Line, balanced
from payments.policy.facts import Facts
from payments.policy.plan import PlannedStep
from payments.policy.states import Call


def take_back_steps(facts: Facts, amount: int) -> tuple[PlannedStep, ...]:
    """Return the reversals that take an amount from the instructor, explicit transfers (the top-up) first."""
    steps: list[PlannedStep] = []
    for transfer in facts.books.transfers:
        taken = min(transfer.left, amount)
        if taken:
            steps.append(PlannedStep(call=Call.TAKE_BACK, amount=taken, of=transfer.id))
            amount -= taken
    if amount:
        steps.append(PlannedStep(call=Call.REVERSE, amount=amount))
    return tuple(steps)


def no_longer_earned(taken: int, *, earnings_balance: int, reversal_waits: bool) -> int:
    """Return what of an amount taken from the instructor they had earned, in cents.

    While the reversal of all of it waits for staff, what is taken is part of that, and nothing of it was (P10.3).
    """
    return 0 if reversal_waits else min(taken, max(0, -earnings_balance))


def refund_steps(amount: int) -> tuple[PlannedStep, ...]:
    return (PlannedStep(call=Call.REFUND, amount=amount),) if amount else ()


def undone_lines(facts: Facts, *, refunded: int, issued: int) -> tuple[Line, ...]:
    """Undo what was booked for the payment: no earnings, no debt, nothing held; what was kept is fee income."""
    held = -(facts.books.held_balance + refunded)
    earnings = -facts.books.earnings_balance
    return balanced(
        Line(Account.HELD, held),
        Line(Account.EARNINGS, earnings),
        Line(Account.RECEIVABLE, -facts.owed),
        Line(Account.CREDITS, -issued),
        Line(Account.FEE_INCOME, facts.owed + issued - held - earnings),
    )
