"""What holds for every booking and every action, however it came to be (design 3)."""

from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from instainstru.refusals import RefusalCode, Refused
from payments.policy.accounts import Account
from payments.policy.conclude import conclude
from payments.policy.decide import decide
from payments.policy.facts import Facts
from payments.policy.plan import NOTHING, CreditMoves, Ending, Plan
from payments.policy.rules import DEFAULT_RULES
from payments.policy.states import BY_STAFF, Action, BookingStatus, Call, PaymentStatus
from payments.policy.windows import Window, window_at
from tests.policy import strategies
from tests.policy.given import SETTLEMENT

Decision = tuple[Facts, Plan, datetime]


def line(ending: Ending, account: Account) -> int:
    return sum(line.amount for line in ending.lines if line.account == account)


def called(plan: Plan, *calls: Call) -> int:
    return sum(step.amount for step in plan.steps if step.call in calls)


@given(strategies.facts(), st.sampled_from(Action), strategies.instants)
def test_the_same_question_has_the_same_answer(facts: Facts, action: Action, now: datetime) -> None:
    def ask() -> Plan | str:
        try:
            return decide(facts, action, now, rules=DEFAULT_RULES)
        except Refused as refusal:
            return refusal.code

    assert ask() == ask()


@given(strategies.facts(), st.sampled_from(Action), strategies.instants)
def test_a_refusal_says_why_and_what_can_be_done(facts: Facts, action: Action, now: datetime) -> None:
    try:
        decide(facts, action, now, rules=DEFAULT_RULES)
    except Refused as refusal:
        said = refusal
    else:
        return

    assert said.code in RefusalCode
    assert said.message
    assert said.what_can_be_done


@given(strategies.decisions())
def test_every_plan_names_its_rule_and_version_and_tells_both_sides(decision: Decision) -> None:
    _, plan, _ = decision

    assert plan.rule.startswith("P")
    assert plan.version == DEFAULT_RULES.version
    assert plan.to_student
    assert plan.to_instructor


@pytest.mark.rule("P1.1")
@given(strategies.decisions())
def test_the_lines_of_every_plan_balance(decision: Decision) -> None:
    _, plan, _ = decision

    assert sum(line.amount for line in plan.ending.lines) == 0
    assert all(line.amount for line in plan.ending.lines)


@pytest.mark.rule("P4.3")
@given(strategies.decisions())
def test_an_end_has_an_outcome_and_only_an_end_has_one(decision: Decision) -> None:
    _, plan, _ = decision

    if plan.ending.payment_status == PaymentStatus.SETTLED:
        assert plan.ending.outcome is not None
    else:
        assert plan.ending.outcome is None or plan.ending.payment_status == PaymentStatus.MANUAL_REVIEW


@pytest.mark.rule("P9.2")
@given(strategies.decisions())
def test_every_reserved_credit_goes_somewhere_exactly_once(decision: Decision) -> None:
    facts, plan, _ = decision
    assume(plan.ending.payment_status == PaymentStatus.SETTLED and plan.action != Action.COLLECT)
    moves = plan.ending.credits

    still_reserved = facts.terms.credits - facts.credits_consumed  # an advance has used them up (P10.2)
    assert moves.released + moves.forfeited + moves.consumed == still_reserved
    assert min(moves.released, moves.issued, moves.forfeited, moves.consumed) >= 0
    assert not (moves.issued and moves.forfeited)
    assert line(plan.ending, Account.CREDITS) == moves.used - moves.issued


@pytest.mark.rule("P7.3")
@given(
    strategies.facts(
        statuses=set(PaymentStatus) - {PaymentStatus.SETTLED, PaymentStatus.MANUAL_REVIEW},
        bookings={BookingStatus.CONFIRMED},
    ),
    strategies.before_the_start,
)
def test_a_students_cancellation_returns_the_target(facts: Facts, now: datetime) -> None:
    """T: released = min(CR, T), issued = max(0, T − CR), forfeited = max(0, CR − T) (policy section 7)."""
    plan = decide(facts, Action.STUDENT_CANCEL, now, rules=DEFAULT_RULES)
    terms, window = facts.terms, window_at(now, starts_at=facts.starts_at, rules=DEFAULT_RULES)
    if facts.payment_status == PaymentStatus.PAYMENT_METHOD_REQUIRED or plan.rule == "P7.1":
        target = terms.credits
    else:
        target = terms.half_credit if window == Window.LATE else terms.lesson_price

    moves = plan.ending.credits

    assert moves.released == min(terms.credits, target)
    assert moves.issued == max(0, target - terms.credits)
    assert moves.forfeited == max(0, terms.credits - target)


@pytest.mark.rule("P5.5")
@given(strategies.decisions())
def test_what_the_card_paid_is_all_given_away_in_the_end(decision: Decision) -> None:
    """A settled payment holds nothing (design 5)."""
    facts, plan, _ = decision
    assume(plan.ending.payment_status == PaymentStatus.SETTLED)

    held = facts.held + called(plan, Call.CAPTURE) - called(plan, Call.REFUND)

    assert line(plan.ending, Account.HELD) == held


@pytest.mark.rule("P10.3")
@given(strategies.decisions())
def test_what_is_paid_out_is_what_was_earned(decision: Decision) -> None:
    """What the instructor holds in the end is booked as earned; beyond the payout, because of a reversal given up."""
    facts, plan, _ = decision
    transferred = sum(step.transfer for step in plan.steps if step.call == Call.CAPTURE)

    taken_back = called(plan, Call.REVERSE, Call.TAKE_BACK)

    holds = facts.instructor_holds + transferred + called(plan, Call.PAY) - taken_back
    earned = -facts.books.earnings_balance - line(plan.ending, Account.EARNINGS)

    assert not plan.ending.lines or earned == holds


@pytest.mark.rule("P10.2")
@given(strategies.facts(statuses={PaymentStatus.PAYMENT_METHOD_REQUIRED}, bookings={BookingStatus.COMPLETED}))
def test_what_the_student_owes_after_an_advance_is_what_the_card_did_not_pay(facts: Facts) -> None:
    facts = replace(facts, collection_refused_at=SETTLEMENT)

    plan = decide(facts, Action.ADVANCE, SETTLEMENT + DEFAULT_RULES.collection_time, rules=DEFAULT_RULES)

    assert line(plan.ending, Account.RECEIVABLE) == facts.terms.card_total
    assert called(plan, Call.PAY) == facts.terms.payout
    assert plan.ending.credits == CreditMoves(consumed=facts.terms.credits)


@pytest.mark.rule("P7.7")
@given(strategies.decisions())
def test_the_platform_never_pays_to_keep_a_fee(decision: Decision) -> None:
    """Fee income is never negative: what a cancellation or a settlement leaves is the platform's.

    Staff's cancellation alone gives fees back, at most those that were booked when the payout was advanced (P8.7).
    """
    facts, plan, _ = decision
    given_back = facts.owed + facts.credits_consumed if plan.action == Action.STAFF_CANCEL else 0

    assert line(plan.ending, Account.FEE_INCOME) <= given_back


@pytest.mark.rule("P1.5")
@given(strategies.decisions())
def test_the_card_is_never_asked_for_more_than_was_agreed(decision: Decision) -> None:
    facts, plan, _ = decision
    agreed = facts.terms.card_total

    for step in plan.steps:
        if step.call in (Call.AUTHORIZE, Call.INSPECT, Call.CAPTURE):
            assert (step.amount, step.transfer) == (agreed, facts.terms.transfer)
    assert called(plan, Call.REFUND) <= facts.held
    assert called(plan, Call.PAY) <= facts.terms.payout
    assert all(step.amount > 0 for step in plan.steps if step.call != Call.VOID)


@pytest.mark.rule("P2.2")
@given(strategies.decisions())
def test_what_waits_at_the_bank_is_cancelled_before_anything_new_is_held(decision: Decision) -> None:
    """At most one intent of a payment can hold the card."""
    facts, plan, _ = decision
    calls = [step.call for step in plan.steps]

    for new in {Call.AUTHORIZE, Call.CHARGE}.intersection(calls):
        assert calls[: calls.index(new)] == [Call.VOID] * facts.has_pending_intent
        assert not facts.hold
    assert calls.count(Call.AUTHORIZE) <= 1
    assert calls.count(Call.CAPTURE) <= 1


@pytest.mark.rule("P8.1")
@given(strategies.facts(statuses={PaymentStatus.MANUAL_REVIEW}), st.sampled_from(Action), strategies.instants)
def test_nothing_is_charged_or_paid_while_under_review(facts: Facts, action: Action, now: datetime) -> None:
    assume(strategies.is_asked(facts, action))
    try:
        plan = decide(facts, action, now, rules=DEFAULT_RULES)
    except Refused:
        return

    # What is owed after an advance is paid while it is under review (P10.2); staff may undo what was done (P8.7).
    allowed = {Call.VOID}
    if plan.action == Action.COLLECT:
        allowed |= {Call.CHARGE}
    if plan.action in BY_STAFF:
        allowed |= {Call.REVERSE, Call.TAKE_BACK, Call.REFUND}
    assert {step.call for step in plan.steps} <= allowed


# --- When Stripe says no ----------------------------------------------------------------------------------------------


@st.composite
def refused_decisions(draw: st.DrawFn) -> tuple[Facts, Plan, Ending]:
    facts, plan, now = draw(strategies.decisions())
    assume(plan.steps)
    answers = draw(strategies.refusals_of(plan))
    return facts, plan, conclude(plan, facts, answers, accepted_at=now, now=now, rules=DEFAULT_RULES)


@pytest.mark.rule("P10.3")
@given(refused_decisions())
def test_a_no_from_stripe_never_ends_as_planned(refused: tuple[Facts, Plan, Ending]) -> None:
    _, plan, ending = refused

    assert ending != plan.ending
    assert ending.payment_status != PaymentStatus.SETTLED
    assert ending.outcome is None


@pytest.mark.rule("P10.3")
@given(refused_decisions())
def test_a_no_from_stripe_leaves_something_that_goes_on(refused: tuple[Facts, Plan, Ending]) -> None:
    """Nothing is stranded: the student, staff, a successor, or the page at the bank takes it from there."""
    _, plan, ending = refused

    # A move that did not come about, a debt still owed, a page still open at the bank: what stood before stands.
    as_before = plan.action in (Action.RESCHEDULE, Action.COLLECT, Action.CONFIRM_AUTHORIZATION)
    assert ending.payment_status is not None or ending.successor is not None or (as_before and ending.refusal_code)
    assert (ending.review_reason is not None) == (ending.payment_status == PaymentStatus.MANUAL_REVIEW)


@pytest.mark.rule("P9.2")
@given(refused_decisions())
def test_credits_stand_all_or_none_when_stripe_says_no(refused: tuple[Facts, Plan, Ending]) -> None:
    """What an operation gives, it gives when the money is there; half of it never."""
    _, plan, ending = refused

    assert (ending.credits, ending.lines) in (((plan.ending.credits), plan.ending.lines), (type(ending.credits)(), ()))


@pytest.mark.rule("P7.9")
@given(strategies.decisions(), st.data())
def test_what_stands_after_a_no_agrees_with_what_moved_until_then(decision: Decision, data: st.DataObject) -> None:
    """What an end gives and books, it gives and books for money that is there: a capture or refund of it was made."""
    facts, plan, now = decision
    assume(plan.steps)
    answers = data.draw(strategies.refusals_of(plan), label="answers")
    ending = conclude(plan, facts, answers, accepted_at=now, now=now, rules=DEFAULT_RULES)
    if ending.credits == NOTHING and not ending.lines:
        return

    still_to_come = {step.call for step in plan.steps[len(answers) - 1 :]}

    assert not still_to_come & {Call.AUTHORIZE, Call.CAPTURE, Call.CHARGE, Call.REFUND}


@pytest.mark.rule("P4.1")
@given(strategies.decisions())
def test_a_booking_only_becomes_what_its_action_means(decision: Decision) -> None:
    _, plan, _ = decision
    becomes = plan.booking_status_at_once or plan.ending.booking_status

    allowed = {
        Action.CHECKOUT: {BookingStatus.CONFIRMED},
        Action.PAY_NOW: {BookingStatus.CONFIRMED, None},
        Action.CONFIRM_AUTHORIZATION: {BookingStatus.CONFIRMED, None},
        Action.SETTLE: {BookingStatus.COMPLETED},
        Action.EXPIRE: {BookingStatus.CANCELLED},
        Action.END_UNPAID: {BookingStatus.CANCELLED, None},
        Action.STUDENT_CANCEL: {BookingStatus.CANCELLED},
        Action.INSTRUCTOR_CANCEL: {BookingStatus.CANCELLED},
        Action.STAFF_CANCEL: {BookingStatus.CANCELLED},
        Action.RULE_NO_SHOW: {BookingStatus.NO_SHOW},
        Action.RULE_DISPUTE: {BookingStatus.COMPLETED, None},
    }  # the others leave it as it is
    assert becomes in allowed.get(plan.action, {None})
