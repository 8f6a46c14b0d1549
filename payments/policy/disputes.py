"""A dispute that is ruled for the student: whatever the lesson has cost or paid is undone (P8.4)."""

from datetime import datetime

from instainstru.money import dollars
from payments.policy.authorization import void_steps
from payments.policy.facts import Facts
from payments.policy.plan import CreditMoves, Ending, Plan
from payments.policy.rules import Rules
from payments.policy.states import Action, BookingStatus, Outcome, PaymentStatus
from payments.policy.undoing import refund_steps, take_back_steps, undone_lines

_ENDS_AS = {
    BookingStatus.CONFIRMED: BookingStatus.COMPLETED,  # at once, if nothing was under way
    BookingStatus.PENDING: BookingStatus.CANCELLED,  # Stripe never said whether it was paid, until the lesson began
}


def plan_dispute_ruling(facts: Facts, now: datetime, *, rules: Rules) -> Plan:
    """Decide what ruling for the student does, before or after the payout, about a cancelled booking too (P8.4).

    The facts are those beneath the freeze. Credits issued for the booking are revoked when the operation begins; what
    was spent of them is deducted from the refund. Ruled for the instructor there is no plan: the former state returns.
    """
    case = facts.case
    refund = max(0, facts.held - case.issued_spent)
    given_back = facts.credits_consumed + case.credits_forfeited - case.credits_given_back
    return Plan(
        action=Action.RULE_DISPUTE,
        rule="P8.4",
        version=rules.version,
        booking_status_at_once=BookingStatus.COMPLETED if facts.booking_status == BookingStatus.CONFIRMED else None,
        revokes=case.issued_left,
        # Every payout first: if taking one back is refused, nothing is refunded or given back.
        steps=(*take_back_steps(facts, facts.instructor_holds), *void_steps(facts), *refund_steps(refund)),
        ending=Ending(
            payment_status=PaymentStatus.SETTLED,
            booking_status=_ENDS_AS.get(facts.booking_status),
            outcome=Outcome.STUDENT_WINS_DISPUTE,
            credits=CreditMoves(released=case.credits_reserved, issued=given_back),
            lines=undone_lines(facts, refunded=refund, issued=given_back),
        ),
        to_student=_to_student(facts, refund=refund, credits=case.credits_reserved + given_back),
        to_instructor=(
            f"The dispute was decided for the student. {dollars(facts.instructor_holds)} is taken back from you."
            if facts.instructor_holds
            else "The dispute was decided for the student. You are not paid."
        ),
    )


def _to_student(facts: Facts, *, refund: int, credits: int) -> str:
    said = ["The dispute was decided for you."]
    if refund:
        said.append(f"{dollars(refund)} goes back to your card.")
    if facts.hold:
        said.append("What is held on your card is freed.")
    if credits:
        said.append(f"{dollars(credits)} goes back to your credits.")
    if facts.case.issued_left:
        said.append(f"The {dollars(facts.case.issued_left)} of credit that you were given for it is withdrawn.")
    if facts.owed:
        said.append("You owe nothing for it any more.")
    return " ".join(said)
