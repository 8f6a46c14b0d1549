"""A no-show that stands: nobody pays for an instructor's absence, a student's counts as the lesson taken (P8.3)."""

from datetime import datetime

from instainstru.money import dollars
from payments.policy.authorization import void_steps
from payments.policy.facts import Facts
from payments.policy.plan import CreditMoves, Ending, Plan
from payments.policy.rules import Rules
from payments.policy.settlement import SAID, plan_as_completed
from payments.policy.states import Action, BookingStatus, NoShowRuling, Outcome, PaymentStatus
from payments.policy.undoing import refund_steps, take_back_steps, undone_lines

_SAID = {  # to the student, to the instructor
    NoShowRuling.INSTRUCTOR_ABSENT: ("Your instructor did not come.", "You did not come, so you are not paid."),
    NoShowRuling.BOTH_ABSENT: ("Neither side came.", "Neither side came, so you are not paid."),
}


def plan_no_show_ruling(facts: Facts, now: datetime, *, rules: Rules) -> Plan:
    """Decide what a no-show that is confirmed or ruled does; `facts.case.no_show` says who was absent (P8.3).

    The facts are those beneath the freeze, where a settlement that was under way may have ended (P8.1). An unfounded
    report has no plan: it ends, and the money goes on as before.
    """
    match facts.case.no_show:
        case NoShowRuling.STUDENT_ABSENT if facts.payment_status == PaymentStatus.SETTLED:
            return _stays_as_paid(rules=rules)
        case NoShowRuling.STUDENT_ABSENT:
            return plan_as_completed(
                Action.RULE_NO_SHOW,
                facts,
                booking=BookingStatus.NO_SHOW,
                outcome=Outcome.STUDENT_NO_SHOW,
                rules=rules,
                rule="P8.3",
            )
        case NoShowRuling.INSTRUCTOR_ABSENT:
            return _nobody_pays(facts, NoShowRuling.INSTRUCTOR_ABSENT, Outcome.INSTRUCTOR_NO_SHOW, rules=rules)
        case NoShowRuling.BOTH_ABSENT:
            return _nobody_pays(facts, NoShowRuling.BOTH_ABSENT, Outcome.MUTUAL_NO_SHOW, rules=rules)
        case other:
            raise ValueError(f"{other} moves no money.")


def _stays_as_paid(*, rules: Rules) -> Plan:
    """The money is where a completed lesson's belongs, already."""
    to_student, to_instructor = SAID[BookingStatus.NO_SHOW]
    return Plan(
        action=Action.RULE_NO_SHOW,
        rule="P8.3",
        version=rules.version,
        booking_status_at_once=BookingStatus.NO_SHOW,
        ending=Ending(payment_status=PaymentStatus.SETTLED, outcome=Outcome.STUDENT_NO_SHOW),
        to_student=f"{to_student} Nothing changes for your card.",
        to_instructor=f"{to_instructor} Nothing changes for you.",
    )


def _nobody_pays(facts: Facts, ruling: NoShowRuling, outcome: Outcome, *, rules: Rules) -> Plan:
    """The hold is freed, or what the card paid goes back with `SF`; credits are released, the payout is 0.

    Credits that a settlement has consumed meanwhile are given back as a new one, as after a dispute (P8.4).
    """
    back, credits = facts.held, CreditMoves(released=facts.case.credits_reserved, issued=facts.credits_consumed)
    returned = credits.released + credits.issued
    to_student, to_instructor = _SAID[ruling]
    card = f"{dollars(back)} goes back to your card." if back else "Your card is not charged."
    return Plan(
        action=Action.RULE_NO_SHOW,
        rule="P8.3",
        version=rules.version,
        booking_status_at_once=BookingStatus.NO_SHOW,
        # Of a LOCK whose reversal was refused the instructor still has something: taken back first (P10.3).
        steps=(*take_back_steps(facts, facts.instructor_holds), *void_steps(facts), *refund_steps(back)),
        ending=Ending(
            payment_status=PaymentStatus.SETTLED,
            outcome=outcome,
            credits=credits,
            lines=undone_lines(facts, refunded=back, issued=credits.issued),
        ),
        to_student=f"{to_student} {card}" + (f" {dollars(returned)} goes back to your credits." if returned else ""),
        to_instructor=to_instructor,
    )
