"""When the card can't be charged after the lesson (P10.2)."""

from datetime import datetime, timedelta

import pytest

from instainstru.refusals import Refused
from payments.policy.accounts import Account, Line
from payments.policy.conclude import conclude
from payments.policy.decide import decide
from payments.policy.facts import Facts
from payments.policy.plan import CreditMoves, Ending, Plan
from payments.policy.rules import DEFAULT_RULES
from payments.policy.states import Action, BookingStatus, Call, Fault, Outcome, PaymentStatus, ReviewReason, Verdict
from tests.policy.given import SETTLEMENT, SOME_CREDIT, answered, booked

CARD_REFUSED, REVIEW = PaymentStatus.PAYMENT_METHOD_REQUIRED, PaymentStatus.MANUAL_REVIEW
THREE_DAYS = timedelta(hours=72)
MOMENT = timedelta(microseconds=1)


def refused_since(first: datetime | None = SETTLEMENT, **changes) -> Facts:
    return booked(CARD_REFUSED, booking=BookingStatus.COMPLETED, collection_refused_at=first, **changes)


def owing(**changes) -> Facts:
    return booked(
        REVIEW, booking=BookingStatus.COMPLETED, outcome=Outcome.INSTRUCTOR_ADVANCED, owed=13_440,
        instructor_holds=10_560, **changes,
    )  # fmt: skip


def refused_settlement(facts: Facts, at: datetime) -> Ending:
    plan = decide(facts, Action.SETTLE, at, rules=DEFAULT_RULES)
    return conclude(plan, facts, answered(plan, Call.AUTHORIZE), accepted_at=at, now=at, rules=DEFAULT_RULES)


# --- 72 hours -------------------------------------------------------------------------------------------------------

TRIES = {  # first refused -> when it is refused again, whether the payout is advanced then
    "the first refusal": (None, SETTLEMENT, False),
    "4 hours on": (SETTLEMENT, SETTLEMENT + timedelta(hours=4), False),
    "a moment before 72 hours": (SETTLEMENT, SETTLEMENT + THREE_DAYS - MOMENT, False),
    "at 72 hours": (SETTLEMENT, SETTLEMENT + THREE_DAYS, True),
    "after an outage of ours": (SETTLEMENT, SETTLEMENT + timedelta(days=9), True),
}


@pytest.mark.rule("P10.2")
@pytest.mark.parametrize(("first", "at", "advances"), TRIES.values(), ids=TRIES)
def test_three_days_of_refusals_advance_the_payout(first: datetime | None, at: datetime, advances: bool) -> None:
    ending = refused_settlement(refused_since(first), at)

    assert (ending.payment_status, ending.refusal_code) == (CARD_REFUSED, "card_declined")
    assert ending.successor == (Action.ADVANCE if advances else None)


@pytest.mark.rule("P10.2")
def test_a_try_after_72_hours_that_works_settles_as_ever() -> None:
    plan = decide(refused_since(), Action.SETTLE, SETTLEMENT + THREE_DAYS, rules=DEFAULT_RULES)

    assert plan.ending.outcome == Outcome.LESSON_COMPLETED


# --- The advance ----------------------------------------------------------------------------------------------------


def advanced(facts: Facts, at: datetime = SETTLEMENT + THREE_DAYS) -> Plan:
    return decide(facts, Action.ADVANCE, at, rules=DEFAULT_RULES)


@pytest.mark.rule("P10.2")
def test_the_platform_pays_the_instructor_and_the_student_owes_the_cards_part() -> None:
    plan = advanced(refused_since(terms=SOME_CREDIT))

    assert [(step.call, step.amount) for step in plan.steps] == [(Call.PAY, 10_560)]
    assert (plan.ending.payment_status, plan.ending.review_reason) == (REVIEW, ReviewReason.COLLECTION_FAILED)
    assert plan.ending.outcome == Outcome.INSTRUCTOR_ADVANCED
    assert plan.ending.credits == CreditMoves(consumed=5_000)
    assert set(plan.ending.lines) == {
        Line(Account.RECEIVABLE, 8_440),
        Line(Account.CREDITS, 5_000),
        Line(Account.EARNINGS, -10_560),
        Line(Account.FEE_INCOME, -2_880),
    }


@pytest.mark.rule("P10.2")
def test_every_hold_is_let_go_before_the_advance() -> None:
    plan = advanced(refused_since(hold=13_440, has_pending_intent=True))

    assert [step.call for step in plan.steps] == [Call.VOID, Call.VOID, Call.PAY]


NOT_ADVANCED = {
    "a moment too early": (refused_since(), SETTLEMENT + THREE_DAYS - MOMENT),
    "never refused at settlement": (refused_since(None), SETTLEMENT + THREE_DAYS),
    "before the lesson": (booked(CARD_REFUSED, collection_refused_at=SETTLEMENT), SETTLEMENT + THREE_DAYS),
    "paid meanwhile": (
        booked(PaymentStatus.SETTLED, booking=BookingStatus.COMPLETED, collection_refused_at=SETTLEMENT),
        SETTLEMENT + THREE_DAYS,
    ),
}


@pytest.mark.rule("P10.2")
@pytest.mark.parametrize(("facts", "at"), NOT_ADVANCED.values(), ids=NOT_ADVANCED)
def test_nothing_else_is_advanced(facts: Facts, at: datetime) -> None:
    with pytest.raises(Refused) as refusal:
        advanced(facts, at)

    assert refusal.value.code == "already_settled"


@pytest.mark.rule("P10.3")
def test_an_advance_that_stripe_refuses_waits_for_staff_with_the_debt_booked() -> None:
    facts = refused_since()
    plan = advanced(facts)

    at, answers = SETTLEMENT + THREE_DAYS, answered(plan, Call.PAY, fault=Fault.OTHER)
    ending = conclude(plan, facts, answers, accepted_at=at, now=at, rules=DEFAULT_RULES)

    assert (ending.payment_status, ending.review_reason) == (REVIEW, ReviewReason.PAYOUT_REFUSED)
    assert ending.lines == plan.ending.lines


# --- Paying later ---------------------------------------------------------------------------------------------------


@pytest.mark.rule("P10.2")
def test_paying_later_is_a_plain_charge_that_leaves_the_outcome() -> None:
    plan = decide(owing(), Action.COLLECT, SETTLEMENT + timedelta(days=10), rules=DEFAULT_RULES)

    assert [(step.call, step.amount, step.transfer) for step in plan.steps] == [(Call.CHARGE, 13_440, 0)]
    assert plan.ending == Ending(payment_status=PaymentStatus.SETTLED, outcome=Outcome.INSTRUCTOR_ADVANCED)


@pytest.mark.rule("P10.2")
def test_paying_later_again_gives_up_what_waits_at_the_bank() -> None:
    plan = decide(owing(has_pending_intent=True), Action.COLLECT, SETTLEMENT, rules=DEFAULT_RULES)

    assert [step.call for step in plan.steps] == [Call.VOID, Call.CHARGE]


@pytest.mark.rule("P10.2")
@pytest.mark.parametrize(
    ("verdict", "code"), [(Verdict.REFUSED, "card_declined"), (Verdict.ACTION_REQUIRED, "authentication_required")]
)
@pytest.mark.parametrize("action", [Action.COLLECT, Action.CONFIRM_AUTHORIZATION])
def test_a_debt_that_the_card_does_not_pay_stays(action: Action, verdict: Verdict, code: str) -> None:
    facts = owing(has_pending_intent=action == Action.CONFIRM_AUTHORIZATION)
    plan = decide(facts, action, SETTLEMENT, rules=DEFAULT_RULES)
    answers = answered(plan, plan.steps[-1].call, verdict=verdict)

    assert conclude(plan, facts, answers, accepted_at=SETTLEMENT, now=SETTLEMENT, rules=DEFAULT_RULES) == Ending(
        refusal_code=code
    )


@pytest.mark.rule("P10.2")
def test_coming_back_from_the_bank_pays_the_debt() -> None:
    plan = decide(owing(has_pending_intent=True), Action.CONFIRM_AUTHORIZATION, SETTLEMENT, rules=DEFAULT_RULES)

    assert plan.ending == Ending(payment_status=PaymentStatus.SETTLED, outcome=Outcome.INSTRUCTOR_ADVANCED)


@pytest.mark.rule("P10.2")
def test_nothing_is_collected_that_is_not_owed() -> None:
    with pytest.raises(Refused) as refusal:
        decide(refused_since(), Action.COLLECT, SETTLEMENT, rules=DEFAULT_RULES)

    assert refusal.value.code == "already_settled"
