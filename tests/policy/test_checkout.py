"""Booking a lesson, paying for it, and giving up (policy section 5, P10.1)."""

from datetime import timedelta

import pytest

from instainstru.refusals import Refused
from payments.policy.decide import decide
from payments.policy.facts import Facts
from payments.policy.plan import CreditMoves, Ending, Plan, PlannedStep
from payments.policy.rules import DEFAULT_RULES
from payments.policy.states import Action, BookingStatus, Call, Outcome, PaymentStatus, ReviewReason
from payments.policy.windows import Window
from tests.policy.given import ALL_CREDIT, CARD_ONLY, IN, SOME_CREDIT, STARTS, booked, unpaid_checkout

MOMENT = timedelta(microseconds=1)
CANCELLED_UNPAID = Ending(payment_status=PaymentStatus.SETTLED, outcome=Outcome.NEVER_PAID)


def plan_of(action: Action, facts: Facts, window: Window) -> Plan:
    return decide(facts, action, IN[window], rules=DEFAULT_RULES)


def refusal_of(action: Action, facts: Facts, window: Window) -> str:
    with pytest.raises(Refused) as refusal:
        plan_of(action, facts, window)
    return refusal.value.code


# --- Checkout -------------------------------------------------------------------------------------------------------


@pytest.mark.rule("P5.1")
@pytest.mark.parametrize("ahead", [timedelta(hours=24), timedelta(hours=24) + MOMENT, timedelta(days=60)], ids=str)
def test_a_day_ahead_nothing_is_asked_of_the_card(ahead: timedelta) -> None:
    plan = decide(unpaid_checkout(), Action.CHECKOUT, STARTS - ahead, rules=DEFAULT_RULES)

    assert (plan.rule, plan.steps) == ("P5.1", ())
    assert plan.ending == Ending(payment_status=PaymentStatus.SCHEDULED, booking_status=BookingStatus.CONFIRMED)


@pytest.mark.rule("P5.2")
@pytest.mark.parametrize("ahead", [timedelta(hours=24) - MOMENT, timedelta(hours=6), MOMENT], ids=str)
def test_inside_a_day_the_card_is_held_first(ahead: timedelta) -> None:
    plan = decide(unpaid_checkout(SOME_CREDIT), Action.CHECKOUT, STARTS - ahead, rules=DEFAULT_RULES)

    assert plan.rule == "P5.2"
    assert plan.steps == (PlannedStep(call=Call.AUTHORIZE, amount=8_440, transfer=8_440, on_session=True),)
    assert plan.ending == Ending(payment_status=PaymentStatus.AUTHORIZED, booking_status=BookingStatus.CONFIRMED)
    assert plan.booking_status_at_once is None  # pending until the card is held: it holds no time


@pytest.mark.rule("P5.2")
def test_nothing_is_booked_after_its_start() -> None:
    for instant in (STARTS, STARTS + MOMENT):
        with pytest.raises(Refused) as refusal:
            decide(unpaid_checkout(), Action.CHECKOUT, instant, rules=DEFAULT_RULES)
        assert refusal.value.code == "lesson_started"


@pytest.mark.rule("P5.1")
def test_both_sides_are_told_the_amounts_and_when() -> None:
    plan = plan_of(Action.CHECKOUT, unpaid_checkout(), Window.EARLY)

    assert "$134.40 will be held on your card 24 hours before it starts" in plan.to_student
    assert "$105.60" in plan.to_instructor


# --- The authorization that was scheduled ---------------------------------------------------------------------------


@pytest.mark.rule("P5.1")
def test_the_scheduled_authorization_holds_the_card_off_session() -> None:
    plan = plan_of(Action.AUTHORIZE, booked(PaymentStatus.SCHEDULED), Window.MIDDLE)

    assert plan.rule == "P5.1"
    assert plan.steps == (PlannedStep(call=Call.AUTHORIZE, amount=13_440, transfer=10_560),)
    assert plan.ending == Ending(payment_status=PaymentStatus.AUTHORIZED)


@pytest.mark.rule("P10.1")
def test_a_retry_cancels_what_waits_at_the_bank_first() -> None:
    facts = booked(PaymentStatus.PAYMENT_METHOD_REQUIRED, has_pending_intent=True)

    plan = plan_of(Action.AUTHORIZE, facts, Window.MIDDLE)

    assert plan.rule == "P10.1"
    assert [step.call for step in plan.steps] == [Call.VOID, Call.AUTHORIZE]


@pytest.mark.rule("P10.1")
def test_an_authorization_that_was_never_tried_is_tried_however_late() -> None:
    for window in Window:
        assert plan_of(Action.AUTHORIZE, booked(PaymentStatus.SCHEDULED), window).rule == "P5.1"


NOT_TO_AUTHORIZE = {
    "held": booked(PaymentStatus.AUTHORIZED),
    "held, its capture refused": booked(PaymentStatus.PAYMENT_METHOD_REQUIRED, hold=CARD_ONLY.card_total),
    "locked": booked(PaymentStatus.LOCKED),
    "settled": booked(PaymentStatus.SETTLED),
    "under review": booked(PaymentStatus.MANUAL_REVIEW),
    "a checkout, which the student pays": unpaid_checkout(),
}


@pytest.mark.rule("P5.1")
@pytest.mark.parametrize("facts", NOT_TO_AUTHORIZE.values(), ids=NOT_TO_AUTHORIZE)
def test_the_clockwork_authorizes_nothing_else(facts: Facts) -> None:
    assert refusal_of(Action.AUTHORIZE, facts, Window.MIDDLE) == "already_settled"


# --- The student pays again, or comes back from the bank --------------------------------------------------------------


@pytest.mark.rule("P5.2")
def test_paying_for_a_checkout_confirms_the_booking() -> None:
    plan = plan_of(Action.PAY_NOW, unpaid_checkout(), Window.LATE)

    assert plan.rule == "P5.2"
    assert plan.steps == (PlannedStep(call=Call.AUTHORIZE, amount=13_440, transfer=10_560, on_session=True),)
    assert plan.ending == Ending(payment_status=PaymentStatus.AUTHORIZED, booking_status=BookingStatus.CONFIRMED)


@pytest.mark.rule("P10.1")
def test_paying_for_a_confirmed_lesson_leaves_it_confirmed() -> None:
    plan = plan_of(Action.PAY_NOW, booked(PaymentStatus.PAYMENT_METHOD_REQUIRED), Window.MIDDLE)

    assert (plan.rule, plan.ending) == ("P10.1", Ending(payment_status=PaymentStatus.AUTHORIZED))


@pytest.mark.rule("P5.2")
def test_paying_again_gives_up_what_waits_at_the_bank() -> None:
    plan = plan_of(Action.PAY_NOW, unpaid_checkout(has_pending_intent=True), Window.LATE)

    assert [step.call for step in plan.steps] == [Call.VOID, Call.AUTHORIZE]


@pytest.mark.rule("P5.2")
@pytest.mark.parametrize(
    "status", [PaymentStatus.SCHEDULED, PaymentStatus.AUTHORIZED, PaymentStatus.LOCKED, PaymentStatus.SETTLED]
)
def test_nothing_is_paid_that_is_not_owed(status: PaymentStatus) -> None:
    assert refusal_of(Action.PAY_NOW, booked(status), Window.MIDDLE) == "already_settled"


@pytest.mark.rule("P5.2")
def test_a_checkout_that_nobody_ended_in_time_is_not_paid_for_once_the_lesson_has_begun() -> None:
    with pytest.raises(Refused, match="lesson_started"):
        decide(unpaid_checkout(), Action.PAY_NOW, STARTS + MOMENT, rules=DEFAULT_RULES)

    assert decide(unpaid_checkout(), Action.PAY_NOW, STARTS, rules=DEFAULT_RULES).steps  # its last instant (P3.2)


@pytest.mark.rule("P5.2")
def test_coming_back_from_the_bank_looks_at_the_intent() -> None:
    plan = plan_of(Action.CONFIRM_AUTHORIZATION, unpaid_checkout(has_pending_intent=True), Window.LATE)

    assert [(step.call, step.amount) for step in plan.steps] == [(Call.INSPECT, 13_440)]
    assert plan.ending == Ending(payment_status=PaymentStatus.AUTHORIZED, booking_status=BookingStatus.CONFIRMED)


@pytest.mark.rule("P5.2")
def test_nobody_comes_back_from_the_bank_who_was_not_sent_there() -> None:
    assert refusal_of(Action.CONFIRM_AUTHORIZATION, unpaid_checkout(), Window.LATE) == "already_settled"


@pytest.mark.rule("P10.3")
def test_an_intent_whose_cancelling_was_refused_is_for_staff_to_decide() -> None:
    stopped = unpaid_checkout(
        has_pending_intent=True, payment_status=PaymentStatus.MANUAL_REVIEW, review_reason=ReviewReason.VOID_REFUSED
    )

    assert refusal_of(Action.CONFIRM_AUTHORIZATION, stopped, Window.LATE) == "operation_in_progress"


# --- Giving up ------------------------------------------------------------------------------------------------------


@pytest.mark.rule("P5.2")
def test_an_unpaid_checkout_ends_after_30_minutes_and_releases_the_credits() -> None:
    facts = unpaid_checkout(ALL_CREDIT, made_at=STARTS - timedelta(hours=6), has_pending_intent=True)
    due = facts.made_at + timedelta(minutes=30)

    plan = decide(facts, Action.EXPIRE, due, rules=DEFAULT_RULES)

    assert plan.rule == "P5.2"
    assert [(step.call, step.amount) for step in plan.steps] == [(Call.VOID, 0)]
    assert plan.booking_status_at_once == BookingStatus.CANCELLED
    assert plan.ending.credits == CreditMoves(released=12_000)
    assert (plan.ending.payment_status, plan.ending.outcome) == (PaymentStatus.SETTLED, Outcome.NEVER_PAID)
    with pytest.raises(Refused):
        decide(facts, Action.EXPIRE, due - MOMENT, rules=DEFAULT_RULES)


@pytest.mark.rule("P5.2")
def test_a_checkout_shortly_before_the_start_ends_at_the_start() -> None:
    facts = unpaid_checkout(made_at=STARTS - timedelta(minutes=5))

    assert decide(facts, Action.EXPIRE, STARTS, rules=DEFAULT_RULES).rule == "P5.2"
    with pytest.raises(Refused):
        decide(facts, Action.EXPIRE, STARTS - MOMENT, rules=DEFAULT_RULES)


@pytest.mark.rule("P10.1")
def test_an_unpaid_lesson_ends_12_hours_before_its_start() -> None:
    facts = booked(PaymentStatus.PAYMENT_METHOD_REQUIRED)
    due = STARTS - timedelta(hours=12)

    plan = decide(facts, Action.EXPIRE, due, rules=DEFAULT_RULES)

    assert (plan.rule, plan.steps, plan.ending) == ("P10.1", (), CANCELLED_UNPAID)
    with pytest.raises(Refused) as refusal:
        decide(facts, Action.EXPIRE, due - MOMENT, rules=DEFAULT_RULES)
    assert refusal.value.code == "already_settled"


@pytest.mark.rule("P10.1")
def test_after_the_start_nothing_is_cancelled_for_want_of_payment() -> None:
    facts = booked(PaymentStatus.PAYMENT_METHOD_REQUIRED)

    assert decide(facts, Action.EXPIRE, STARTS - MOMENT, rules=DEFAULT_RULES).rule == "P10.1"
    with pytest.raises(Refused) as refusal:
        decide(facts, Action.EXPIRE, STARTS, rules=DEFAULT_RULES)
    assert refusal.value.code == "lesson_started"


@pytest.mark.rule("P10.1")
@pytest.mark.parametrize("status", [status for status in PaymentStatus if status != "payment_method_required"])
def test_nothing_else_expires(status: PaymentStatus) -> None:
    assert refusal_of(Action.EXPIRE, booked(status), Window.LATE) == "already_settled"


@pytest.mark.rule("P5.3")
def test_a_lost_race_for_the_time_frees_the_hold_and_the_credits() -> None:
    facts = booked(
        PaymentStatus.PAYMENT_METHOD_REQUIRED,
        booking=BookingStatus.PENDING,
        terms=SOME_CREDIT,
        hold=SOME_CREDIT.card_total,
        time_was_taken=True,
    )

    plan = plan_of(Action.END_UNPAID, facts, Window.LATE)

    assert plan.rule == "P5.3"
    assert [(step.call, step.amount) for step in plan.steps] == [(Call.VOID, 8_440)]
    assert plan.ending.credits == CreditMoves(released=5_000)
    assert plan.ending.outcome == Outcome.NEVER_PAID


@pytest.mark.rule("P7.8")
def test_a_card_refused_at_the_cancellation_ends_it_unpaid() -> None:
    plan = plan_of(Action.END_UNPAID, booked(PaymentStatus.SCHEDULED), Window.LATE)

    assert (plan.rule, plan.steps, plan.ending) == ("P7.8", (), CANCELLED_UNPAID)


@pytest.mark.rule("P5.3")
def test_what_was_charged_never_ends_as_unpaid() -> None:
    assert refusal_of(Action.END_UNPAID, booked(PaymentStatus.LOCKED), Window.LATE) == "already_settled"


@pytest.mark.rule("P5.3")
@pytest.mark.rule("P7.8")
@pytest.mark.parametrize(
    ("status", "becomes"),
    [
        (BookingStatus.PENDING, BookingStatus.CANCELLED),
        (BookingStatus.CONFIRMED, BookingStatus.CANCELLED),
        (BookingStatus.CANCELLED, None),
        (BookingStatus.COMPLETED, None),
    ],
)
def test_only_a_booking_that_stands_is_cancelled_by_its_unpaid_end(
    status: BookingStatus, becomes: BookingStatus | None
) -> None:
    plan = plan_of(Action.END_UNPAID, booked(PaymentStatus.SCHEDULED, booking=status), Window.LATE)

    assert plan.booking_status_at_once == becomes
