"""What an offered action says to the one who may choose it, and what holds at the very instants at which it changes."""

from datetime import datetime, timedelta

import pytest

from payments.policy.actions import INSTANT, AvailableAction, Choice, available_actions
from payments.policy.facts import Facts
from payments.policy.rules import DEFAULT_RULES
from payments.policy.states import Action, BookingStatus, Call, Party, PaymentStatus
from payments.policy.windows import Window
from tests.policy.given import ENDS, IN, SETTLEMENT, STARTS, booked, unpaid_checkout

AUTHORIZED, CARD_REFUSED = PaymentStatus.AUTHORIZED, PaymentStatus.PAYMENT_METHOD_REQUIRED
A_DAY_AHEAD, HALF_A_DAY_AHEAD = STARTS - timedelta(hours=24), STARTS - timedelta(hours=12)


def offered(facts: Facts, party: Party, at: datetime, choice: Choice) -> AvailableAction:
    actions = {action.choice: action for action in available_actions(facts, party, at, rules=DEFAULT_RULES)}
    return actions[choice]


SPOKEN = {  # facts, who, when, what is offered -> the rule, and the sentence to whoever may choose it
    "cancel": (
        booked(AUTHORIZED),
        Party.STUDENT,
        IN[Window.MIDDLE],
        Choice.CANCEL,
        "P7.2",
        "Your card is charged $134.40. You get $120.00 in new credits.",
    ),
    "move": (
        booked(PaymentStatus.SCHEDULED),
        Party.STUDENT,
        IN[Window.EARLY],
        Choice.RESCHEDULE,
        "P6.1",
        "The lesson moves. $134.40 will be held on your card 24 hours before the new start.",
    ),
    "pay": (
        unpaid_checkout(),
        Party.STUDENT,
        IN[Window.MIDDLE],
        Choice.PAY,
        "P5.2",
        "$134.40 is held on your card now.",
    ),
    "confirm": (
        unpaid_checkout(has_pending_intent=True),
        Party.STUDENT,
        IN[Window.MIDDLE],
        Choice.CONFIRM_PAYMENT,
        "P5.2",
        "$134.40 is held on your card.",
    ),
    "instructor cancels": (
        booked(AUTHORIZED),
        Party.INSTRUCTOR,
        IN[Window.MIDDLE],
        Choice.CANCEL,
        "P7.6",
        "The lesson is cancelled and the student pays nothing. You are not paid.",
    ),
    "mark complete": (
        booked(AUTHORIZED),
        Party.INSTRUCTOR,
        ENDS,
        Choice.MARK_COMPLETE,
        "P5.5",
        "The lesson counts as given. You are paid 24 hours after its end, marked or not.",
    ),
}


@pytest.mark.parametrize(
    ("facts", "party", "at", "choice", "rule", "sentence"),
    [pytest.param(*case, marks=pytest.mark.rule(case[4]), id=name) for name, case in SPOKEN.items()],
)
def test_each_side_hears_its_own_sentence(
    facts: Facts, party: Party, at: datetime, choice: Choice, rule: str, sentence: str
) -> None:
    action = offered(facts, party, at, choice)

    assert (action.rule, action.sentence) == (rule, sentence)


def test_a_choice_that_moves_no_money_always_has_the_same_consequences() -> None:
    complete = offered(booked(AUTHORIZED), Party.INSTRUCTOR, ENDS, Choice.MARK_COMPLETE)

    assert (complete.plan, complete.digest) == (None, "")


@pytest.mark.rule("P5.5")
@pytest.mark.parametrize("status", [PaymentStatus.MANUAL_REVIEW, PaymentStatus.SETTLED])
def test_what_is_frozen_or_settled_is_not_marked_complete(status: PaymentStatus) -> None:
    assert available_actions(booked(status), Party.INSTRUCTOR, ENDS, rules=DEFAULT_RULES) == ()


@pytest.mark.rule("P3.2")
@pytest.mark.rule("P7.1")
def test_at_the_last_instant_of_a_window_its_preview_is_good_for_that_instant_alone() -> None:
    cancel = offered(booked(AUTHORIZED), Party.STUDENT, A_DAY_AHEAD, Choice.CANCEL)

    assert (cancel.rule, cancel.unchanged_until, cancel.possible_until) == ("P7.1", A_DAY_AHEAD, STARTS)
    a_moment_later = offered(booked(AUTHORIZED), Party.STUDENT, A_DAY_AHEAD + INSTANT, Choice.CANCEL)
    assert (a_moment_later.rule, a_moment_later.unchanged_until) == ("P7.2", HALF_A_DAY_AHEAD)


@pytest.mark.rule("P10.1")
@pytest.mark.parametrize(
    ("at", "until"),
    [
        (STARTS - INSTANT, STARTS - INSTANT),  # overdue: it may be cancelled at any moment
        (STARTS, SETTLEMENT),  # from the start on nothing is cancelled
        (SETTLEMENT - INSTANT, SETTLEMENT),
        (SETTLEMENT, None),  # then whether it ends is for the card to say
    ],
)
def test_until_when_an_unpaid_lesson_can_be_paid_for(at: datetime, until: datetime | None) -> None:
    assert offered(booked(CARD_REFUSED), Party.STUDENT, at, Choice.PAY).possible_until == until


@pytest.mark.rule("P10.2")
@pytest.mark.parametrize(
    ("at", "action"), [(SETTLEMENT - INSTANT, Action.PAY_NOW), (SETTLEMENT, Action.SETTLE)], ids=["before", "when due"]
)
def test_what_a_payment_is_for_when_settlement_falls_due(at: datetime, action: Action) -> None:
    unpaid = booked(CARD_REFUSED, booking=BookingStatus.COMPLETED)

    pay = offered(unpaid, Party.STUDENT, at, Choice.PAY)

    assert pay.plan is not None
    assert pay.plan.action == action
    held = next(step for step in pay.plan.steps if step.call == Call.AUTHORIZE)
    assert held.on_session is True  # the student is there to confirm it
