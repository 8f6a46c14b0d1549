"""The money of a booking as one side sees it: what was agreed, and what has moved."""

from dataclasses import dataclass

from bookings.models import Booking
from payments.policy.states import Party


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """One row of a money table. Cents; `is_total` rows are ruled off."""

    label: str
    cents: int
    is_total: bool = False


def price_of(booking: Booking, *, side: Party) -> list[Amount]:
    """Return the terms as they were agreed (P1.2), as one side sees them."""
    payment, terms = booking.payment, booking.payment.terms
    lesson = Amount(label="Lesson", cents=terms.lesson_price)
    if side == Party.INSTRUCTOR:
        return [
            lesson,
            Amount(label=f"Our fee, {percent(payment.instructor_fee_rate)}", cents=-terms.instructor_fee),
            Amount(label="For you", cents=terms.payout, is_total=True),
        ]
    fee = Amount(label=f"Booking protection fee, {percent(payment.student_fee_rate)}", cents=terms.student_fee)
    used = [Amount(label="Credits", cents=-terms.credits)] if terms.credits else []
    return [lesson, fee, *used, Amount(label="Your card pays", cents=terms.card_total, is_total=True)]


def moved_money_of(booking: Booking, *, side: Party) -> list[Amount]:
    """Return what has really moved, or is held, so far (P4.4)."""
    payment = booking.payment
    if side == Party.INSTRUCTOR:
        moved = [("Paid to you", payment.instructor_payout_cents)]
    else:
        moved = [
            ("Held on your card", payment.authorized_cents),
            ("Charged to your card", payment.captured_cents),
            ("Refunded to your card", payment.refunded_to_card_cents),
            ("Credits used up", payment.credits_consumed_cents),
            ("Credits given back", payment.credits_released_cents),
            ("New credit", payment.student_credit_cents),
            ("Credits lost", payment.credits_forfeited_cents),
        ]
    return [Amount(label=label, cents=cents) for label, cents in moved if cents]


def percent(basis_points: int) -> str:
    """Write basis points as a percentage: 1250 is `12.5%`."""
    whole, hundredths = divmod(basis_points, 100)
    return f"{whole}.{hundredths:02d}".rstrip("0").rstrip(".") + "%"
