"""The cardholder's bank takes a payment back, and decides (policy section 11)."""

from datetime import datetime, timedelta

import pytest

from payments.policy.accounts import Account
from payments.policy.conclude import conclude
from payments.policy.decide import decide
from payments.policy.facts import Books, Case, Facts, Transfer
from payments.policy.plan import CreditMoves, Ending, Plan
from payments.policy.rules import DEFAULT_RULES
from payments.policy.states import Action, BookingStatus, Call, Fault, Outcome, PaymentStatus
from payments.policy.windows import Window
from tests.policy.given import IN, SETTLEMENT, SOME_CREDIT, STARTS, answered, booked

SETTLED, COMPLETED = PaymentStatus.SETTLED, BookingStatus.COMPLETED
CHARGED_BACK = {"captured": 13_440, "charged_back": 13_440}


def opened(facts: Facts) -> Plan:
    return decide(facts, Action.ANSWER_CHARGEBACK, SETTLEMENT, rules=DEFAULT_RULES)


def won(facts: Facts) -> Plan:
    return decide(facts, Action.WIN_CHARGEBACK, SETTLEMENT, rules=DEFAULT_RULES)


def lost(facts: Facts, at: datetime = SETTLEMENT) -> Plan:
    return decide(facts, Action.LOSE_CHARGEBACK, at, rules=DEFAULT_RULES)


def calls(plan: Plan) -> list[tuple[Call, int]]:
    return [(step.call, step.amount) for step in plan.steps]


def lines(plan: Plan) -> dict[Account, int]:
    return {line.account: line.amount for line in plan.ending.lines}


# --- Opened ---------------------------------------------------------------------------------------------------------


def paid_out() -> Facts:
    return booked(
        SETTLED, booking=COMPLETED, terms=SOME_CREDIT, captured=8_440, charged_back=8_440, instructor_holds=10_560,
        books=Books(transfers=(Transfer(id="tr_top_up", left=2_120),), earnings_balance=-10_560),
    )  # fmt: skip


@pytest.mark.rule("P11")
def test_payouts_are_taken_back_while_the_bank_decides() -> None:
    plan = opened(paid_out())

    assert (plan.action, plan.rule, plan.version) == (Action.ANSWER_CHARGEBACK, "P11", DEFAULT_RULES.version)
    assert calls(plan) == [(Call.TAKE_BACK, 2_120), (Call.REVERSE, 8_440)]
    assert plan.ending == Ending()
    assert plan.to_student == (
        "Your bank has taken this payment back. Until it decides, the booking's money stands still."
    )
    assert plan.to_instructor == (
        "The student's bank has taken this payment back. $105.60 is taken back from you until it decides."
    )


@pytest.mark.rule("P11")
def test_where_nothing_was_paid_nothing_is_taken_back() -> None:
    plan = opened(booked(PaymentStatus.LOCKED, charged_back=13_440))

    assert plan.steps == ()
    assert plan.to_instructor == "The student's bank has taken this payment back."


@pytest.mark.rule("P11")
@pytest.mark.parametrize("call", [Call.TAKE_BACK, Call.REVERSE])
@pytest.mark.parametrize("fault", [Fault.OTHER, Fault.PAYEE])
def test_a_payout_that_cannot_be_taken_back_stops_nothing(call: Call, fault: Fault) -> None:
    facts = paid_out()
    plan, at = opened(facts), SETTLEMENT

    ending = conclude(plan, facts, answered(plan, call, fault=fault), accepted_at=at, now=at, rules=DEFAULT_RULES)

    assert ending == Ending()


# --- Won ------------------------------------------------------------------------------------------------------------


@pytest.mark.rule("P11")
@pytest.mark.parametrize(
    ("case", "paid", "to_student", "to_instructor"),
    [
        (Case(), [], "", ""),
        (Case(to_pay_again=10_560), [(Call.PAY, 10_560)], "", " $105.60 is paid to you again."),
        (Case(comes_back=4_000), [], " You get $40.00 of credit back.", ""),
    ],
)
def test_the_instructor_is_paid_again_and_the_former_state_returns(
    case: Case, paid: list[tuple[Call, int]], to_student: str, to_instructor: str
) -> None:
    plan = won(booked(SETTLED, booking=COMPLETED, captured=13_440, case=case))

    assert (plan.action, plan.rule, plan.version) == (Action.WIN_CHARGEBACK, "P11", DEFAULT_RULES.version)
    assert (calls(plan), plan.ending, plan.booking_status_at_once) == (paid, Ending(), None)
    frozen = "Your bank decided that the payment stands. Credits that were frozen are yours again."
    assert plan.to_student == frozen + to_student
    assert plan.to_instructor == "The student's bank decided that the payment stands." + to_instructor


# --- Lost -----------------------------------------------------------------------------------------------------------


@pytest.mark.rule("P11")
def test_the_disputed_sum_is_a_loss_and_what_was_taken_back_was_not_earned() -> None:
    facts = booked(
        SETTLED, booking=COMPLETED, **CHARGED_BACK, case=Case(in_dispute=13_440),
        books=Books(earnings_balance=-10_560),
    )  # fmt: skip

    plan = lost(facts)

    assert (plan.action, plan.rule, plan.version) == (Action.LOSE_CHARGEBACK, "P11", DEFAULT_RULES.version)
    assert lines(plan) == {Account.IN_DISPUTE: -13_440, Account.EARNINGS: 10_560, Account.LOSSES: 2_880}
    assert (plan.steps, plan.revokes, plan.ending.credits) == ((), 0, CreditMoves())
    assert (plan.ending.payment_status, plan.ending.outcome) == (SETTLED, Outcome.CHARGEBACK_LOST)
    assert plan.to_student == (
        "Your bank decided that you get your money back. Your account is locked until our staff lift it."
    )
    assert plan.to_instructor == "The student's bank decided for the student. You are not paid for this lesson."


@pytest.mark.rule("P11")
def test_what_the_instructor_kept_is_our_loss() -> None:
    facts = booked(
        SETTLED, booking=COMPLETED, **CHARGED_BACK, instructor_holds=10_560, case=Case(in_dispute=13_440),
        books=Books(earnings_balance=-10_560),
    )  # fmt: skip

    assert lines(lost(facts)) == {Account.IN_DISPUTE: -13_440, Account.LOSSES: 13_440}


@pytest.mark.rule("P11")
def test_what_a_lock_held_covers_what_the_bank_took() -> None:
    facts = booked(
        PaymentStatus.LOCKED, charged_back=13_440, case=Case(in_dispute=13_440), books=Books(held_balance=-13_440)
    )

    assert lines(lost(facts)) == {Account.HELD: 13_440, Account.IN_DISPUTE: -13_440}


@pytest.mark.rule("P11")
def test_frozen_credits_are_revoked_and_reserved_ones_released() -> None:
    case = Case(credits_reserved=5_000, issued_left=7_000, issued_frozen=6_000, issued_spent=1_000)

    plan = lost(booked(SETTLED, booking=BookingStatus.CANCELLED, captured=8_440, charged_back=8_440, case=case))

    assert (plan.revokes, plan.ending.credits) == (6_000, CreditMoves(released=5_000))
    assert plan.to_student == (
        "Your bank decided that you get your money back. Your account is locked until our staff lift it."
        " $50.00 goes back to your credits. $60.00 of credit is withdrawn."
    )


@pytest.mark.rule("P11")
def test_a_hold_is_freed() -> None:
    assert calls(lost(booked(PaymentStatus.AUTHORIZED))) == [(Call.VOID, 13_440)]


@pytest.mark.rule("P11")
@pytest.mark.parametrize(
    ("booking", "at", "becomes"),
    [
        (BookingStatus.CONFIRMED, IN[Window.LATE], BookingStatus.CANCELLED),
        (BookingStatus.CONFIRMED, STARTS - timedelta(microseconds=1), BookingStatus.CANCELLED),
        (BookingStatus.CONFIRMED, STARTS, COMPLETED),
        (COMPLETED, SETTLEMENT, None),
        (BookingStatus.CANCELLED, IN[Window.LATE], None),
    ],
)
def test_a_confirmed_booking_is_cancelled_or_completed_if_it_has_begun(
    booking: BookingStatus, at: datetime, becomes: BookingStatus | None
) -> None:
    plan = lost(booked(PaymentStatus.LOCKED, booking=booking, charged_back=13_440), at)

    assert plan.booking_status_at_once == becomes
