"""A day after the lesson: charge the card, pay the instructor, consume the credits (P5.5, P6.4)."""

from datetime import datetime

from instainstru.money import dollars
from instainstru.refusals import Refused
from payments.policy.accounts import earned_lines
from payments.policy.authorization import UNAUTHORIZED, authorization_steps
from payments.policy.facts import Facts
from payments.policy.plan import CreditMoves, Ending, Plan, PlannedStep
from payments.policy.rules import Rules
from payments.policy.states import Action, BookingStatus, Call, Outcome, PaymentStatus


def plan_settlement(facts: Facts, now: datetime, *, rules: Rules) -> Plan:
    """Decide what settling a lesson does: pay `P`, partly by the charge's own transfer, partly by a top-up (P5.5).

    Raises Refused("already_settled") if the payment can't be settled so.
    """
    if facts.booking_status not in (BookingStatus.CONFIRMED, BookingStatus.COMPLETED):
        raise Refused("already_settled")
    terms = facts.terms
    rule, steps = _charge(facts)
    transferred = sum(step.transfer for step in steps if step.call == Call.CAPTURE)
    return Plan(
        action=Action.SETTLE,
        rule=rule,
        version=rules.version,
        booking_status_at_once=BookingStatus.COMPLETED,
        steps=(*steps, *payout_steps(facts, terms.payout - transferred)),
        ending=Ending(
            payment_status=PaymentStatus.SETTLED,
            outcome=Outcome.LESSON_COMPLETED,
            credits=CreditMoves(consumed=terms.credits),
            lines=earned_lines(
                # Of a LOCK's funds staff may have refunded some while it waited for them (P8.6).
                held=facts.held if facts.payment_status == PaymentStatus.LOCKED else terms.card_total,
                credits_used=terms.credits,
                earnings=terms.payout,
                overpaid=max(0, facts.instructor_holds - terms.payout),
            ),
        ),
        to_student=f"The lesson is completed. Your card {'is' if steps else 'was'} charged "
        f"{dollars(terms.card_total)}.",
        to_instructor=f"The lesson is completed. {dollars(terms.payout)} is paid to you.",
    )


def payout_steps(facts: Facts, payout: int) -> tuple[PlannedStep, ...]:
    """Return the transfer of a payout; what the instructor already holds for the booking counts towards it (P10.3)."""
    owed = payout - facts.instructor_holds
    return (PlannedStep(call=Call.PAY, amount=owed),) if owed > 0 else ()


def _charge(facts: Facts) -> tuple[str, tuple[PlannedStep, ...]]:
    """The rule, and the calls that bring the card's money in."""
    terms = facts.terms
    capture = PlannedStep(call=Call.CAPTURE, amount=terms.card_total, transfer=terms.transfer)
    if facts.payment_status == PaymentStatus.LOCKED:
        return "P6.4", ()  # it is there already
    if facts.payment_status != PaymentStatus.AUTHORIZED and facts.payment_status not in UNAUTHORIZED:
        raise Refused("already_settled")
    if facts.hold:
        return "P5.5" if facts.payment_status == PaymentStatus.AUTHORIZED else "P10.2", (capture,)
    # Never tried, refused until now, or lapsed: hold the card first (P10.1, P10.2).
    return "P10.2", (*authorization_steps(facts, on_session=facts.student_is_there), capture)
