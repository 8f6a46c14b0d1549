"""The cardholder's bank takes a payment back, and later decides (policy section 11).

What the bank itself moves is booked when it is noticed; credits are frozen then, too. These are the plans of what
follows for the instructor, and of the end.
"""

from datetime import datetime

from instainstru.money import dollars
from payments.policy.accounts import Account, Line, balanced
from payments.policy.authorization import void_steps
from payments.policy.facts import Facts
from payments.policy.plan import CreditMoves, Ending, Plan, PlannedStep
from payments.policy.rules import Rules
from payments.policy.states import Action, BookingStatus, Call, Outcome, PaymentStatus
from payments.policy.undoing import take_back_steps
from payments.policy.windows import Window, window_at


def plan_chargeback_answer(facts: Facts, now: datetime, *, rules: Rules) -> Plan:
    """Decide what is done while the bank decides: payouts made are reversed, if possible."""
    taken = facts.instructor_holds
    return Plan(
        action=Action.ANSWER_CHARGEBACK,
        rule="P11",
        version=rules.version,
        steps=take_back_steps(facts, taken),
        ending=Ending(),
        to_student="Your bank has taken this payment back. Until it decides, the booking's money stands still.",
        to_instructor="The student's bank has taken this payment back."
        + (f" {dollars(taken)} is taken back from you until it decides." if taken else ""),
    )


def plan_chargeback_won(facts: Facts, now: datetime, *, rules: Rules) -> Plan:
    """Decide what follows when the bank finds for us: the instructor is paid again, the former state returns.

    Frozen credits and what is owed for those that were spent are seen to when the operation ends.
    """
    again, back = facts.case.to_pay_again, facts.case.comes_back
    return Plan(
        action=Action.WIN_CHARGEBACK,
        rule="P11",
        version=rules.version,
        steps=(PlannedStep(call=Call.PAY, amount=again),) if again else (),
        ending=Ending(),
        to_student="Your bank decided that the payment stands. Credits that were frozen are yours again."
        + (f" You get {dollars(back)} of credit back." if back else ""),
        to_instructor="The student's bank decided that the payment stands."
        + (f" {dollars(again)} is paid to you again." if again else ""),
    )


def plan_chargeback_lost(facts: Facts, now: datetime, *, rules: Rules) -> Plan:
    """Decide what follows when the bank finds for the cardholder: the disputed sum is a loss, not a debt.

    What is frozen of the credits issued for the booking is revoked when the operation begins; what was spent of them
    stays owed.
    """
    case, books = facts.case, facts.books
    released = case.credits_reserved
    # What was earned and is not with the instructor any more was never earned; what they kept is our loss.
    earnings = -(books.earnings_balance + facts.instructor_holds)
    lines = (
        Line(Account.HELD, -books.held_balance),
        Line(Account.EARNINGS, earnings),
        Line(Account.IN_DISPUTE, -case.in_dispute),
    )
    return Plan(
        action=Action.LOSE_CHARGEBACK,
        rule="P11",
        version=rules.version,
        booking_status_at_once=_booking_becomes(facts, now, rules=rules),
        revokes=case.issued_frozen,
        steps=void_steps(facts),
        ending=Ending(
            payment_status=PaymentStatus.SETTLED,
            outcome=Outcome.CHARGEBACK_LOST,
            credits=CreditMoves(released=released),
            lines=balanced(*lines, Line(Account.LOSSES, -sum(line.amount for line in lines))),
        ),
        to_student="Your bank decided that you get your money back. Your account is locked until our staff lift it."
        + (f" {dollars(released)} goes back to your credits." if released else "")
        + (f" {dollars(case.issued_frozen)} of credit is withdrawn." if case.issued_frozen else ""),
        to_instructor="The student's bank decided for the student. You are not paid for this lesson.",
    )


def _booking_becomes(facts: Facts, now: datetime, *, rules: Rules) -> BookingStatus | None:
    if facts.booking_status != BookingStatus.CONFIRMED:
        return None
    started = window_at(now, starts_at=facts.starts_at, rules=rules) == Window.STARTED
    return BookingStatus.COMPLETED if started else BookingStatus.CANCELLED
