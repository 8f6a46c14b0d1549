"""A day after the lesson: charge the card, pay the instructor, consume the credits (P5.5, P6.4)."""

from datetime import datetime

from instainstru.money import dollars
from instainstru.refusals import Refused
from payments.policy.accounts import Line, earned_lines
from payments.policy.authorization import UNAUTHORIZED, authorization_steps
from payments.policy.facts import Facts
from payments.policy.plan import CreditMoves, Ending, Plan, PlannedStep
from payments.policy.rules import Rules
from payments.policy.states import Action, BookingStatus, Call, Outcome, PaymentStatus

TAKEN = frozenset({BookingStatus.CONFIRMED, BookingStatus.COMPLETED, BookingStatus.NO_SHOW})
CHARGEABLE = UNAUTHORIZED | {PaymentStatus.AUTHORIZED, PaymentStatus.LOCKED}
SAID = {  # to the student, to the instructor
    BookingStatus.COMPLETED: ("The lesson is completed.", "The lesson is completed."),
    BookingStatus.NO_SHOW: (
        "You did not come; the lesson counts as given.",
        "The student did not come; the lesson counts as given.",
    ),
}


def plan_settlement(facts: Facts, now: datetime, *, rules: Rules) -> Plan:
    """Decide what settling a lesson does: pay `P`, partly by the charge's own transfer, partly by a top-up (P5.5).

    Raises Refused("already_settled") if the payment can't be settled so.
    """
    if facts.booking_status not in TAKEN or facts.payment_status not in CHARGEABLE:
        raise Refused("already_settled")
    if facts.booking_status == BookingStatus.NO_SHOW:  # ruled, and its card refused until now (P8.3, P10.2)
        return plan_as_completed(
            Action.SETTLE, facts, booking=BookingStatus.NO_SHOW, outcome=Outcome.STUDENT_NO_SHOW, rules=rules
        )
    return plan_as_completed(
        Action.SETTLE, facts, booking=BookingStatus.COMPLETED, outcome=Outcome.LESSON_COMPLETED, rules=rules
    )


def plan_as_completed(
    action: Action, facts: Facts, *, booking: BookingStatus, outcome: Outcome, rules: Rules, rule: str = ""
) -> Plan:
    """Decide how a lesson's money goes where it belongs: the card is charged, if it was not, and `P` is paid.

    What an operation that was halted has moved already is not moved again.
    """
    terms = facts.terms
    to_student, to_instructor = SAID[booking]
    found, steps = _charge(facts)
    consumed = terms.credits - facts.credits_consumed
    transferred = sum(step.transfer for step in steps if step.call == Call.CAPTURE)
    return Plan(
        action=action,
        rule=rule or found,
        version=rules.version,
        booking_status_at_once=booking,
        steps=(*steps, *payout_steps(facts, terms.payout - transferred)),
        ending=Ending(
            payment_status=PaymentStatus.SETTLED,
            outcome=outcome,
            credits=CreditMoves(consumed=consumed),
            lines=_lines(facts, credits_used=consumed),
        ),
        to_student=f"{to_student} Your card {'is' if steps else 'was'} charged {dollars(terms.card_total)}.",
        to_instructor=f"{to_instructor} {dollars(terms.payout)} is paid to you.",
    )


def _lines(facts: Facts, *, credits_used: int) -> tuple[Line, ...]:
    terms, books = facts.terms, facts.books
    if books.earnings_balance:  # a settlement whose top-up was refused had given it: the rest is left (P10.3)
        earnings = terms.payout + books.earnings_balance
        return earned_lines(held=-books.held_balance, credits_used=credits_used, earnings=earnings)
    return earned_lines(
        # Of a LOCK's funds staff may have refunded some while it waited for them (P8.6).
        held=facts.held if facts.captured else terms.card_total,
        credits_used=credits_used,
        earnings=terms.payout,
        overpaid=max(0, facts.instructor_holds - terms.payout),
    )


def payout_steps(facts: Facts, payout: int) -> tuple[PlannedStep, ...]:
    """Return the transfer of a payout; what the instructor already holds for the booking counts towards it (P10.3)."""
    owed = payout - facts.instructor_holds
    return (PlannedStep(call=Call.PAY, amount=owed),) if owed > 0 else ()


def _charge(facts: Facts) -> tuple[str, tuple[PlannedStep, ...]]:
    """The rule, and the calls that bring the card's money in."""
    terms = facts.terms
    if facts.captured:
        return "P6.4", ()  # it is there already
    capture = PlannedStep(call=Call.CAPTURE, amount=terms.card_total, transfer=terms.transfer)
    if facts.hold:
        return "P5.5" if facts.payment_status == PaymentStatus.AUTHORIZED else "P10.2", (capture,)
    # Never tried, refused until now, or lapsed: hold the card first (P10.1, P10.2).
    return "P10.2", (*authorization_steps(facts, on_session=facts.student_is_there), capture)
