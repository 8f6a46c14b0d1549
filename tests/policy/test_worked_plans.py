"""Every plan of the normal course on the worked example (policy section 13): its calls, and what each side is told.

A call is written with its amount in cents, what its transfer carries, and whether the student is there to confirm it.
"""

import re
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

import pytest

from payments.policy.decide import decide
from payments.policy.facts import Facts
from payments.policy.plan import PlannedStep
from payments.policy.rules import DEFAULT_RULES
from payments.policy.states import Action, BookingStatus, Outcome, PaymentStatus
from payments.policy.windows import Window
from tests.policy.given import ALL_CREDIT, IN, SETTLEMENT, SOME_CREDIT, STARTS, booked, unpaid_checkout

EARLY, MIDDLE, LATE = IN[Window.EARLY], IN[Window.MIDDLE], IN[Window.LATE]
FAR, NEAR = STARTS + timedelta(days=2), EARLY + timedelta(hours=10)
SCHEDULED, AUTHORIZED, LOCKED = PaymentStatus.SCHEDULED, PaymentStatus.AUTHORIZED, PaymentStatus.LOCKED
CARD_REFUSED, REVIEW = PaymentStatus.PAYMENT_METHOD_REQUIRED, PaymentStatus.MANUAL_REVIEW


class Worked(NamedTuple):
    facts: Facts
    action: Action
    at: datetime
    calls: list[str]
    to_student: str
    to_instructor: str


WORKED = {  # the rule, and the case
    "P5.1 a day ahead": Worked(
        unpaid_checkout(),
        Action.CHECKOUT,
        EARLY,
        [],
        "Your lesson is booked. $134.40 will be held on your card 24 hours before it starts and charged 24 hours after "
        "it ends.",
        "A lesson is booked. You get $105.60 24 hours after it ends.",
    ),
    "P5.2 less than a day ahead": Worked(
        unpaid_checkout(),
        Action.CHECKOUT,
        MIDDLE,
        ["authorize 13440 carrying 10560 in person"],
        "$134.40 is held on your card now and charged 24 hours after the lesson ends. The lesson is booked once your "
        "bank agrees.",
        "A lesson is booked. You get $105.60 24 hours after it ends.",
    ),
    "P5.1 authorization due": Worked(
        booked(SCHEDULED),
        Action.AUTHORIZE,
        MIDDLE,
        ["authorize 13440 carrying 10560"],
        "$134.40 is held on your card.",
        "The lesson is paid for.",
    ),
    "P10.1 authorization due again, and the bank's page is open": Worked(
        booked(CARD_REFUSED, has_pending_intent=True),
        Action.AUTHORIZE,
        MIDDLE,
        ["void 0", "authorize 13440 carrying 10560"],
        "$134.40 is held on your card.",
        "The lesson is paid for.",
    ),
    "P5.2 paying for a checkout": Worked(
        unpaid_checkout(),
        Action.PAY_NOW,
        MIDDLE,
        ["authorize 13440 carrying 10560 in person"],
        "$134.40 is held on your card now.",
        "The lesson is paid for.",
    ),
    "P10.1 paying for a lesson": Worked(
        booked(CARD_REFUSED),
        Action.PAY_NOW,
        MIDDLE,
        ["authorize 13440 carrying 10560 in person"],
        "$134.40 is held on your card now.",
        "The lesson is paid for.",
    ),
    "P5.2 back from the bank": Worked(
        unpaid_checkout(has_pending_intent=True),
        Action.CONFIRM_AUTHORIZATION,
        MIDDLE,
        ["inspect 13440 carrying 10560"],
        "$134.40 is held on your card.",
        "The lesson is paid for.",
    ),
    "P5.2 a checkout unpaid for too long": Worked(
        unpaid_checkout(has_pending_intent=True),
        Action.EXPIRE,
        MIDDLE,
        ["void 0"],
        "The card was not authorized in time, so the lesson was not booked. Nothing was charged.",
        "A checkout was not completed.",
    ),
    "P10.1 a lesson unpaid for too long": Worked(
        booked(CARD_REFUSED),
        Action.EXPIRE,
        LATE,
        [],
        "Your card was declined until 12 hours before the lesson, so it is cancelled. Nothing was charged.",
        "The student's card was declined, so the lesson is cancelled. You are not paid.",
    ),
    "P5.3 a lost race": Worked(
        unpaid_checkout(hold=13_440, time_was_taken=True),
        Action.END_UNPAID,
        MIDDLE,
        ["void 13440"],
        "The booking is over. What was held on your card is freed; nothing was charged.",
        "The booking is over; it had not been paid for. You are not paid.",
    ),
    "P7.8 a card refused when it mattered": Worked(
        booked(SCHEDULED),
        Action.END_UNPAID,
        LATE,
        [],
        "The booking is over. What was held on your card is freed; nothing was charged.",
        "The booking is over; it had not been paid for. You are not paid.",
    ),
    "P5.5 a lesson taken": Worked(
        booked(AUTHORIZED, terms=SOME_CREDIT),
        Action.SETTLE,
        SETTLEMENT,
        ["capture 8440 carrying 8440", "pay 2120"],
        "The lesson is completed. Your card is charged $84.40.",
        "The lesson is completed. $105.60 is paid to you.",
    ),
    "P10.2 a lesson taken, the card still to be held": Worked(
        booked(SCHEDULED),
        Action.SETTLE,
        SETTLEMENT,
        ["authorize 13440 carrying 10560", "capture 13440 carrying 10560"],
        "The lesson is completed. Your card is charged $134.40.",
        "The lesson is completed. $105.60 is paid to you.",
    ),
    "P10.2 the student pays for it": Worked(
        booked(CARD_REFUSED, student_is_there=True),
        Action.SETTLE,
        SETTLEMENT,
        ["authorize 13440 carrying 10560 in person", "capture 13440 carrying 10560"],
        "The lesson is completed. Your card is charged $134.40.",
        "The lesson is completed. $105.60 is paid to you.",
    ),
    "P6.4 a locked lesson taken": Worked(
        booked(LOCKED),
        Action.SETTLE,
        SETTLEMENT,
        ["pay 10560"],
        "The lesson is completed. Your card was charged $134.40.",
        "The lesson is completed. $105.60 is paid to you.",
    ),
    "P10.2 an advance": Worked(
        booked(
            CARD_REFUSED,
            booking=BookingStatus.COMPLETED,
            terms=SOME_CREDIT,
            collection_refused_at=SETTLEMENT,
            hold=8_440,
        ),
        Action.ADVANCE,
        SETTLEMENT + timedelta(hours=72),
        ["void 8440", "pay 10560"],
        "Your card was refused for 72 hours. You owe $84.40.",
        "$105.60 is paid to you.",
    ),
    "P10.2 paying later": Worked(
        booked(
            REVIEW,
            booking=BookingStatus.COMPLETED,
            outcome=Outcome.INSTRUCTOR_ADVANCED,
            owed=13_440,
            instructor_holds=10_560,
            has_pending_intent=True,
        ),
        Action.COLLECT,
        SETTLEMENT + timedelta(days=9),
        ["void 0", "charge 13440 in person"],
        "Your card is charged $134.40 now. Nothing is owed then.",
        "The student has paid. Nothing changes for you.",
    ),
    "P6.1 an early move": Worked(
        booked(AUTHORIZED, new_starts_at=FAR),
        Action.RESCHEDULE,
        EARLY,
        ["void 13440"],
        "The lesson moves. $134.40 will be held on your card 24 hours before the new start.",
        "The student moves the lesson. Your pay stays the same.",
    ),
    "P6.1 an early move to within a day": Worked(
        booked(SCHEDULED, new_starts_at=NEAR),
        Action.RESCHEDULE,
        EARLY,
        ["authorize 13440 carrying 10560 in person"],
        "The lesson moves. $134.40 is held on your card now.",
        "The student moves the lesson. Your pay stays the same.",
    ),
    "P6.2 a late move": Worked(
        booked(AUTHORIZED, new_starts_at=FAR),
        Action.RESCHEDULE,
        MIDDLE,
        ["capture 13440 carrying 10560", "reverse 10560"],
        "The lesson moves, and because it was less than 24 hours away, your card is charged $134.40 now. It can't be "
        "moved again; if you cancel it, you get credits, not money back.",
        "The student moves the lesson. Your pay stays the same.",
    ),
    "P6.2 a late move, the card still to be held": Worked(
        booked(SCHEDULED, new_starts_at=FAR),
        Action.RESCHEDULE,
        MIDDLE,
        ["authorize 13440 carrying 10560 in person", "capture 13440 carrying 10560", "reverse 10560"],
        "The lesson moves, and because it was less than 24 hours away, your card is charged $134.40 now. It can't be "
        "moved again; if you cancel it, you get credits, not money back.",
        "The student moves the lesson. Your pay stays the same.",
    ),
    "P6.2 a hold made for nothing": Worked(
        booked(SCHEDULED, hold=13_440),
        Action.RELEASE_HOLD,
        MIDDLE,
        ["void 13440"],
        "The lesson was not moved. What was held on your card for it is freed.",
        "The lesson was not moved.",
    ),
    "P7.1 early": Worked(
        booked(SCHEDULED, terms=SOME_CREDIT),
        Action.STUDENT_CANCEL,
        EARLY,
        [],
        "Your card is not charged. $50.00 goes back to your credits.",
        "The student cancelled 24 hours ahead or earlier. You are not paid.",
    ),
    "P7.2 middle": Worked(
        booked(AUTHORIZED, terms=SOME_CREDIT),
        Action.STUDENT_CANCEL,
        MIDDLE,
        ["capture 8440 carrying 8440", "reverse 8440"],
        "Your card is charged $84.40. $50.00 goes back to your credits. You get $70.00 in new credits.",
        "The student cancelled. You are not paid; the time is free again.",
    ),
    "P7.3 late": Worked(
        booked(AUTHORIZED),
        Action.STUDENT_CANCEL,
        LATE,
        ["capture 13440 carrying 10560", "reverse 10560", "pay 5280"],
        "Your card is charged $134.40. You get $60.00 in new credits.",
        "The student cancelled less than 12 hours ahead. $52.80 is paid to you.",
    ),
    "P7.3 late, with credits to lose": Worked(
        booked(AUTHORIZED, terms=ALL_CREDIT),
        Action.STUDENT_CANCEL,
        LATE,
        ["capture 1440 carrying 1440", "reverse 1440", "pay 5280"],
        "Your card is charged $14.40. $60.00 goes back to your credits. $60.00 of the credits you used is lost.",
        "The student cancelled less than 12 hours ahead. $52.80 is paid to you.",
    ),
    "P7.4 locked": Worked(
        booked(LOCKED),
        Action.STUDENT_CANCEL,
        MIDDLE,
        [],
        "Your card paid $134.40 before, and is not charged again. You get $120.00 in new credits.",
        "The student cancelled. You are not paid; the time is free again.",
    ),
    "P7.5 locked, late": Worked(
        booked(LOCKED),
        Action.STUDENT_CANCEL,
        LATE,
        ["pay 5280"],
        "Your card paid $134.40 before, and is not charged again. You get $60.00 in new credits.",
        "The student cancelled less than 12 hours ahead. $52.80 is paid to you.",
    ),
    "P7.6 nothing held": Worked(
        booked(SCHEDULED),
        Action.INSTRUCTOR_CANCEL,
        EARLY,
        [],
        "Your instructor cancelled. Your card was not charged.",
        "The lesson is cancelled and the student pays nothing. You are not paid.",
    ),
    "P7.6 held": Worked(
        booked(AUTHORIZED, terms=SOME_CREDIT),
        Action.INSTRUCTOR_CANCEL,
        LATE,
        ["void 8440"],
        "Your instructor cancelled. $84.40 goes back to your card and $50.00 to your credits.",
        "The lesson is cancelled and the student pays nothing. You are not paid.",
    ),
    "P7.6 charged": Worked(
        booked(LOCKED),
        Action.INSTRUCTOR_CANCEL,
        LATE,
        ["refund 13440"],
        "Your instructor cancelled. $134.40 goes back to your card.",
        "The lesson is cancelled and the student pays nothing. You are not paid.",
    ),
    "P7.8 the card was refused": Worked(
        booked(CARD_REFUSED, terms=SOME_CREDIT),
        Action.STUDENT_CANCEL,
        MIDDLE,
        [],
        "Your card is not charged. $50.00 goes back to your credits.",
        "The student cancelled; the lesson had not been paid for. You are not paid.",
    ),
    "P7.3 the card is still to be held": Worked(
        booked(SCHEDULED),
        Action.STUDENT_CANCEL,
        LATE,
        ["authorize 13440 carrying 10560", "capture 13440 carrying 10560", "reverse 10560", "pay 5280"],
        "Your card is charged $134.40. You get $60.00 in new credits.",
        "The student cancelled less than 12 hours ahead. $52.80 is paid to you.",
    ),
    "P7.6 nothing held but credits": Worked(
        booked(SCHEDULED, terms=SOME_CREDIT),
        Action.INSTRUCTOR_CANCEL,
        EARLY,
        [],
        "Your instructor cancelled. Your card was not charged and $50.00 goes back to your credits.",
        "The lesson is cancelled and the student pays nothing. You are not paid.",
    ),
}


@pytest.mark.parametrize(
    "worked",
    [pytest.param(worked, marks=pytest.mark.rule(name.split()[0]), id=name) for name, worked in WORKED.items()],
)
def test_the_worked_example(worked: Worked, request: pytest.FixtureRequest) -> None:
    plan = decide(worked.facts, worked.action, worked.at, rules=DEFAULT_RULES)

    assert [written(step) for step in plan.steps] == worked.calls
    assert (plan.to_student, plan.to_instructor) == (worked.to_student, worked.to_instructor)
    assert (plan.action, plan.version) == (worked.action, "2.1.1")
    assert request.node.callspec.id.startswith(f"{plan.rule} ")


def written(step: PlannedStep) -> str:
    carrying = f" carrying {step.transfer}" if step.transfer else ""
    presence = {True: " in person", False: ""}[step.on_session]
    return f"{step.call} {step.amount}{carrying}{presence}"


OTHER_RULES = replace(
    DEFAULT_RULES,
    early_from=timedelta(hours=48),
    middle_from=timedelta(hours=16),
    settle_after=timedelta(hours=36),
    collection_time=timedelta(hours=96),
)
UNPAID_SINCE = SETTLEMENT + timedelta(hours=12)


@pytest.mark.rule("P1.4")
@pytest.mark.parametrize(
    ("facts", "action", "at", "named"),
    [
        (unpaid_checkout(), Action.CHECKOUT, STARTS - timedelta(hours=60), {"48 hours", "36 hours"}),
        (unpaid_checkout(), Action.CHECKOUT, EARLY, {"36 hours"}),
        (booked(SCHEDULED), Action.STUDENT_CANCEL, STARTS - timedelta(hours=60), {"48 hours"}),
        (booked(AUTHORIZED), Action.STUDENT_CANCEL, LATE, {"16 hours"}),
        (booked(AUTHORIZED, new_starts_at=FAR), Action.RESCHEDULE, EARLY, {"48 hours"}),
        (booked(CARD_REFUSED), Action.EXPIRE, STARTS - timedelta(hours=16), {"16 hours"}),
        (
            booked(CARD_REFUSED, booking=BookingStatus.COMPLETED, collection_refused_at=UNPAID_SINCE),
            Action.ADVANCE,
            UNPAID_SINCE + timedelta(hours=96),
            {"96 hours"},
        ),
    ],
)
def test_sentences_name_the_windows_of_the_bookings_own_rules(facts, action, at, named) -> None:
    plan = decide(facts, action, at, rules=OTHER_RULES)

    assert set(re.findall(r"\d+ hours", f"{plan.to_student} {plan.to_instructor}")) == named
