"""The ledger's accounts, and the lines that a plan books without Stripe (design 5)."""

from dataclasses import dataclass
from enum import StrEnum


class Account(StrEnum):
    PLATFORM = "platform_balance"  # asset: our Stripe balance
    CONNECTED = "connected_balance"  # asset: each instructor's Stripe balance
    IN_DISPUTE = "card_in_dispute"  # asset
    RECEIVABLE = "student_receivable"  # asset, each student's
    HELD = "funds_held"  # liability, each payment's
    EARNINGS = "instructor_earnings"  # liability, each instructor's
    CREDITS = "student_credits"  # liability, each student's
    FUNDING = "platform_funding"  # top-ups less our own payouts
    FEE_INCOME = "fee_income"
    BREAKAGE = "credit_breakage"
    STRIPE_FEES = "stripe_fees"
    DISPUTE_FEES = "dispute_fees"
    LOSSES = "losses_and_goodwill"


@dataclass(frozen=True, slots=True)
class Line:
    """One posting to be: debit positive, credit negative, in cents."""

    account: Account
    amount: int


def earned_lines(
    *,
    held: int = 0,
    owed: int = 0,
    credits_used: int = 0,
    credits_issued: int = 0,
    earnings: int = 0,
    overpaid: int = 0,
) -> tuple[Line, ...]:
    """Return the lines that end a payment: funds held and credits used become earnings, new credits and fee income.

    `credits_used` are those consumed or forfeited; `owed` is what the student still has to pay (P10.2). What nobody
    else gets is the platform's fee income. `overpaid` is what the instructor holds beyond the earnings because a
    reversal was given up: a loss (P10.3).
    """
    wallet = credits_used - credits_issued
    return balanced(
        Line(Account.HELD, held),
        Line(Account.RECEIVABLE, owed),
        Line(Account.CREDITS, wallet),
        Line(Account.EARNINGS, -earnings - overpaid),
        Line(Account.LOSSES, overpaid),
        Line(Account.FEE_INCOME, earnings - held - owed - wallet),
    )


def balanced(*lines: Line) -> tuple[Line, ...]:
    """Return the lines that move something. Raises ValueError if they do not sum to zero."""
    if sum(line.amount for line in lines):
        raise ValueError(f"These lines do not balance: {lines}")
    return tuple(line for line in lines if line.amount)
