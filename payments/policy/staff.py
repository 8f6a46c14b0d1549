"""What staff may do with a booking's money beside rulings: refund it (P8.6), or cancel the booking (P8.7)."""

from datetime import datetime

from instainstru.money import dollars, share
from instainstru.refusals import Refused
from payments.policy.accounts import Account, Line, balanced
from payments.policy.authorization import void_steps
from payments.policy.facts import Facts
from payments.policy.plan import CreditMoves, Ending, Plan, PlannedStep
from payments.policy.rules import Rules
from payments.policy.states import (
    STOPS,
    Action,
    Bearer,
    BookingStatus,
    Call,
    Outcome,
    PaymentStatus,
    ReviewReason,
)
from payments.policy.undoing import no_longer_earned, refund_steps, take_back_steps, undone_lines

WITHOUT_A_CASE = STOPS | {ReviewReason.COLLECTION_FAILED, ReviewReason.CHANGED_AT_STRIPE}


def plan_staff_refund(facts: Facts, now: datetime, *, rules: Rules) -> Plan:
    """Decide what a staff refund does: back to the card, borne by the platform or the instructor (P8.6).

    Raises Refused: "under_review" while a case is open, "cancel_instead" before the payment is settled or stopped,
    "nothing_captured", "refund_exceeds_captured".
    """
    _require_no_case(facts)
    if facts.payment_status not in (PaymentStatus.SETTLED, PaymentStatus.MANUAL_REVIEW):
        raise Refused("cancel_instead")
    if not facts.captured:
        raise Refused("nothing_captured")
    amount = facts.held if facts.wish.refund is None else facts.wish.refund
    if not 0 < amount <= facts.held:
        raise Refused("refund_exceeds_captured", refundable_cents=facts.held)
    taken_back = _instructors_share(facts, amount)
    unearned = no_longer_earned(
        taken_back, earnings_balance=facts.books.earnings_balance, reversal_waits=facts.books.reversal_waits
    )
    return Plan(
        action=Action.STAFF_REFUND,
        rule="P8.6",
        version=rules.version,
        steps=(*take_back_steps(facts, taken_back), PlannedStep(call=Call.REFUND, amount=amount)),
        ending=Ending(
            payment_status=PaymentStatus.SETTLED if facts.payment_status == PaymentStatus.SETTLED else None,
            outcome=Outcome.STAFF_REFUND,
            lines=refund_lines(amount, held_balance=facts.books.held_balance, unearned=unearned),
        ),
        to_student=f"{dollars(amount)} goes back to your card.",
        to_instructor=(
            f"The student gets {dollars(amount)} back. {dollars(taken_back)} of your pay is taken back for it."
            if taken_back
            else "The student gets a refund. Nothing changes for you."
        ),
    )


def refund_lines(amount: int, *, held_balance: int, unearned: int) -> tuple[Line, ...]:
    """Return what a staff refund of an amount books at its end.

    What a stop left held for the payment goes first; what is beyond it is lost, but for what was earned and is back.
    """
    beyond = max(0, amount + min(0, held_balance))
    return balanced(
        Line(Account.HELD, -beyond), Line(Account.EARNINGS, unearned), Line(Account.LOSSES, beyond - unearned)
    )


def repeated_refund_lines(facts: Facts) -> tuple[Line, ...]:
    """Return what is lost when a refund that had come back goes out again: others may have used what was held."""
    missing = max(0, facts.books.held_balance)
    return balanced(Line(Account.HELD, -missing), Line(Account.LOSSES, missing))


def plan_staff_cancellation(facts: Facts, now: datetime, *, rules: Rules) -> Plan:
    """Decide what staff's cancelling does, with or without refund, at any time before settlement (P8.7).

    Raises Refused: "under_review" while a case is open, "already_settled", "already_completed" for what is cancelled.
    """
    if facts.payment_status == PaymentStatus.SETTLED:
        raise Refused("already_settled")
    _require_no_case(facts)
    if facts.booking_status == BookingStatus.CANCELLED:
        raise Refused("already_completed")
    refunded = facts.held if facts.wish.with_refund else 0
    # What was consumed comes back as a new credit; what is still reserved is released.
    reserved = facts.terms.credits - facts.credits_consumed - facts.credits_released
    credits = CreditMoves(released=reserved, issued=facts.credits_consumed)
    return Plan(
        action=Action.STAFF_CANCEL,
        rule="P8.7",
        version=rules.version,
        booking_status_at_once=BookingStatus.CANCELLED,
        steps=(*take_back_steps(facts, facts.instructor_holds), *void_steps(facts), *refund_steps(refunded)),
        ending=Ending(
            payment_status=PaymentStatus.SETTLED,
            outcome=Outcome.STAFF_REFUND if facts.wish.with_refund else Outcome.STAFF_NO_REFUND,
            credits=credits,
            lines=undone_lines(facts, refunded=refunded, issued=credits.issued),
        ),
        to_student="Our staff cancelled. "
        + (f"{dollars(refunded)} goes back to your card." if refunded else "Nothing more is charged to your card.")
        + (f" {dollars(facts.terms.credits)} goes back to your credits." if facts.terms.credits else ""),
        to_instructor="Our staff cancelled the lesson. You are not paid.",
    )


def _require_no_case(facts: Facts) -> None:
    if facts.payment_status == PaymentStatus.MANUAL_REVIEW and facts.review_reason not in WITHOUT_A_CASE:
        raise Refused("under_review")


def _instructors_share(facts: Facts, amount: int) -> int:
    """What is taken from the instructor for this refund, less what earlier ones took back (P8.6)."""
    books = facts.books
    if facts.wish.bearer != Bearer.INSTRUCTOR:
        return 0
    paid = facts.instructor_holds + books.taken_back
    at_their_cost = books.refunded_at_instructors_cost + amount
    due = share(paid, numerator=at_their_cost, denominator=facts.terms.card_total)
    return min(facts.instructor_holds, max(0, due - books.taken_back))
