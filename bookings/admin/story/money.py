"""Where a booking's money is: what was agreed, and what each side has got. Cents."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from bookings.admin.story.records import Records
from instainstru.money import BASIS_POINTS
from payments.models import Payment
from payments.policy.accounts import Account


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """One row of a money table; a total is ruled off."""

    label: str
    cents: int
    note: str = ""
    is_total: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    title: str
    rows: tuple[Amount, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """The terms as they were frozen (P1.2), and what really happened to each side (P4.4)."""

    terms: Table
    sides: tuple[Table, ...]


def money_of(records: Records) -> Money:
    payment = records.booking.payment
    return Money(
        terms=_terms(payment),
        sides=(_card(payment), _credits(payment), _instructor(payment), _platform(records)),
    )


def _terms(payment: Payment) -> Table:
    terms = payment.terms
    return Table(
        title="Agreed",
        rows=(
            Amount(label="Lesson", cents=terms.lesson_price),
            Amount(label="Student's fee", cents=terms.student_fee, note=_percent(payment.student_fee_rate)),
            Amount(label="Credits used", cents=-terms.credits),
            Amount(label="Card pays", cents=terms.card_total, is_total=True),
            Amount(
                label="Instructor's fee",
                cents=terms.instructor_fee,
                note=f"{_percent(payment.instructor_fee_rate)}, {payment.get_tier_display()}",
            ),
            Amount(label="Instructor gets", cents=terms.payout, is_total=True),
            Amount(label="by the charge's own transfer", cents=terms.transfer),
            Amount(label="by a top-up", cents=terms.top_up),
        ),
    )


def _card(payment: Payment) -> Table:
    return Table(
        title="Student's card",
        rows=(
            Amount(label="Held now", cents=payment.authorized_cents),
            Amount(label="Charged", cents=payment.captured_cents),
            Amount(label="Refunded", cents=-payment.refunded_to_card_cents),
            Amount(label="Taken back by the bank", cents=-payment.charged_back_cents),
            Amount(
                label="Paid",
                cents=payment.captured_cents - payment.refunded_to_card_cents - payment.charged_back_cents,
                is_total=True,
            ),
            Amount(label="Still owes", cents=payment.owed_cents),
        ),
    )


def _credits(payment: Payment) -> Table:
    used = payment.credits_released_cents + payment.credits_consumed_cents + payment.credits_forfeited_cents
    return Table(
        title="Student's credits",
        rows=(
            Amount(label="Reserved now", cents=payment.credits_cents - used),
            Amount(label="Given back", cents=payment.credits_released_cents),
            Amount(label="Spent", cents=payment.credits_consumed_cents),
            Amount(label="Forfeited", cents=payment.credits_forfeited_cents),
            Amount(label="New credit", cents=payment.student_credit_cents, is_total=True),
        ),
    )


def _instructor(payment: Payment) -> Table:
    return Table(
        title="Instructor",
        rows=(
            Amount(label="By the charge", cents=payment.charge_transfer_cents),
            Amount(label="Taken back", cents=-payment.charge_transfer_reversed_cents),
            Amount(label="Paid apart", cents=payment.paid_cents),
            Amount(label="Has", cents=payment.instructor_payout_cents, is_total=True),
        ),
    )


def _platform(records: Records) -> Table:
    """From the books: what the platform earned and lost by this booking, and what it keeps for others."""
    booked: dict[str, int] = defaultdict(int)
    for entry in records.entries:
        for posting in entry.postings.all():
            booked[posting.account] += posting.amount_cents
    income, losses = -booked[Account.FEE_INCOME], booked[Account.LOSSES]
    fees = booked[Account.STRIPE_FEES] + booked[Account.DISPUTE_FEES]
    return Table(
        title="Platform",
        rows=(
            Amount(label="Fee income", cents=income),
            Amount(label="Stripe's fees", cents=-fees),
            Amount(label="Losses", cents=-losses),
            Amount(label="Earned", cents=income - fees - losses, is_total=True),
            Amount(label="Holds for the booking", cents=-booked[Account.HELD]),
        ),
    )


def _percent(basis_points: int) -> str:
    return f"{100 * basis_points / BASIS_POINTS:g} %"
