"""Cancelling (policy section 7): who, when, and where the money was."""

from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from instainstru.refusals import Refused
from payments.policy.accounts import Account, Line
from payments.policy.decide import decide
from payments.policy.facts import Facts
from payments.policy.plan import NOTHING, CreditMoves, Plan
from payments.policy.rules import DEFAULT_RULES
from payments.policy.states import Action, BookingStatus, Call, Outcome, PaymentStatus
from payments.policy.windows import Window
from tests.policy.given import ALL_CREDIT, CARD_ONLY, IN, SOME_CREDIT, STARTS, booked, priced, unpaid_checkout

AUTHORIZE, CAPTURE, REVERSE = Call.AUTHORIZE, Call.CAPTURE, Call.REVERSE
PAY, VOID, REFUND = Call.PAY, Call.VOID, Call.REFUND
SCHEDULED, AUTHORIZED, LOCKED, CARD_REFUSED = (
    PaymentStatus.SCHEDULED,
    PaymentStatus.AUTHORIZED,
    PaymentStatus.LOCKED,
    PaymentStatus.PAYMENT_METHOD_REQUIRED,
)
EARLY, MIDDLE, LATE = Window.EARLY, Window.MIDDLE, Window.LATE


def student_cancels(facts: Facts, window: Window) -> Plan:
    return decide(facts, Action.STUDENT_CANCEL, IN[window], rules=DEFAULT_RULES)


def instructor_cancels(facts: Facts, window: Window = EARLY) -> Plan:
    return decide(facts, Action.INSTRUCTOR_CANCEL, IN[window], rules=DEFAULT_RULES)


# --- The student: every row of the table, wherever the money stands -------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Row:
    """Where the money stood, when the student cancelled, and what that does."""

    rule: str
    status: PaymentStatus
    window: Window
    outcome: Outcome
    steps: tuple[tuple[Call, int], ...] = ()
    credits: CreditMoves = NOTHING
    lines: tuple[Line, ...] = ()
    pending_intent: bool = False
    booking: BookingStatus = BookingStatus.CONFIRMED


CHARGE = ((CAPTURE, 13_440), (REVERSE, 10_560))
FULL_CREDIT = CreditMoves(issued=12_000)
HALF_CREDIT = CreditMoves(issued=6_000)
FEE_KEPT = (Line(Account.HELD, 13_440), Line(Account.CREDITS, -12_000), Line(Account.FEE_INCOME, -1_440))
SHARED = (
    Line(Account.HELD, 13_440),
    Line(Account.CREDITS, -6_000),
    Line(Account.EARNINGS, -5_280),
    Line(Account.FEE_INCOME, -2_160),
)

STUDENT_CANCELS = {
    "early, nothing held yet": Row(
        rule="P7.1", status=SCHEDULED, window=EARLY, outcome=Outcome.STUDENT_EARLY
    ),
    "early, card held": Row(
        rule="P7.1", status=AUTHORIZED, window=EARLY, outcome=Outcome.STUDENT_EARLY, steps=((VOID, 13_440),)
    ),
    "middle, card held": Row(
        rule="P7.2", status=AUTHORIZED, window=MIDDLE, outcome=Outcome.STUDENT_MIDDLE,
        steps=CHARGE, credits=FULL_CREDIT, lines=FEE_KEPT,
    ),
    "late, card held": Row(
        rule="P7.3", status=AUTHORIZED, window=LATE, outcome=Outcome.STUDENT_LATE,
        steps=(*CHARGE, (PAY, 5_280)), credits=HALF_CREDIT, lines=SHARED,
    ),
    "early, locked": Row(
        rule="P7.4", status=LOCKED, window=EARLY, outcome=Outcome.LOCKED_EARLY_ENOUGH,
        credits=FULL_CREDIT, lines=FEE_KEPT,
    ),
    "middle, locked": Row(
        rule="P7.4", status=LOCKED, window=MIDDLE, outcome=Outcome.LOCKED_EARLY_ENOUGH,
        credits=FULL_CREDIT, lines=FEE_KEPT,
    ),
    "late, locked": Row(
        rule="P7.5", status=LOCKED, window=LATE, outcome=Outcome.LOCKED_LATE,
        steps=((PAY, 5_280),), credits=HALF_CREDIT, lines=SHARED,
    ),
    "middle, authorization merely late": Row(
        rule="P7.2", status=SCHEDULED, window=MIDDLE, outcome=Outcome.STUDENT_MIDDLE,
        steps=((AUTHORIZE, 13_440), *CHARGE), credits=FULL_CREDIT, lines=FEE_KEPT,
    ),
    "late, authorization merely late": Row(
        rule="P7.3", status=SCHEDULED, window=LATE, outcome=Outcome.STUDENT_LATE,
        steps=((AUTHORIZE, 13_440), *CHARGE, (PAY, 5_280)), credits=HALF_CREDIT, lines=SHARED,
    ),
    "middle, card refused": Row(
        rule="P7.8", status=CARD_REFUSED, window=MIDDLE, outcome=Outcome.NEVER_PAID
    ),
    "late, card refused": Row(
        rule="P7.8", status=CARD_REFUSED, window=LATE, outcome=Outcome.NEVER_PAID
    ),
    "middle, bank asked for the student": Row(
        rule="P7.8", status=CARD_REFUSED, window=MIDDLE, outcome=Outcome.NEVER_PAID,
        steps=((VOID, 0),), pending_intent=True,
    ),
    "middle, checkout not paid": Row(
        rule="P7.8", status=CARD_REFUSED, window=MIDDLE, outcome=Outcome.NEVER_PAID, booking=BookingStatus.PENDING
    ),
    "late, checkout waits for the bank": Row(
        rule="P7.8", status=CARD_REFUSED, window=LATE, outcome=Outcome.NEVER_PAID,
        steps=((VOID, 0),), pending_intent=True, booking=BookingStatus.PENDING,
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    "row", [pytest.param(row, marks=pytest.mark.rule(row.rule), id=name) for name, row in STUDENT_CANCELS.items()]
)
def test_student_cancellation_follows_the_table(row: Row) -> None:
    facts = booked(row.status, booking=row.booking, has_pending_intent=row.pending_intent)

    plan = student_cancels(facts, row.window)

    assert (plan.action, plan.rule, plan.version) == (Action.STUDENT_CANCEL, row.rule, "2.1.1")
    assert tuple((step.call, step.amount) for step in plan.steps) == row.steps
    assert plan.ending.credits == row.credits
    assert plan.ending.lines == row.lines
    assert (plan.ending.payment_status, plan.ending.outcome) == (PaymentStatus.SETTLED, row.outcome)
    assert plan.booking_status_at_once == BookingStatus.CANCELLED
    assert plan.ending.successor is None


@pytest.mark.rule("P2.1")
def test_a_cancellation_that_charges_carries_the_transfer_of_the_terms() -> None:
    steps = {step.call: step for step in student_cancels(booked(SCHEDULED, terms=ALL_CREDIT), MIDDLE).steps}

    assert (steps[AUTHORIZE].amount, steps[AUTHORIZE].transfer) == (1_440, 1_440)
    assert (steps[CAPTURE].amount, steps[CAPTURE].transfer) == (1_440, 1_440)
    assert steps[REVERSE].amount == 1_440
    assert not steps[AUTHORIZE].on_session  # nobody waits at the bank's page when a lesson is cancelled


# --- Credits: T, and what becomes of CR -----------------------------------------------------------------------------

CREDITS = {  # terms, window, status -> released, issued, forfeited
    "P7.1 all credit": (ALL_CREDIT, EARLY, SCHEDULED, (12_000, 0, 0)),
    "P7.1 some credit": (SOME_CREDIT, EARLY, AUTHORIZED, (5_000, 0, 0)),
    "P7.2 all credit": (ALL_CREDIT, MIDDLE, AUTHORIZED, (12_000, 0, 0)),
    "P7.2 some credit": (SOME_CREDIT, MIDDLE, AUTHORIZED, (5_000, 7_000, 0)),
    "P7.3 all credit": (ALL_CREDIT, LATE, AUTHORIZED, (6_000, 0, 6_000)),
    "P7.3 less credit than half": (SOME_CREDIT, LATE, AUTHORIZED, (5_000, 1_000, 0)),
    "P7.3 exactly half in credit": (priced(credits=6_000), LATE, AUTHORIZED, (6_000, 0, 0)),
    "P7.3 a cent more than half": (priced(credits=6_001), LATE, AUTHORIZED, (6_000, 0, 1)),
    "P7.4 some credit": (SOME_CREDIT, MIDDLE, LOCKED, (5_000, 7_000, 0)),
    "P7.5 all credit": (ALL_CREDIT, LATE, LOCKED, (6_000, 0, 6_000)),
    "P7.8 all credit": (ALL_CREDIT, LATE, CARD_REFUSED, (12_000, 0, 0)),
}


@pytest.mark.parametrize(
    ("terms", "window", "status", "expected"),
    [pytest.param(*case, marks=pytest.mark.rule(name.split()[0]), id=name) for name, case in CREDITS.items()],
)
def test_credits_go_back_up_to_the_target(terms, window, status, expected) -> None:
    moves = student_cancels(booked(status, terms=terms), window).ending.credits

    assert (moves.released, moves.issued, moves.forfeited) == expected
    assert moves.consumed == 0


@pytest.mark.rule("P7.3")
def test_odd_prices_share_by_rounding_half_up() -> None:
    odd = priced(12_345)  # SF 14.81, IF 14.81, P 108.64, HC 61.73, HP 54.32

    plan = student_cancels(booked(AUTHORIZED, terms=odd), LATE)

    assert plan.ending.credits.issued == 6_173
    assert plan.steps[-1].amount == 5_432
    assert plan.ending.lines == (
        Line(Account.HELD, 13_826),
        Line(Account.CREDITS, -6_173),
        Line(Account.EARNINGS, -5_432),
        Line(Account.FEE_INCOME, -2_221),
    )


@pytest.mark.rule("P7.3")
@pytest.mark.rule("P7.5")
@pytest.mark.parametrize("status", [AUTHORIZED, LOCKED])
def test_credits_that_are_lost_pay_for_the_half_like_the_card(status: PaymentStatus) -> None:
    assert student_cancels(booked(status, terms=ALL_CREDIT), LATE).ending.lines == (
        Line(Account.HELD, 1_440),
        Line(Account.CREDITS, 6_000),
        Line(Account.EARNINGS, -5_280),
        Line(Account.FEE_INCOME, -2_160),
    )


# --- Windows are those of the instant -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before_start", "rule"),
    [
        pytest.param(timedelta(hours=24), "P7.1", marks=pytest.mark.rule("P7.1")),
        pytest.param(timedelta(hours=24, microseconds=-1), "P7.2", marks=pytest.mark.rule("P7.2")),
        pytest.param(timedelta(hours=12), "P7.2", marks=pytest.mark.rule("P7.2")),
        pytest.param(timedelta(hours=12, microseconds=-1), "P7.3", marks=pytest.mark.rule("P7.3")),
        pytest.param(timedelta(microseconds=1), "P7.3", marks=pytest.mark.rule("P7.3")),
    ],
)
def test_the_instant_of_the_request_decides(before_start: timedelta, rule: str) -> None:
    plan = decide(booked(AUTHORIZED), Action.STUDENT_CANCEL, STARTS - before_start, rules=DEFAULT_RULES)

    assert plan.rule == rule


@pytest.mark.rule("P7.4")
@pytest.mark.parametrize(("moment", "rule"), [(timedelta(0), "P7.4"), (timedelta(microseconds=1), "P7.5")])
def test_a_locked_booking_has_one_boundary_at_12_hours(moment: timedelta, rule: str) -> None:
    instant = STARTS - timedelta(hours=12) + moment

    assert decide(booked(LOCKED), Action.STUDENT_CANCEL, instant, rules=DEFAULT_RULES).rule == rule


# --- Holds that are not what they seem ------------------------------------------------------------------------------


@pytest.mark.rule("P10.2")
def test_a_lapsed_hold_is_made_anew_before_it_is_charged() -> None:
    plan = student_cancels(booked(AUTHORIZED, hold=0), MIDDLE)

    assert [step.call for step in plan.steps] == [AUTHORIZE, CAPTURE, REVERSE]


@pytest.mark.rule("P7.8")
def test_an_intent_that_waits_at_the_bank_is_cancelled_before_a_new_hold() -> None:
    plan = student_cancels(booked(SCHEDULED, has_pending_intent=True), LATE)

    assert [step.call for step in plan.steps] == [VOID, AUTHORIZE, CAPTURE, REVERSE, PAY]


@pytest.mark.rule("P10.3")
@pytest.mark.parametrize(("holds", "paid", "lost"), [(1_000, 4_280, 0), (5_280, 0, 0), (10_560, 0, 5_280)])
def test_what_the_instructor_already_holds_counts_towards_the_half(holds: int, paid: int, lost: int) -> None:
    """After a reversal that was given up the instructor has part of it, or more, which is the platform's loss."""
    plan = student_cancels(booked(LOCKED, instructor_holds=holds), LATE)

    booked_lines = {line.account: line.amount for line in plan.ending.lines}
    assert sum(step.amount for step in plan.steps if step.call == PAY) == paid
    assert booked_lines[Account.EARNINGS] == -5_280 - lost
    assert booked_lines.get(Account.LOSSES, 0) == lost


# --- The instructor -------------------------------------------------------------------------------------------------

INSTRUCTOR_CANCELS = {  # facts -> steps
    "nothing held yet": (booked(SCHEDULED), ()),
    "card held": (booked(AUTHORIZED), ((VOID, 13_440),)),
    "card refused": (booked(CARD_REFUSED), ()),
    "bank asked for the student": (booked(CARD_REFUSED, has_pending_intent=True), ((VOID, 0),)),
    "hold, and another intent at the bank": (
        booked(AUTHORIZED, has_pending_intent=True),
        ((VOID, 0), (VOID, 13_440)),
    ),
    "locked": (booked(LOCKED), ((REFUND, 13_440),)),
    "locked and partly refunded": (booked(LOCKED, refunded=440), ((REFUND, 13_000),)),
}


@pytest.mark.rule("P7.6")
@pytest.mark.parametrize("window", [EARLY, MIDDLE, LATE, Window.STARTED])
@pytest.mark.parametrize(("facts", "steps"), INSTRUCTOR_CANCELS.values(), ids=INSTRUCTOR_CANCELS)
def test_the_instructor_gives_everything_back_whenever_it_is(facts, steps, window: Window) -> None:
    plan = instructor_cancels(facts, window)

    assert (plan.rule, plan.ending.outcome) == ("P7.6", Outcome.INSTRUCTOR_CANCELLED)
    assert plan.ending.payment_status == PaymentStatus.SETTLED
    assert tuple((step.call, step.amount) for step in plan.steps) == steps
    assert plan.ending.lines == ()  # what goes back to the card is posted with its step, and nobody earned anything
    assert plan.booking_status_at_once == BookingStatus.CANCELLED


@pytest.mark.rule("P7.6")
@pytest.mark.rule("P10.3")
def test_what_the_instructor_keeps_of_a_lock_that_was_not_reversed_is_a_loss() -> None:
    plan = instructor_cancels(booked(LOCKED, instructor_holds=10_560), LATE)

    assert plan.ending.lines == (Line(Account.EARNINGS, -10_560), Line(Account.LOSSES, 10_560))


@pytest.mark.rule("P7.6")
@pytest.mark.parametrize("terms", [CARD_ONLY, SOME_CREDIT, ALL_CREDIT], ids=["none", "some", "all"])
def test_the_instructor_gives_every_credit_back(terms) -> None:
    moves = instructor_cancels(booked(AUTHORIZED, terms=terms)).ending.credits

    assert moves == CreditMoves(released=terms.credits)


# --- Refusals -------------------------------------------------------------------------------------------------------

OVER = {
    "settled": (booked(PaymentStatus.SETTLED, booking=BookingStatus.CANCELLED), "already_settled"),
    "settled and completed": (booked(PaymentStatus.SETTLED, booking=BookingStatus.COMPLETED), "already_settled"),
    "under review": (booked(PaymentStatus.MANUAL_REVIEW), "under_review"),
    "completed": (booked(AUTHORIZED, booking=BookingStatus.COMPLETED), "already_completed"),
    "locked and completed": (booked(LOCKED, booking=BookingStatus.COMPLETED), "already_completed"),
}


@pytest.mark.rule("P7.7")
@pytest.mark.parametrize("status", [*PaymentStatus])
def test_after_the_start_a_student_does_not_cancel_whatever_the_money_does(status: PaymentStatus) -> None:
    """A window already past is told by its own code, before `already_settled` and `under_review` (section 12)."""
    for instant in (STARTS, STARTS + timedelta(microseconds=1), STARTS + timedelta(days=90)):
        with pytest.raises(Refused) as refusal:
            decide(booked(status), Action.STUDENT_CANCEL, instant, rules=DEFAULT_RULES)
        assert refusal.value.code == "lesson_started"


@pytest.mark.rule("P7.10")
@pytest.mark.parametrize(("facts", "code"), OVER.values(), ids=OVER)
@pytest.mark.parametrize("action", [Action.STUDENT_CANCEL, Action.INSTRUCTOR_CANCEL])
def test_what_is_over_is_not_cancelled(action: Action, facts: Facts, code: str) -> None:
    with pytest.raises(Refused) as refusal:
        decide(facts, action, IN[EARLY], rules=DEFAULT_RULES)

    assert refusal.value.code == code


@pytest.mark.rule("P7.6")
def test_a_completed_lesson_is_not_cancelled_by_its_instructor_after_the_start() -> None:
    with pytest.raises(Refused) as refusal:
        instructor_cancels(booked(AUTHORIZED, booking=BookingStatus.COMPLETED), Window.STARTED)

    assert refusal.value.code == "already_completed"


# --- What people are told -------------------------------------------------------------------------------------------

SENTENCES = {
    "P7.1": (booked(SCHEDULED), EARLY, "Your card is not charged."),
    "P7.2": (booked(AUTHORIZED), MIDDLE, "Your card is charged $134.40. You get $120.00 in new credits."),
    "P7.3": (booked(AUTHORIZED), LATE, "Your card is charged $134.40. You get $60.00 in new credits."),
    "P7.5": (
        booked(LOCKED, terms=ALL_CREDIT),
        LATE,
        (
            "Your card paid $14.40 before, and is not charged again. $60.00 goes back to your credits. "
            "$60.00 of the credits you used is lost."
        ),
    ),
    "P7.8": (booked(CARD_REFUSED), LATE, "Your card is not charged."),
}


@pytest.mark.parametrize(
    ("facts", "window", "sentence"),
    [pytest.param(*case, marks=pytest.mark.rule(rule), id=rule) for rule, case in SENTENCES.items()],
)
def test_the_student_is_told_what_it_costs(facts: Facts, window: Window, sentence: str) -> None:
    assert student_cancels(facts, window).to_student == sentence


@pytest.mark.rule("P7.3")
def test_the_instructor_is_told_what_is_paid() -> None:
    assert "$52.80 is paid to you" in student_cancels(booked(AUTHORIZED), LATE).to_instructor
    assert "You are not paid" in student_cancels(booked(AUTHORIZED), MIDDLE).to_instructor
    assert "You are not paid" in instructor_cancels(booked(LOCKED)).to_instructor


@pytest.mark.rule("P7.6")
def test_both_are_told_when_the_instructor_cancels() -> None:
    locked = instructor_cancels(booked(LOCKED, terms=SOME_CREDIT))

    assert locked.to_student == "Your instructor cancelled. $84.40 goes back to your card and $50.00 to your credits."
    assert instructor_cancels(booked(SCHEDULED)).to_student == ("Your instructor cancelled. Your card was not charged.")


def test_a_cancellation_never_looks_at_what_it_need_not() -> None:
    """The reference instants of a booking do not matter beside its start."""
    facts = booked(AUTHORIZED)
    moved = replace(facts, made_at=facts.made_at - timedelta(days=5), ends_at=facts.ends_at + timedelta(hours=2))

    assert student_cancels(facts, LATE) == student_cancels(moved, LATE)


def test_a_pending_checkout_is_cancelled_like_a_refused_card() -> None:
    facts = unpaid_checkout(SOME_CREDIT, has_pending_intent=True)

    plan = student_cancels(facts, MIDDLE)

    assert [step.call for step in plan.steps] == [VOID]
    assert plan.ending.credits == CreditMoves(released=5_000)
