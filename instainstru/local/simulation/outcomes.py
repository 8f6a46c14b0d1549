"""What each outcome means in cents, reckoned once more from the policy's tables alone (sections 1, 4 and 7).

Nothing of the product decides here: the terms are taken from the booking, the rest is what the policy says of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from instainstru.local.simulation.looks import Look
from payments.models import Operation, Payment
from payments.policy.states import Action, Outcome, PaymentStatus

# What moves money after an outcome, or instead of it; then more than the outcome decides.
DECIDE_TOO = {
    Action.STAFF_REFUND,
    Action.STAFF_CANCEL,
    Action.RULE_DISPUTE,
    Action.ANSWER_CHARGEBACK,
    Action.WIN_CHARGEBACK,
    Action.LOSE_CHARGEBACK,
}


@dataclass(frozen=True, slots=True)
class End:
    """Where a booking's money is at the end. Cents."""

    card: int  # captured less refunded
    instructor: int
    issued: int = 0
    released: int = 0
    consumed: int = 0
    forfeited: int = 0


def end_as_the_policy_says(now: Look) -> Iterator[str]:
    """What is settled and was decided by one outcome alone ended as the policy's tables say."""
    busy = {
        payment
        for payment, kind, state in now.operations.values()
        if kind in DECIDE_TOO or state != Operation.State.DONE
    }
    settled_once = {payment for payment, kind, _ in now.operations.values() if kind == Action.SETTLE}
    for payment in now.payments.values():
        if off := _terms_off(payment):
            yield f"terms are reckoned right: {payment.reference} {off}"
        touched = payment.pk in busy | now.given_up or now.changes_at_stripe[payment.pk]
        if payment.status != PaymentStatus.SETTLED or touched or payment.reference in now.untold:
            continue
        was_consumed = payment.pk in settled_once and payment.credits_consumed_cents > 0
        said, is_so = _end(payment, was_consumed=was_consumed), _is(payment)
        if said is not None and said != is_so:
            yield f"it ends as the policy says: {payment.reference} {payment.settlement_outcome} {is_so}, not {said}"


def _terms_off(payment: Payment) -> str:
    """Return which term is not what its formula makes it, if any (P1.1)."""
    price = payment.lesson_price_cents
    fees = {
        "student_fee": (payment.student_fee_cents, _share(price, payment.student_fee_rate)),
        "instructor_fee": (payment.instructor_fee_cents, _share(price, payment.instructor_fee_rate)),
    }
    return ", ".join(
        f"{name} {stored}, not {reckoned}" for name, (stored, reckoned) in fees.items() if stored != reckoned
    )


def _end(payment: Payment, *, was_consumed: bool) -> End | None:
    """Return the end that an outcome means; `was_consumed` tells that a settlement had taken the credits before."""
    price, credits = payment.lesson_price_cents, payment.credits_cents
    card = price - credits + payment.student_fee_cents  # PI
    payout = price - payment.instructor_fee_cents  # P
    match Outcome(payment.settlement_outcome):
        case Outcome.LESSON_COMPLETED | Outcome.STUDENT_NO_SHOW | Outcome.INSTRUCTOR_ADVANCED:
            return End(card=card, instructor=payout, consumed=credits)
        case Outcome.STUDENT_MIDDLE | Outcome.LOCKED_EARLY_ENOUGH:
            return _with_credits(card, 0, target=price, credits=credits)
        case Outcome.STUDENT_LATE | Outcome.LOCKED_LATE:
            return _with_credits(card, _half(payout), target=_half(price), credits=credits)
        case Outcome.INSTRUCTOR_NO_SHOW | Outcome.MUTUAL_NO_SHOW if was_consumed:  # reported while it was captured
            return End(card=0, instructor=0, issued=credits, consumed=credits)
        case (
            Outcome.STUDENT_EARLY
            | Outcome.INSTRUCTOR_CANCELLED
            | Outcome.INSTRUCTOR_NO_SHOW
            | Outcome.MUTUAL_NO_SHOW
            | Outcome.NEVER_PAID
        ):
            return _with_credits(0, 0, target=credits, credits=credits)
        case _:
            return None  # the sum depends on more than the terms


def _with_credits(card: int, instructor: int, *, target: int, credits: int) -> End:
    """`T` of section 7: released up to it, issued what is missing, forfeited what is beyond."""
    return End(
        card=card,
        instructor=instructor,
        issued=max(0, target - credits),
        released=min(credits, target),
        forfeited=max(0, credits - target),
    )


def _is(payment: Payment) -> End:
    return End(
        card=payment.captured_cents - payment.refunded_to_card_cents,
        instructor=payment.instructor_payout_cents,
        issued=payment.student_credit_cents,
        released=payment.credits_released_cents,
        consumed=payment.credits_consumed_cents,
        forfeited=payment.credits_forfeited_cents,
    )


def _share(cents: int, basis_points: int) -> int:
    return (2 * cents * basis_points + 10_000) // 20_000  # half up


def _half(cents: int) -> int:
    return (cents + 1) // 2  # half up
