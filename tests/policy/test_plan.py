"""A plan's form: it is stored and read back, and its digest follows its consequences alone (design 3)."""

import json
import re
from dataclasses import FrozenInstanceError, replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.policy.accounts import Account, Line, balanced, earned_lines
from payments.policy.decide import decide
from payments.policy.plan import CreditMoves, Ending, Plan, ending_as_json, ending_from_json
from payments.policy.rules import DEFAULT_RULES
from payments.policy.states import Action, BookingStatus, Call, Outcome, PaymentStatus, ReviewReason
from payments.policy.windows import Window
from tests.policy import strategies
from tests.policy.given import IN, SOME_CREDIT, booked


@pytest.fixture
def plan() -> Plan:
    """A late cancellation, in which everything that a plan can say is said."""
    facts = booked(PaymentStatus.SCHEDULED, terms=SOME_CREDIT)
    return decide(facts, Action.STUDENT_CANCEL, IN[Window.LATE], rules=DEFAULT_RULES)


@given(strategies.plans)
def test_a_plan_survives_being_stored(plan: Plan) -> None:
    assert Plan.from_json(json.loads(json.dumps(plan.as_json()))) == plan


@given(strategies.plans)
def test_a_plan_that_was_stored_before_plans_revoked_anything_revokes_nothing(plan: Plan) -> None:
    stored = plan.as_json()
    del stored["revokes"]

    assert Plan.from_json(stored) == replace(plan, revokes=0)


@given(strategies.endings)
def test_an_ending_survives_being_stored(ending: Ending) -> None:
    assert ending_from_json(json.loads(json.dumps(ending_as_json(ending)))) == ending


@given(strategies.decisions())
def test_what_is_decided_survives_being_stored_with_its_digest(decision) -> None:
    _, plan, _ = decision

    stored = Plan.from_json(json.loads(json.dumps(plan.as_json())))

    assert (stored, stored.digest) == (plan, plan.digest)


# --- The digest -----------------------------------------------------------------------------------------------------


@given(strategies.plans)
def test_a_digest_has_32_signs(plan: Plan) -> None:
    assert re.fullmatch("[0-9a-f]{32}", plan.digest)


@given(strategies.plans, st.text(), st.text())
def test_wording_never_makes_a_preview_stale(plan: Plan, to_student: str, to_instructor: str) -> None:
    assert replace(plan, to_student=to_student, to_instructor=to_instructor).digest == plan.digest


@pytest.mark.rule("P3.1")
@pytest.mark.parametrize("window", [*Window][:3])
def test_the_passing_of_time_within_a_window_never_makes_a_preview_stale(window: Window) -> None:
    facts = booked(PaymentStatus.AUTHORIZED)
    shown, confirmed = (
        decide(facts, Action.STUDENT_CANCEL, IN[window] + later, rules=DEFAULT_RULES)
        for later in (timedelta(0), timedelta(minutes=90))
    )

    assert shown.digest == confirmed.digest


@pytest.mark.rule("P3.1")
def test_another_window_makes_a_preview_stale() -> None:
    facts = booked(PaymentStatus.AUTHORIZED)
    digests = {
        decide(facts, Action.STUDENT_CANCEL, IN[window], rules=DEFAULT_RULES).digest
        for window in (Window.EARLY, Window.MIDDLE, Window.LATE)
    }

    assert len(digests) == 3


def changed(plan: Plan) -> dict[str, Plan]:
    """Return the plan with one consequence changed at a time."""
    step, ending = plan.steps[0], plan.ending
    first, second, *more = ending.lines
    shifted = (Line(first.account, first.amount + 1), Line(second.account, second.amount - 1), *more)
    return {
        "action": replace(plan, action=Action.INSTRUCTOR_CANCEL),
        "rule": replace(plan, rule="P7.9"),
        "policy version": replace(plan, version="2.1.2"),
        "status at once": replace(plan, booking_status_at_once=None),
        "a call's amount": replace(plan, steps=(replace(step, amount=step.amount + 1), *plan.steps[1:])),
        "a call's transfer": replace(plan, steps=(replace(step, transfer=step.transfer + 1), *plan.steps[1:])),
        "a call's presence": replace(plan, steps=(replace(step, on_session=True), *plan.steps[1:])),
        "a call's kind": replace(plan, steps=(replace(step, call=Call.VOID), *plan.steps[1:])),
        "the order of calls": replace(plan, steps=plan.steps[::-1]),
        "one call less": replace(plan, steps=plan.steps[:-1]),
        "payment status": replace(plan, ending=replace(ending, payment_status=PaymentStatus.LOCKED)),
        "booking status": replace(plan, ending=replace(ending, booking_status=BookingStatus.COMPLETED)),
        "outcome": replace(plan, ending=replace(ending, outcome=Outcome.STUDENT_MIDDLE)),
        "reason": replace(plan, ending=replace(ending, review_reason=ReviewReason.VOID_REFUSED)),
        "credits": replace(plan, ending=replace(ending, credits=CreditMoves(released=5_000, issued=999))),
        "lines": replace(plan, ending=replace(ending, lines=shifted)),
        "successor": replace(plan, ending=replace(ending, successor=Action.END_UNPAID)),
    }


def test_every_change_of_consequence_makes_a_preview_stale(plan: Plan) -> None:
    variants = {"none": plan, **changed(plan)}

    digests = {name: variant.digest for name, variant in variants.items()}

    assert len(set(digests.values())) == len(digests), digests
    assert [name for name, variant in variants.items() if plan.does_the_same_as(variant)] == ["none"]


@given(strategies.plans, strategies.plans, st.text())
def test_plans_do_the_same_exactly_if_their_digests_are_equal(plan: Plan, other: Plan, words: str) -> None:
    assert plan.does_the_same_as(other) == (plan.digest == other.digest)
    assert plan.does_the_same_as(replace(plan, to_student=words, to_instructor=words))


def test_a_plan_can_not_be_changed(plan: Plan) -> None:
    for thing, name in ((plan, "rule"), (plan.ending, "outcome"), (plan.steps[0], "amount")):
        with pytest.raises(FrozenInstanceError):
            setattr(thing, name, None)


# --- Lines ----------------------------------------------------------------------------------------------------------


def test_lines_that_do_not_balance_are_refused() -> None:
    with pytest.raises(ValueError, match="do not balance"):
        balanced(Line(Account.HELD, 100), Line(Account.FEE_INCOME, -99))


def test_lines_that_move_nothing_are_left_out() -> None:
    assert balanced(Line(Account.HELD, 0), Line(Account.CREDITS, 0)) == ()
    assert earned_lines(held=100) == (Line(Account.HELD, 100), Line(Account.FEE_INCOME, -100))
