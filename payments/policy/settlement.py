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
    terms = facts.terms
    charge = (PlannedStep(call=Call.CAPTURE, amount=terms.card_total, transfer=terms.transfer),)
    if facts.booking_status not in (BookingStatus.CONFIRMED, BookingStatus.COMPLETED):
        raise Refused("already_settled")
    if facts.payment_status == PaymentStatus.LOCKED:
        rule, steps, transferred = "P6.4", (), 0
    elif facts.payment_status == PaymentStatus.AUTHORIZED and facts.hold:
        rule, steps, transferred = "P5.5", charge, terms.transfer
    elif facts.payment_status == PaymentStatus.AUTHORIZED or facts.payment_status in UNAUTHORIZED:
        # Never tried, refused until now, or lapsed: hold the card first (P10.1, P10.2).
        rule, transferred = "P10.2", terms.transfer
        steps = (*authorization_steps(facts, on_session=False), *charge)
    else:
        raise Refused("already_settled")
    # What the instructor already holds for the booking counts towards the payout (P10.3).
    owed = terms.payout - transferred - facts.instructor_holds
    top_up = (PlannedStep(call=Call.PAY, amount=owed),) if owed > 0 else ()
    return Plan(
        action=Action.SETTLE,
        rule=rule,
        version=rules.version,
        booking_status_at_once=BookingStatus.COMPLETED,
        steps=(*steps, *top_up),
        ending=Ending(
            payment_status=PaymentStatus.SETTLED,
            outcome=Outcome.LESSON_COMPLETED,
            credits=CreditMoves(consumed=terms.credits),
            lines=earned_lines(held=terms.card_total, credits_used=terms.credits, earnings=terms.payout),
        ),
        to_student=f"The lesson is completed. Your card is charged {dollars(terms.card_total)}.",
        to_instructor=f"The lesson is completed. {dollars(terms.payout)} is paid to you.",
    )
