"""What staff may do with a booking's money beside rulings: refunds (P8.6) and cancellations (P8.7)."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instainstru.refusals import Refused
from payments.policy.accounts import Account, Line
from payments.policy.decide import decide
from payments.policy.facts import Books, Facts, Transfer, Wish
from payments.policy.plan import CreditMoves, Plan
from payments.policy.pricing import Terms
from payments.policy.rules import DEFAULT_RULES
from payments.policy.staff import repeated_refund_lines
from payments.policy.states import Action, Bearer, BookingStatus, Call, Outcome, PaymentStatus, ReviewReason
from tests.policy.given import ALL_CREDIT, CARD_ONLY, SETTLEMENT, SOME_CREDIT, booked

SCHEDULED, AUTHORIZED, LOCKED, CARD_REFUSED, SETTLED, REVIEW = (
    PaymentStatus.SCHEDULED,
    PaymentStatus.AUTHORIZED,
    PaymentStatus.LOCKED,
    PaymentStatus.PAYMENT_METHOD_REQUIRED,
    PaymentStatus.SETTLED,
    PaymentStatus.MANUAL_REVIEW,
)
COMPLETED, CANCELLED = BookingStatus.COMPLETED, BookingStatus.CANCELLED
CASES = [ReviewReason.NO_SHOW_REPORTED, ReviewReason.DISPUTE_OPEN, ReviewReason.CHARGEBACK_OPEN]


def calls(plan: Plan) -> list[tuple[Call, int]]:
    return [(step.call, step.amount) for step in plan.steps]


def said(plan: Plan) -> tuple[str, str]:
    return plan.to_student, plan.to_instructor


def lines(plan: Plan) -> dict[Account, int]:
    return {line.account: line.amount for line in plan.ending.lines}


def refusal_of(action: Action, facts: Facts) -> str:
    with pytest.raises(Refused) as refusal:
        decide(facts, action, SETTLEMENT, rules=DEFAULT_RULES)
    return refusal.value.code


# --- Refunds --------------------------------------------------------------------------------------------------------


def paid_out(
    terms: Terms = CARD_ONLY, *, refunded: int = 0, taken_back: int = 0, at_their_cost: int = 0, **asked: Any
) -> Facts:
    """A lesson that was taken and paid, and what staff want refunded; the top-up went by a transfer of its own."""
    top_up = max(0, terms.top_up - taken_back)
    return booked(
        SETTLED,
        booking=COMPLETED,
        terms=terms,
        outcome=Outcome.LESSON_COMPLETED,
        captured=terms.card_total,
        refunded=refunded,
        instructor_holds=terms.payout - taken_back,
        books=Books(
            transfers=(Transfer(id="tr_top_up", left=top_up),) if top_up else (),
            taken_back=taken_back,
            refunded_at_instructors_cost=at_their_cost,
            earnings_balance=taken_back - terms.payout,
        ),
        wish=Wish(**asked),
    )


def refund(facts: Facts) -> Plan:
    return decide(facts, Action.STAFF_REFUND, SETTLEMENT, rules=DEFAULT_RULES)


@pytest.mark.rule("P8.6")
@pytest.mark.parametrize(("asked", "refunded", "back"), [(None, 0, 13_440), (None, 4_000, 9_440), (1, 13_439, 1)])
def test_a_refund_is_never_more_than_what_is_left_and_full_is_all_of_it(asked, refunded: int, back: int) -> None:
    plan = refund(paid_out(refund=asked, refunded=refunded))

    assert calls(plan) == [(Call.REFUND, back)]
    assert lines(plan) == {Account.HELD: -back, Account.LOSSES: back}  # the platform bears it, unless staff say
    assert (plan.ending.payment_status, plan.ending.outcome) == (SETTLED, Outcome.STAFF_REFUND)
    assert plan.ending.credits == CreditMoves()


@pytest.mark.rule("P8.6")
@pytest.mark.parametrize(("asked", "refunded"), [(13_441, 0), (1, 13_440), (None, 13_440), (9_441, 4_000), (0, 0)])
def test_what_is_not_there_is_not_refunded(asked: int | None, refunded: int) -> None:
    with pytest.raises(Refused) as refusal:
        refund(paid_out(refund=asked, refunded=refunded))

    assert refusal.value.code == "refund_exceeds_captured"
    assert refusal.value.context == {"refundable_cents": 13_440 - refunded}


AT_THE_INSTRUCTORS_COST = {  # terms, asked, at their cost before, taken back before -> reversals
    "all of it": (CARD_ONLY, None, 0, 0, [(Call.REVERSE, 10_560)]),
    "a part, rounded half up": (CARD_ONLY, 5_000, 0, 0, [(Call.REVERSE, 3_929)]),  # 3,928.57
    "the rest, less what was taken": (CARD_ONLY, None, 5_000, 3_929, [(Call.REVERSE, 6_631)]),
    "top-up first": (SOME_CREDIT, None, 0, 0, [(Call.TAKE_BACK, 2_120), (Call.REVERSE, 8_440)]),
    "top-up alone": (SOME_CREDIT, 1_000, 0, 0, [(Call.TAKE_BACK, 1_251)]),  # 1,251.18 of 105.60
    "nearly all paid by credit": (ALL_CREDIT, 720, 0, 0, [(Call.TAKE_BACK, 5_280)]),
}


@pytest.mark.rule("P8.6")
@pytest.mark.parametrize(
    ("terms", "asked", "before", "taken", "reversals"), AT_THE_INSTRUCTORS_COST.values(), ids=AT_THE_INSTRUCTORS_COST
)
def test_the_instructor_bears_the_same_share_of_what_was_paid(terms, asked, before, taken, reversals) -> None:
    facts = paid_out(
        terms, refund=asked, refunded=before, taken_back=taken, bearer=Bearer.INSTRUCTOR,
        at_their_cost=before,
    )  # fmt: skip

    plan = refund(facts)

    taken_now = sum(cents for _, cents in reversals)
    assert calls(plan)[:-1] == reversals  # reversed first: if that is refused, nothing is refunded
    assert calls(plan)[-1] == (Call.REFUND, facts.held if asked is None else asked)
    assert lines(plan).get(Account.EARNINGS) == taken_now
    assert lines(plan).get(Account.LOSSES, 0) == calls(plan)[-1][1] - taken_now


@pytest.mark.rule("P8.6")
def test_a_top_up_is_taken_back_by_its_own_transfer() -> None:
    plan = refund(paid_out(SOME_CREDIT, bearer=Bearer.INSTRUCTOR))

    assert [step.of for step in plan.steps] == ["tr_top_up", "", ""]


@pytest.mark.rule("P8.6")
def test_who_has_given_more_than_their_share_already_gives_nothing() -> None:
    """More was taken for a refund that came to nothing in the end."""
    plan = refund(paid_out(refund=1, taken_back=5_000, bearer=Bearer.INSTRUCTOR))

    assert calls(plan) == [(Call.REFUND, 1)]


@pytest.mark.rule("P8.6")
@pytest.mark.parametrize(
    ("held", "booked_lines"),
    [
        (0, {Account.HELD: -1_000, Account.LOSSES: 1_000}),
        (400, {Account.HELD: -600, Account.LOSSES: 600}),
        (1_000, {}),
        (13_440, {}),
    ],
)
def test_what_is_held_for_the_payment_still_is_refunded_first_and_what_is_beyond_it_is_lost(
    held: int, booked_lines: dict[Account, int]
) -> None:
    facts = booked(REVIEW, captured=13_440, review_reason=ReviewReason.REVERSAL_REFUSED, instructor_holds=10_560)
    facts = replace(facts, wish=Wish(refund=1_000), books=Books(held_balance=-held))

    assert lines(refund(facts)) == booked_lines


@pytest.mark.rule("P8.6")
@pytest.mark.rule("P10.3")
@pytest.mark.parametrize(
    ("missing", "booked_lines"),
    [(-5_000, ()), (0, ()), (1, (Line(Account.HELD, -1), Line(Account.LOSSES, 1)))],
)
def test_what_is_no_longer_held_when_a_refund_goes_out_again_is_lost(
    missing: int, booked_lines: tuple[Line, ...]
) -> None:
    facts = booked(REVIEW, captured=13_440, refunded=13_440, review_reason=ReviewReason.REFUND_REFUSED)

    assert repeated_refund_lines(replace(facts, books=Books(held_balance=missing))) == booked_lines


@pytest.mark.rule("P8.6")
def test_what_was_not_booked_as_earned_is_not_lost_by_a_refund() -> None:
    facts = booked(REVIEW, captured=13_440, review_reason=ReviewReason.REVERSAL_REFUSED, instructor_holds=10_560)
    facts = replace(facts, wish=Wish(bearer=Bearer.INSTRUCTOR))

    assert Account.EARNINGS not in lines(refund(facts))


@pytest.mark.rule("P8.6")
def test_both_are_told_what_a_refund_does() -> None:
    borne = refund(paid_out(refund=5_000, bearer=Bearer.INSTRUCTOR))

    assert (borne.rule, borne.version) == ("P8.6", DEFAULT_RULES.version)
    assert said(borne) == (
        "$50.00 goes back to your card.",
        "The student gets $50.00 back. $39.29 of your pay is taken back for it.",
    )
    assert said(refund(paid_out(refund=5_000))) == (
        "$50.00 goes back to your card.",
        "The student gets a refund. Nothing changes for you.",
    )


@pytest.mark.rule("P8.6")
@given(st.lists(st.integers(1, 6_000), min_size=1, max_size=6))
def test_however_it_is_parted_the_instructor_bears_the_same(parts: list[int]) -> None:
    refunded = taken = 0
    for part in parts:
        if refunded + part > CARD_ONLY.card_total:
            break
        facts = paid_out(
            refund=part, refunded=refunded, taken_back=taken, bearer=Bearer.INSTRUCTOR,
            at_their_cost=refunded,
        )  # fmt: skip
        taken += lines(refund(facts)).get(Account.EARNINGS, 0)
        refunded += part

    at_once = refund(paid_out(refund=refunded, bearer=Bearer.INSTRUCTOR))
    assert taken == lines(at_once).get(Account.EARNINGS, 0)


@pytest.mark.rule("P8.6")
@pytest.mark.parametrize("reason", [ReviewReason.PAYOUT_REFUSED, ReviewReason.REFUND_REFUSED])
def test_a_refund_does_not_end_a_stop(reason: ReviewReason) -> None:
    facts = booked(REVIEW, booking=CANCELLED, captured=13_440, review_reason=reason)

    plan = refund(facts)

    assert calls(plan) == [(Call.REFUND, 13_440)]
    assert plan.ending.payment_status is None


@pytest.mark.rule("P8.6")
@pytest.mark.rule("P10.3")
@pytest.mark.parametrize(("reversal_waits", "unearned"), [(True, 0), (False, 5_280)])
def test_what_is_taken_of_a_transfer_that_is_still_to_be_reversed_was_never_earned(
    reversal_waits: bool, unearned: int
) -> None:
    """A late cancellation has earned the instructor half; what is on their account is the charge's whole transfer."""
    facts = booked(
        REVIEW, booking=CANCELLED, review_reason=ReviewReason.REVERSAL_REFUSED, captured=13_440,
        instructor_holds=10_560,
        wish=Wish(bearer=Bearer.INSTRUCTOR), books=Books(earnings_balance=-5_280, reversal_waits=reversal_waits),
    )  # fmt: skip

    plan = refund(facts)

    assert calls(plan) == [(Call.REVERSE, 10_560), (Call.REFUND, 13_440)]
    assert lines(plan).get(Account.EARNINGS, 0) == unearned
    assert lines(plan)[Account.LOSSES] == 13_440 - unearned


NOT_REFUNDED = {
    "before settlement": (booked(AUTHORIZED), "cancel_instead"),
    "locked": (booked(LOCKED), "cancel_instead"),
    "nothing was captured": (booked(SETTLED, booking=CANCELLED), "nothing_captured"),
    **{f"{reason}": (booked(REVIEW, captured=13_440, review_reason=reason), "under_review") for reason in CASES},
}


@pytest.mark.rule("P8.6")
@pytest.mark.parametrize(("facts", "code"), NOT_REFUNDED.values(), ids=NOT_REFUNDED)
def test_what_is_not_refunded(facts: Facts, code: str) -> None:
    assert refusal_of(Action.STAFF_REFUND, facts) == code


# --- Cancellations --------------------------------------------------------------------------------------------------


def cancelled(facts: Facts) -> Plan:
    return decide(facts, Action.STAFF_CANCEL, SETTLEMENT, rules=DEFAULT_RULES)


def with_refund(status: PaymentStatus, *, refund: bool, **changes: Any) -> Facts:
    books = Books(held_balance=-13_440) if status == LOCKED else Books()
    return booked(status, wish=Wish(with_refund=refund), books=books, **changes)


STAFF_CANCEL = {  # status, with refund -> calls, lines
    "scheduled, with refund": (SCHEDULED, True, [], {}),
    "scheduled, without": (SCHEDULED, False, [], {}),
    "card held, with refund": (AUTHORIZED, True, [(Call.VOID, 13_440)], {}),
    "card held, without": (AUTHORIZED, False, [(Call.VOID, 13_440)], {}),
    "card refused, without": (CARD_REFUSED, False, [], {}),
    "locked, with refund": (LOCKED, True, [(Call.REFUND, 13_440)], {}),
    "locked, without": (LOCKED, False, [], {Account.HELD: 13_440, Account.FEE_INCOME: -13_440}),
}


@pytest.mark.rule("P8.7")
@pytest.mark.parametrize("booking", [BookingStatus.CONFIRMED, COMPLETED])
@pytest.mark.parametrize(("status", "refund", "steps", "booked_lines"), STAFF_CANCEL.values(), ids=STAFF_CANCEL)
def test_staff_cancel_with_refund_or_without(status, refund: bool, steps, booked_lines, booking: BookingStatus) -> None:
    plan = cancelled(with_refund(status, refund=refund, booking=booking))

    assert calls(plan) == steps
    assert lines(plan) == booked_lines
    assert plan.booking_status_at_once == CANCELLED
    assert plan.ending.payment_status == SETTLED
    assert plan.ending.outcome == (Outcome.STAFF_REFUND if refund else Outcome.STAFF_NO_REFUND)


@pytest.mark.rule("P8.7")
@pytest.mark.parametrize("refund", [True, False])
def test_reserved_credits_are_released_in_both(refund: bool) -> None:
    plan = cancelled(with_refund(AUTHORIZED, refund=refund, terms=SOME_CREDIT))

    assert plan.ending.credits == CreditMoves(released=5_000)


@pytest.mark.rule("P8.7")
def test_credits_that_a_stopped_ruling_has_released_are_not_released_again() -> None:
    stopped = {"booking": COMPLETED, "review_reason": ReviewReason.VOID_REFUSED, "credits_released": 5_000}

    plan = cancelled(with_refund(REVIEW, refund=True, terms=SOME_CREDIT, **stopped))

    assert plan.ending.credits == CreditMoves()


@pytest.mark.rule("P8.7")
@pytest.mark.parametrize(
    ("facts", "to_student"),
    [
        (with_refund(LOCKED, refund=True), "Our staff cancelled. $134.40 goes back to your card."),
        (with_refund(LOCKED, refund=False), "Our staff cancelled. Nothing more is charged to your card."),
        (
            with_refund(SCHEDULED, refund=True, terms=SOME_CREDIT),
            "Our staff cancelled. Nothing more is charged to your card. $50.00 goes back to your credits.",
        ),
    ],
)
def test_both_are_told_what_staffs_cancelling_does(facts: Facts, to_student: str) -> None:
    assert said(cancelled(facts)) == (to_student, "Our staff cancelled the lesson. You are not paid.")


@pytest.mark.rule("P8.7")
@pytest.mark.parametrize("refund", [True, False])
def test_an_advance_is_taken_back_the_debt_is_cancelled_and_consumed_credit_comes_back(refund: bool) -> None:
    facts = booked(
        REVIEW,
        booking=COMPLETED,
        terms=SOME_CREDIT,
        outcome=Outcome.INSTRUCTOR_ADVANCED,
        review_reason=ReviewReason.COLLECTION_FAILED,
        owed=8_440,
        instructor_holds=10_560,
        credits_consumed=5_000,
        wish=Wish(with_refund=refund),
        books=Books(transfers=(Transfer(id="tr_advance", left=10_560),), earnings_balance=-10_560),
    )

    plan = cancelled(facts)

    assert calls(plan) == [(Call.TAKE_BACK, 10_560)]
    assert plan.ending.credits == CreditMoves(issued=5_000)
    assert lines(plan) == {
        Account.EARNINGS: 10_560,
        Account.RECEIVABLE: -8_440,
        Account.CREDITS: -5_000,
        Account.FEE_INCOME: 2_880,
    }


@pytest.mark.rule("P8.7")
def test_a_stop_is_ended_by_it() -> None:
    facts = booked(REVIEW, captured=13_440, review_reason=ReviewReason.REVERSAL_REFUSED,
                   instructor_holds=10_560, wish=Wish(with_refund=True), books=Books(held_balance=-13_440))  # fmt: skip

    plan = cancelled(facts)

    assert calls(plan) == [(Call.REVERSE, 10_560), (Call.REFUND, 13_440)]  # payouts are reversed first
    assert plan.ending.payment_status == SETTLED


NOT_CANCELLED = {
    "settled": (booked(SETTLED, booking=COMPLETED), "already_settled"),
    "cancelled": (booked(REVIEW, booking=CANCELLED, review_reason=ReviewReason.CAPTURE_REFUSED), "already_completed"),
    **{f"{reason}": (booked(REVIEW, review_reason=reason), "under_review") for reason in CASES},
}


@pytest.mark.rule("P8.7")
@pytest.mark.parametrize(("facts", "code"), NOT_CANCELLED.values(), ids=NOT_CANCELLED)
def test_what_staff_do_not_cancel(facts: Facts, code: str) -> None:
    assert refusal_of(Action.STAFF_CANCEL, facts) == code
