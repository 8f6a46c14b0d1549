"""A day after the lesson (P5.5), after a LOCK (P6.4), and what was missed until then (P10.1, P10.2)."""

import pytest

from instainstru.refusals import Refused
from payments.policy.accounts import Account, Line
from payments.policy.decide import decide
from payments.policy.facts import Facts
from payments.policy.plan import CreditMoves, Plan
from payments.policy.pricing import Terms
from payments.policy.rules import DEFAULT_RULES
from payments.policy.states import Action, BookingStatus, Call, Outcome, PaymentStatus
from tests.policy.given import ALL_CREDIT, CARD_ONLY, SETTLEMENT, SOME_CREDIT, booked, priced

AUTHORIZE, CAPTURE, PAY, VOID = Call.AUTHORIZE, Call.CAPTURE, Call.PAY, Call.VOID


def settled(facts: Facts) -> Plan:
    return decide(facts, Action.SETTLE, SETTLEMENT, rules=DEFAULT_RULES)


SETTLEMENTS = {  # facts -> rule, steps
    "card held": ("P5.5", booked(PaymentStatus.AUTHORIZED), ((CAPTURE, 13_440),)),
    "marked complete": (
        "P5.5",
        booked(PaymentStatus.AUTHORIZED, booking=BookingStatus.COMPLETED),
        ((CAPTURE, 13_440),),
    ),
    "some credit, card covers the payout no more": (
        "P5.5",
        booked(PaymentStatus.AUTHORIZED, terms=SOME_CREDIT),
        ((CAPTURE, 8_440), (PAY, 2_120)),
    ),
    "all credit": ("P5.5", booked(PaymentStatus.AUTHORIZED, terms=ALL_CREDIT), ((CAPTURE, 1_440), (PAY, 9_120))),
    "a little credit, card covers the payout": (
        "P5.5",
        booked(PaymentStatus.AUTHORIZED, terms=priced(credits=2_880)),
        ((CAPTURE, 10_560),),
    ),
    "a cent more credit": (
        "P5.5",
        booked(PaymentStatus.AUTHORIZED, terms=priced(credits=2_881)),
        ((CAPTURE, 10_559), (PAY, 1)),
    ),
    "locked": ("P6.4", booked(PaymentStatus.LOCKED), ((PAY, 10_560),)),
    "locked, with credit": ("P6.4", booked(PaymentStatus.LOCKED, terms=ALL_CREDIT), ((PAY, 10_560),)),
    "locked, reversal given up": ("P10.3", booked(PaymentStatus.LOCKED, instructor_holds=10_560), ()),
    "never tried": ("P10.1", booked(PaymentStatus.SCHEDULED), ((AUTHORIZE, 13_440), (CAPTURE, 13_440))),
    "refused until now": (
        "P10.2",
        booked(PaymentStatus.PAYMENT_METHOD_REQUIRED, has_pending_intent=True),
        ((VOID, 0), (AUTHORIZE, 13_440), (CAPTURE, 13_440)),
    ),
    "hold lapsed": (
        "P10.2",
        booked(PaymentStatus.AUTHORIZED, hold=0, terms=ALL_CREDIT),
        ((AUTHORIZE, 1_440), (CAPTURE, 1_440), (PAY, 9_120)),
    ),
}


@pytest.mark.parametrize(
    ("facts", "steps"),
    [
        pytest.param(facts, steps, marks=pytest.mark.rule(rule), id=name)
        for name, (rule, facts, steps) in SETTLEMENTS.items()
    ],
)
def test_a_lesson_is_charged_and_its_instructor_paid(facts: Facts, steps: tuple[tuple[Call, int], ...]) -> None:
    plan = settled(facts)

    assert tuple((step.call, step.amount) for step in plan.steps) == steps
    assert plan.booking_status_at_once == BookingStatus.COMPLETED
    assert (plan.ending.payment_status, plan.ending.outcome) == (PaymentStatus.SETTLED, Outcome.LESSON_COMPLETED)
    assert plan.ending.credits == CreditMoves(consumed=facts.terms.credits)


@pytest.mark.rule("P5.5")
@pytest.mark.parametrize("terms", [CARD_ONLY, SOME_CREDIT, ALL_CREDIT], ids=["none", "some", "all"])
def test_the_platform_earns_both_fees_and_the_instructor_the_payout(terms: Terms) -> None:
    lines = settled(booked(PaymentStatus.AUTHORIZED, terms=terms)).ending.lines

    booked_lines = {line.account: line.amount for line in lines}
    assert booked_lines.pop(Account.CREDITS, 0) == terms.credits
    assert booked_lines == {
        Account.HELD: terms.card_total,
        Account.EARNINGS: -10_560,
        Account.FEE_INCOME: -2_880,
    }


@pytest.mark.rule("P6.4")
def test_a_locked_lesson_books_the_same_as_any_other() -> None:
    locked, held = (settled(booked(status)).ending for status in (PaymentStatus.LOCKED, PaymentStatus.AUTHORIZED))

    assert (
        locked.lines
        == held.lines
        == (
            Line(Account.HELD, 13_440),
            Line(Account.EARNINGS, -10_560),
            Line(Account.FEE_INCOME, -2_880),
        )
    )


@pytest.mark.rule("P6.4")
@pytest.mark.rule("P8.6")
def test_of_a_lock_that_was_partly_refunded_what_is_left_is_booked() -> None:
    lines = settled(booked(PaymentStatus.LOCKED, refunded=1_000)).ending.lines

    assert lines == (
        Line(Account.HELD, 12_440),
        Line(Account.EARNINGS, -10_560),
        Line(Account.FEE_INCOME, -1_880),
    )


@pytest.mark.rule("P10.3")
def test_what_the_instructor_holds_beyond_the_payout_is_a_loss() -> None:
    plan = settled(booked(PaymentStatus.LOCKED, instructor_holds=10_660))

    assert plan.steps == ()
    assert Line(Account.EARNINGS, -10_660) in plan.ending.lines
    assert Line(Account.LOSSES, 100) in plan.ending.lines


@pytest.mark.rule("P5.5")
@pytest.mark.rule("P10.2")
def test_a_hold_is_charged_as_it_stands_though_the_card_was_refused_before() -> None:
    """The bank said yes to the student after our settlement had been refused."""
    held = {"hold": 13_440, "booking": BookingStatus.COMPLETED}

    due, late = (
        settled(booked(PaymentStatus.AUTHORIZED)),
        settled(booked(PaymentStatus.PAYMENT_METHOD_REQUIRED, **held)),
    )

    assert (due.rule, late.rule) == ("P5.5", "P10.2")
    assert due.steps == late.steps


@pytest.mark.rule("P10.2")
def test_a_settlement_asks_the_card_off_session() -> None:
    authorize, *_ = settled(booked(PaymentStatus.SCHEDULED)).steps

    assert (authorize.on_session, authorize.transfer) == (False, 10_560)


@pytest.mark.rule("P8.3")
@pytest.mark.rule("P10.2")
def test_a_student_who_did_not_come_pays_later_and_stays_a_no_show() -> None:
    plan = settled(booked(PaymentStatus.PAYMENT_METHOD_REQUIRED, booking=BookingStatus.NO_SHOW))

    assert [(step.call, step.amount) for step in plan.steps] == [(AUTHORIZE, 13_440), (CAPTURE, 13_440)]
    assert (plan.action, plan.booking_status_at_once) == (Action.SETTLE, BookingStatus.NO_SHOW)
    assert plan.ending.outcome == Outcome.STUDENT_NO_SHOW
    assert (plan.to_student, plan.to_instructor) == (
        "You did not come; the lesson counts as given. Your card is charged $134.40.",
        "The student did not come; the lesson counts as given. $105.60 is paid to you.",
    )


NOT_TO_SETTLE = {
    "settled": booked(PaymentStatus.SETTLED, booking=BookingStatus.COMPLETED),
    "under review": booked(PaymentStatus.MANUAL_REVIEW),
    "cancelled": booked(PaymentStatus.AUTHORIZED, booking=BookingStatus.CANCELLED),
    "a checkout that was not paid": booked(PaymentStatus.PAYMENT_METHOD_REQUIRED, booking=BookingStatus.PENDING),
}


@pytest.mark.rule("P5.5")
@pytest.mark.parametrize("facts", NOT_TO_SETTLE.values(), ids=NOT_TO_SETTLE)
def test_nothing_else_is_settled(facts: Facts) -> None:
    with pytest.raises(Refused) as refusal:
        settled(facts)

    assert refusal.value.code == "already_settled"
