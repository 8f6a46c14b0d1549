"""What a no-show that stands (P8.3) and a dispute ruled for the student (P8.4) do with the money."""

from dataclasses import dataclass
from typing import Any

import pytest

from payments.policy.accounts import Account
from payments.policy.conclude import conclude
from payments.policy.decide import decide
from payments.policy.facts import Books, Case, Facts, Transfer
from payments.policy.plan import NOTHING, CreditMoves, Plan
from payments.policy.rules import DEFAULT_RULES
from payments.policy.states import (
    Action,
    BookingStatus,
    Call,
    Fault,
    NoShowRuling,
    Outcome,
    PaymentStatus,
    ReviewReason,
)
from tests.policy.given import ALL_CREDIT, SETTLEMENT, SOME_CREDIT, answered, booked

SCHEDULED, AUTHORIZED, LOCKED, CARD_REFUSED, SETTLED, REVIEW = (
    PaymentStatus.SCHEDULED,
    PaymentStatus.AUTHORIZED,
    PaymentStatus.LOCKED,
    PaymentStatus.PAYMENT_METHOD_REQUIRED,
    PaymentStatus.SETTLED,
    PaymentStatus.MANUAL_REVIEW,
)
CONFIRMED, COMPLETED, CANCELLED = BookingStatus.CONFIRMED, BookingStatus.COMPLETED, BookingStatus.CANCELLED
INSTRUCTOR, STUDENT, BOTH = NoShowRuling.INSTRUCTOR_ABSENT, NoShowRuling.STUDENT_ABSENT, NoShowRuling.BOTH_ABSENT


def calls(plan: Plan) -> list[tuple[Call, int]]:
    return [(step.call, step.amount) for step in plan.steps]


def lines(plan: Plan) -> dict[Account, int]:
    return {line.account: line.amount for line in plan.ending.lines}


# --- No-shows -------------------------------------------------------------------------------------------------------


def no_show(absent: NoShowRuling | None, status: PaymentStatus = AUTHORIZED, **changes: Any) -> Plan:
    terms = changes.get("terms")
    reserved = terms.credits - changes.get("credits_consumed", 0) if terms else 0
    case = Case(no_show=absent, credits_reserved=reserved)
    return decide(booked(status, case=case, **changes), Action.RULE_NO_SHOW, SETTLEMENT, rules=DEFAULT_RULES)


@dataclass(frozen=True, kw_only=True)
class Absence:
    """How the money of an absence goes when nobody pays: to the card, and to the instructor."""

    status: PaymentStatus
    changes: dict[str, Any]
    calls: list[tuple[Call, int]]
    card: str


NOBODY_PAYS = {
    "card held": Absence(
        status=AUTHORIZED, changes={}, calls=[(Call.VOID, 13_440)], card="Your card is not charged."
    ),
    "nothing held": Absence(status=SCHEDULED, changes={}, calls=[], card="Your card is not charged."),
    "locked": Absence(
        status=LOCKED,
        changes={"books": Books(held_balance=-13_440)},
        calls=[(Call.REFUND, 13_440)],
        card="$134.40 goes back to your card.",
    ),
    "locked, the reversal given up": Absence(
        status=LOCKED,
        changes={"instructor_holds": 10_560, "books": Books(held_balance=-13_440)},
        calls=[(Call.REVERSE, 10_560), (Call.REFUND, 13_440)],
        card="$134.40 goes back to your card.",
    ),
}  # fmt: skip
SAID = {
    INSTRUCTOR: ("Your instructor did not come.", "You did not come, so you are not paid."),
    BOTH: ("Neither side came.", "Neither side came, so you are not paid."),
}
OUTCOMES = {INSTRUCTOR: Outcome.INSTRUCTOR_NO_SHOW, BOTH: Outcome.MUTUAL_NO_SHOW}


@pytest.mark.rule("P8.3")
@pytest.mark.parametrize("absent", [INSTRUCTOR, BOTH])
@pytest.mark.parametrize("absence", NOBODY_PAYS.values(), ids=NOBODY_PAYS)
def test_nobody_pays_for_an_instructor_who_did_not_come(absence: Absence, absent: NoShowRuling) -> None:
    plan = no_show(absent, absence.status, **absence.changes)

    assert (plan.action, plan.rule, plan.version) == (Action.RULE_NO_SHOW, "P8.3", DEFAULT_RULES.version)
    assert calls(plan) == absence.calls
    assert lines(plan) == {}  # what goes back is posted with its step, and nobody earned anything
    assert plan.booking_status_at_once == BookingStatus.NO_SHOW
    assert (plan.ending.payment_status, plan.ending.outcome) == (SETTLED, OUTCOMES[absent])
    to_student, to_instructor = SAID[absent]
    assert (plan.to_student, plan.to_instructor) == (f"{to_student} {absence.card}", to_instructor)


@pytest.mark.rule("P8.3")
@pytest.mark.parametrize("absent", [INSTRUCTOR, BOTH])
def test_reserved_credits_come_back_if_the_instructor_did_not_come(absent: NoShowRuling) -> None:
    plan = no_show(absent, terms=SOME_CREDIT)

    assert plan.ending.credits == CreditMoves(released=5_000)
    assert plan.to_student == f"{SAID[absent][0]} Your card is not charged. $50.00 goes back to your credits."


@pytest.mark.rule("P8.3")
@pytest.mark.parametrize("booking", [CONFIRMED, COMPLETED])
def test_a_student_who_did_not_come_pays_as_if_the_lesson_was_taken(booking: BookingStatus) -> None:
    plan = no_show(STUDENT, terms=SOME_CREDIT, booking=booking)
    settled = decide(booked(AUTHORIZED, terms=SOME_CREDIT), Action.SETTLE, SETTLEMENT, rules=DEFAULT_RULES)

    assert (plan.action, plan.rule) == (Action.RULE_NO_SHOW, "P8.3")
    assert (plan.steps, plan.ending.credits, plan.ending.lines) == (
        settled.steps,
        settled.ending.credits,
        settled.ending.lines,
    )
    assert plan.booking_status_at_once == BookingStatus.NO_SHOW
    assert (plan.ending.payment_status, plan.ending.outcome) == (SETTLED, Outcome.STUDENT_NO_SHOW)
    assert plan.to_student == "You did not come; the lesson counts as given. Your card is charged $84.40."
    assert plan.to_instructor == "The student did not come; the lesson counts as given. $105.60 is paid to you."


@pytest.mark.rule("P8.3")
def test_a_hold_that_has_lapsed_meanwhile_is_made_anew() -> None:
    assert calls(no_show(STUDENT, hold=0)) == [(Call.AUTHORIZE, 13_440), (Call.CAPTURE, 13_440)]


@pytest.mark.rule("P8.3")
def test_a_students_absence_from_what_was_settled_under_the_report_moves_no_money() -> None:
    """P8.1: the settlement's last call was sent already when the report was taken in."""
    plan = no_show(STUDENT, SETTLED, captured=13_440, instructor_holds=10_560)

    assert (plan.action, plan.rule, plan.version) == (Action.RULE_NO_SHOW, "P8.3", DEFAULT_RULES.version)
    assert (calls(plan), plan.ending.credits, plan.ending.lines) == ([], NOTHING, ())
    assert plan.booking_status_at_once == BookingStatus.NO_SHOW
    assert (plan.ending.payment_status, plan.ending.outcome) == (SETTLED, Outcome.STUDENT_NO_SHOW)
    assert plan.to_student == "You did not come; the lesson counts as given. Nothing changes for your card."
    assert plan.to_instructor == "The student did not come; the lesson counts as given. Nothing changes for you."


@pytest.mark.rule("P8.3")
@pytest.mark.parametrize("absent", [INSTRUCTOR, BOTH])
def test_what_was_settled_under_the_report_is_taken_back(absent: NoShowRuling) -> None:
    plan = no_show(
        absent, SETTLED, terms=SOME_CREDIT, captured=8_440, instructor_holds=10_560, credits_consumed=5_000,
        books=Books(earnings_balance=-10_560),
    )  # fmt: skip

    assert calls(plan) == [(Call.REVERSE, 10_560), (Call.REFUND, 8_440)]
    assert plan.ending.credits == CreditMoves(issued=5_000)
    assert lines(plan) == {
        Account.HELD: -8_440,
        Account.EARNINGS: 10_560,
        Account.CREDITS: -5_000,
        Account.FEE_INCOME: 2_880,
    }
    assert plan.to_student == f"{SAID[absent][0]} $84.40 goes back to your card. $50.00 goes back to your credits."


@pytest.mark.rule("P8.3")
@pytest.mark.parametrize("absent", [NoShowRuling.UNFOUNDED, None])
def test_an_unfounded_report_moves_no_money(absent: NoShowRuling | None) -> None:
    with pytest.raises(ValueError, match=f"^{absent} moves no money.$"):
        no_show(absent)


@pytest.mark.rule("P10.2")
@pytest.mark.parametrize("call", [Call.AUTHORIZE, Call.CAPTURE])
def test_a_card_that_is_refused_after_an_absence_is_collected_from_like_any_other(call: Call) -> None:
    facts = booked(SCHEDULED, case=Case(no_show=STUDENT))
    plan = decide(facts, Action.RULE_NO_SHOW, SETTLEMENT, rules=DEFAULT_RULES)

    ending = conclude(plan, facts, answered(plan, call), accepted_at=SETTLEMENT, now=SETTLEMENT, rules=DEFAULT_RULES)

    assert (ending.payment_status, ending.refusal_code, ending.successor) == (CARD_REFUSED, "card_declined", None)


# --- Disputes -------------------------------------------------------------------------------------------------------


def for_the_student(facts: Facts) -> Plan:
    return decide(facts, Action.RULE_DISPUTE, SETTLEMENT, rules=DEFAULT_RULES)


@pytest.mark.rule("P8.4")
def test_what_was_not_captured_is_voided_and_reserved_credits_are_released() -> None:
    plan = for_the_student(booked(AUTHORIZED, terms=SOME_CREDIT, case=Case(credits_reserved=5_000)))

    assert (plan.action, plan.rule, plan.version) == (Action.RULE_DISPUTE, "P8.4", DEFAULT_RULES.version)
    assert calls(plan) == [(Call.VOID, 8_440)]
    assert plan.ending.credits == CreditMoves(released=5_000)
    assert (lines(plan), plan.revokes) == ({}, 0)
    assert (plan.ending.payment_status, plan.ending.outcome) == (SETTLED, Outcome.STUDENT_WINS_DISPUTE)
    assert plan.to_student == (
        "The dispute was decided for you. What is held on your card is freed. $50.00 goes back to your credits."
    )
    assert plan.to_instructor == "The dispute was decided for the student. You are not paid."


@pytest.mark.rule("P8.4")
@pytest.mark.parametrize(
    ("booking", "at_once", "in_the_end"),
    [
        (CONFIRMED, COMPLETED, COMPLETED),  # or it could be cancelled while Stripe says no to the refund
        (BookingStatus.PENDING, None, CANCELLED),
        (COMPLETED, None, None),
        (CANCELLED, None, None),
        (BookingStatus.NO_SHOW, None, None),
    ],
)
def test_a_booking_that_is_still_confirmed_becomes_completed_and_one_that_never_was_is_cancelled(
    booking: BookingStatus, at_once: BookingStatus | None, in_the_end: BookingStatus | None
) -> None:
    plan = for_the_student(booked(AUTHORIZED, booking=booking))

    assert (plan.booking_status_at_once, plan.ending.booking_status) == (at_once, in_the_end)


@pytest.mark.rule("P8.4")
def test_every_payout_is_taken_back_before_what_the_card_paid_goes_back_and_consumed_credits_are_given_anew() -> None:
    facts = booked(
        SETTLED, booking=COMPLETED, terms=SOME_CREDIT, captured=8_440, refunded=1_000, instructor_holds=10_560,
        credits_consumed=5_000,
        books=Books(transfers=(Transfer(id="tr_top_up", left=2_120),), earnings_balance=-10_560),
    )  # fmt: skip

    plan = for_the_student(facts)

    assert calls(plan) == [(Call.TAKE_BACK, 2_120), (Call.REVERSE, 8_440), (Call.REFUND, 7_440)]
    assert plan.ending.credits == CreditMoves(issued=5_000)
    assert lines(plan) == {
        Account.HELD: -7_440,
        Account.EARNINGS: 10_560,
        Account.CREDITS: -5_000,
        Account.FEE_INCOME: 1_880,
    }
    assert plan.to_student == (
        "The dispute was decided for you. $74.40 goes back to your card. $50.00 goes back to your credits."
    )
    assert plan.to_instructor == "The dispute was decided for the student. $105.60 is taken back from you."


@pytest.mark.rule("P8.4")
@pytest.mark.parametrize(("spent", "refunded"), [(0, 13_440), (4_000, 9_440), (13_440, 0), (20_000, 0)])
def test_credits_issued_before_are_revoked_and_what_was_spent_of_them_is_deducted(spent: int, refunded: int) -> None:
    case = Case(issued_left=12_000 - min(spent, 12_000), issued_spent=spent)

    plan = for_the_student(booked(SETTLED, booking=CANCELLED, captured=13_440, case=case))

    assert plan.revokes == case.issued_left
    assert calls(plan) == ([(Call.REFUND, refunded)] if refunded else [])
    withdrawn = f"The ${case.issued_left // 100}.00 of credit that you were given for it is withdrawn."
    assert (withdrawn in plan.to_student) == bool(case.issued_left)
    assert ("goes back to your card" in plan.to_student) == bool(refunded)


@pytest.mark.rule("P8.4")
def test_what_the_bank_has_given_back_already_is_not_refunded() -> None:
    plan = for_the_student(booked(SETTLED, booking=COMPLETED, captured=13_440, refunded=1_000, charged_back=4_000))

    assert calls(plan) == [(Call.REFUND, 8_440)]


@pytest.mark.rule("P8.4")
@pytest.mark.parametrize(("given_back", "issued"), [(0, 6_000), (2_000, 4_000), (6_000, 0)])
def test_forfeited_credits_are_given_back_as_well_but_once(given_back: int, issued: int) -> None:
    facts = booked(
        SETTLED, booking=CANCELLED, terms=ALL_CREDIT, captured=1_440, instructor_holds=5_280,
        case=Case(credits_forfeited=6_000, credits_given_back=given_back),
        books=Books(transfers=(Transfer(id="tr_half", left=5_280),), earnings_balance=-5_280),
    )  # fmt: skip

    plan = for_the_student(facts)

    assert calls(plan) == [(Call.TAKE_BACK, 5_280), (Call.REFUND, 1_440)]
    assert plan.ending.credits == CreditMoves(issued=issued)


@pytest.mark.rule("P8.4")
def test_what_the_student_still_owes_is_cancelled() -> None:
    facts = booked(
        REVIEW, booking=COMPLETED, owed=13_440, instructor_holds=10_560,
        books=Books(transfers=(Transfer(id="tr_advance", left=10_560),), earnings_balance=-10_560),
    )  # fmt: skip

    plan = for_the_student(facts)

    assert calls(plan) == [(Call.TAKE_BACK, 10_560)]
    assert lines(plan) == {Account.EARNINGS: 10_560, Account.RECEIVABLE: -13_440, Account.FEE_INCOME: 2_880}
    assert plan.to_student == "The dispute was decided for you. You owe nothing for it any more."


@pytest.mark.rule("P8.4")
@pytest.mark.parametrize(
    ("action", "call", "reason"),
    [
        (Action.RULE_DISPUTE, Call.REVERSE, ReviewReason.REVERSAL_REFUSED),
        (Action.RULE_DISPUTE, Call.REFUND, ReviewReason.REFUND_REFUSED),
        (Action.RULE_NO_SHOW, Call.REVERSE, ReviewReason.REVERSAL_REFUSED),
        (Action.RULE_NO_SHOW, Call.REFUND, ReviewReason.REFUND_REFUSED),
    ],
)
def test_if_it_cannot_be_taken_back_nothing_is_given(action: Action, call: Call, reason: ReviewReason) -> None:
    case = Case(no_show=INSTRUCTOR, credits_reserved=5_000)
    facts = booked(LOCKED, terms=SOME_CREDIT, instructor_holds=8_440, case=case)
    plan = decide(facts, action, SETTLEMENT, rules=DEFAULT_RULES)

    ending = conclude(
        plan, facts, answered(plan, call, fault=Fault.OTHER), accepted_at=SETTLEMENT, now=SETTLEMENT,
        rules=DEFAULT_RULES,
    )  # fmt: skip

    assert (ending.payment_status, ending.review_reason) == (REVIEW, reason)
    assert not ending.gives
