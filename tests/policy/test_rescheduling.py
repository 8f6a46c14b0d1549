"""Moving a lesson, and the LOCK (policy section 6)."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from instainstru.refusals import Refused
from payments.policy.conclude import conclude
from payments.policy.decide import decide
from payments.policy.facts import Facts
from payments.policy.plan import Ending, Plan
from payments.policy.rules import DEFAULT_RULES
from payments.policy.states import Action, BookingStatus, Call, Fault, PaymentStatus, ReviewReason, Verdict
from payments.policy.windows import Window
from tests.policy.given import ALL_CREDIT, IN, SOME_CREDIT, STARTS, answered, booked

AUTHORIZE, CAPTURE, REVERSE, VOID = Call.AUTHORIZE, Call.CAPTURE, Call.REVERSE, Call.VOID
SCHEDULED, AUTHORIZED, LOCKED, CARD_REFUSED = (
    PaymentStatus.SCHEDULED,
    PaymentStatus.AUTHORIZED,
    PaymentStatus.LOCKED,
    PaymentStatus.PAYMENT_METHOD_REQUIRED,
)
NEXT_WEEK = STARTS + timedelta(days=7)
CHARGE = ((CAPTURE, 13_440), (REVERSE, 10_560))


def moved(facts: Facts, at: datetime | Window, *, to: datetime = NEXT_WEEK) -> Plan:
    instant = IN[at] if isinstance(at, Window) else at
    return decide(replace(facts, new_starts_at=to), Action.RESCHEDULE, instant, rules=DEFAULT_RULES)


def calls(plan: Plan) -> tuple[tuple[Call, int], ...]:
    return tuple((step.call, step.amount) for step in plan.steps)


# --- Early ----------------------------------------------------------------------------------------------------------


@pytest.mark.rule("P6.1")
def test_an_early_move_lets_the_hold_go_and_schedules_another() -> None:
    assert calls(moved(booked(SCHEDULED), Window.EARLY)) == ()
    assert calls(moved(booked(AUTHORIZED), Window.EARLY)) == ((VOID, 13_440),)
    assert moved(booked(AUTHORIZED), Window.EARLY).ending == Ending(payment_status=SCHEDULED, moves=True)


@pytest.mark.rule("P6.1")
def test_an_early_move_into_the_next_day_holds_the_card_at_once() -> None:
    at = IN[Window.EARLY]

    plan = moved(booked(SCHEDULED), at, to=at + timedelta(hours=24, microseconds=-1))

    assert calls(plan) == ((AUTHORIZE, 13_440),)
    assert plan.steps[0].on_session
    assert plan.ending == Ending(payment_status=AUTHORIZED, moves=True)
    assert moved(booked(SCHEDULED), at, to=at + timedelta(hours=24)).steps == ()


@pytest.mark.rule("P6.1")
def test_a_card_that_is_held_already_covers_an_early_move_into_the_next_day() -> None:
    at = IN[Window.EARLY]

    plan = moved(booked(AUTHORIZED), at, to=at + timedelta(hours=10))

    assert (plan.steps, plan.ending) == ((), Ending(payment_status=AUTHORIZED, moves=True))


@pytest.mark.rule("P6.1")
@pytest.mark.parametrize(
    ("verdict", "code"), [(Verdict.REFUSED, "card_declined"), (Verdict.ACTION_REQUIRED, "authentication_required")]
)
def test_if_the_card_is_refused_then_the_old_time_stands(verdict: Verdict, code: str) -> None:
    facts, at = booked(SCHEDULED), IN[Window.EARLY]
    plan = moved(facts, at, to=at + timedelta(hours=3))

    ending = conclude(
        plan, facts, answered(plan, AUTHORIZE, verdict=verdict), accepted_at=at, now=at, rules=DEFAULT_RULES
    )

    assert ending == Ending(refusal_code=code)


# --- The LOCK -------------------------------------------------------------------------------------------------------


@pytest.mark.rule("P6.2")
@pytest.mark.parametrize("before", [timedelta(hours=24, microseconds=-1), timedelta(hours=18), timedelta(hours=12)])
def test_a_middle_move_charges_the_card_and_keeps_the_money(before: timedelta) -> None:
    plan = moved(booked(AUTHORIZED), STARTS - before)

    assert plan.rule == "P6.2"
    assert calls(plan) == CHARGE
    assert plan.ending == Ending(payment_status=LOCKED, moves=True)
    assert plan.booking_status_at_once is None


@pytest.mark.rule("P6.2")
@pytest.mark.parametrize("status", [SCHEDULED, CARD_REFUSED])
def test_a_middle_move_holds_the_card_first_if_that_is_not_done(status: PaymentStatus) -> None:
    assert calls(moved(booked(status), Window.MIDDLE)) == ((AUTHORIZE, 13_440), *CHARGE)
    assert calls(moved(booked(status, has_pending_intent=True), Window.MIDDLE)) == (
        (VOID, 0),
        (AUTHORIZE, 13_440),
        *CHARGE,
    )


@pytest.mark.rule("P6.2")
def test_a_lock_reverses_the_whole_transfer() -> None:
    assert calls(moved(booked(AUTHORIZED, terms=SOME_CREDIT), Window.MIDDLE)) == ((CAPTURE, 8_440), (REVERSE, 8_440))
    assert calls(moved(booked(AUTHORIZED, terms=ALL_CREDIT), Window.MIDDLE)) == ((CAPTURE, 1_440), (REVERSE, 1_440))


NOT_LOCKED = {  # what was refused -> what it leaves behind
    "card refused": (booked(SCHEDULED), booked(SCHEDULED), AUTHORIZE, Fault.CARD, Ending(refusal_code="card_declined")),
    "capture refused": (
        booked(AUTHORIZED), booked(AUTHORIZED), CAPTURE, Fault.CARD, Ending(refusal_code="card_declined"),
    ),
    "capture refused after a hold was made for it": (
        booked(SCHEDULED), booked(SCHEDULED, hold=13_440), CAPTURE, Fault.CARD,
        Ending(refusal_code="card_declined", successor=Action.RELEASE_HOLD),
    ),
    "the hold was gone": (
        booked(AUTHORIZED), booked(AUTHORIZED, hold=0), CAPTURE, Fault.HOLD_GONE, Ending(successor=Action.RESCHEDULE),
    ),
    "the instructor can't be paid": (
        booked(SCHEDULED), booked(SCHEDULED), AUTHORIZE, Fault.PAYEE, Ending(refusal_code="slot_unavailable"),
    ),
}  # fmt: skip


@pytest.mark.rule("P6.2")
@pytest.mark.parametrize(("before", "afterwards", "call", "fault", "ending"), NOT_LOCKED.values(), ids=NOT_LOCKED)
def test_a_refused_charge_moves_nothing(before: Facts, afterwards: Facts, call: Call, fault: Fault, ending) -> None:
    plan, at = moved(before, Window.MIDDLE), IN[Window.MIDDLE]
    answers = answered(plan, call, fault=fault)

    assert conclude(plan, afterwards, answers, accepted_at=at, now=at, rules=DEFAULT_RULES) == ending


@pytest.mark.rule("P6.2")
@pytest.mark.rule("P8.1")
@pytest.mark.parametrize(("holds", "steps"), [(10_560, ((REVERSE, 10_560),)), (0, ())])
def test_a_move_that_a_case_had_halted_goes_on_from_where_it_stood(holds: int, steps: tuple) -> None:
    """What was captured before is not captured again, and only what was not reversed is reversed."""
    halted = booked(AUTHORIZED, hold=0, captured=13_440, instructor_holds=holds)

    plan = moved(halted, Window.MIDDLE)

    assert calls(plan) == steps
    assert plan.ending == Ending(payment_status=PaymentStatus.LOCKED, moves=True)


@pytest.mark.rule("P6.2")
def test_a_page_left_open_at_the_bank_is_closed() -> None:
    plan, at = moved(booked(SCHEDULED), Window.MIDDLE), IN[Window.MIDDLE]
    answers = answered(plan, AUTHORIZE, verdict=Verdict.ACTION_REQUIRED)

    ending = conclude(
        plan, booked(SCHEDULED, has_pending_intent=True), answers, accepted_at=at, now=at, rules=DEFAULT_RULES
    )

    assert ending == Ending(refusal_code="authentication_required", successor=Action.RELEASE_HOLD)


@pytest.mark.rule("P6.2")
def test_if_only_the_reversal_is_refused_the_lesson_moves() -> None:
    facts, at = booked(AUTHORIZED), IN[Window.MIDDLE]
    plan = moved(facts, at)

    ending = conclude(
        plan, facts, answered(plan, REVERSE, fault=Fault.OTHER), accepted_at=at, now=at, rules=DEFAULT_RULES
    )

    assert ending == Ending(
        payment_status=PaymentStatus.MANUAL_REVIEW, review_reason=ReviewReason.REVERSAL_REFUSED, moves=True
    )


@pytest.mark.rule("P6.2")
def test_a_hold_for_a_move_that_did_not_come_about_is_let_go_and_all_else_stays() -> None:
    facts = booked(SCHEDULED, hold=13_440, has_pending_intent=True)

    plan = decide(facts, Action.RELEASE_HOLD, IN[Window.MIDDLE], rules=DEFAULT_RULES)

    assert calls(plan) == ((VOID, 0), (VOID, 13_440))
    assert plan.ending == Ending()


# --- Refusals -------------------------------------------------------------------------------------------------------

NOT_MOVED = {  # facts, when -> code
    "late": ("P6.3", booked(AUTHORIZED), Window.LATE, "reschedule_too_late"),
    "a moment less than 12 h": (
        "P6.3",
        booked(AUTHORIZED),
        STARTS - timedelta(hours=12, microseconds=-1),
        "reschedule_too_late",
    ),
    "locked, early": ("P6.3", booked(LOCKED), Window.EARLY, "reschedule_locked"),
    "locked, said before too late": ("P6.3", booked(LOCKED), Window.LATE, "reschedule_locked"),
    "moved late once": ("P6.3", booked(AUTHORIZED, late_reschedule_used=True), Window.EARLY, "reschedule_locked"),
    "at the start": ("P6.3", booked(AUTHORIZED), STARTS, "lesson_started"),
    "locked, after the start": ("P6.3", booked(LOCKED), Window.STARTED, "lesson_started"),
    "settled": ("P6.1", booked(PaymentStatus.SETTLED), Window.EARLY, "already_settled"),
    "under review": ("P8.1", booked(PaymentStatus.MANUAL_REVIEW), Window.EARLY, "under_review"),
    "completed": ("P6.1", booked(AUTHORIZED, booking=BookingStatus.COMPLETED), Window.EARLY, "already_completed"),
    "not paid for": (
        "P5.2",
        booked(CARD_REFUSED, booking=BookingStatus.PENDING),
        Window.MIDDLE,
        "payment_method_required",
    ),
}


@pytest.mark.parametrize(
    ("facts", "at", "code"),
    [pytest.param(*case, marks=pytest.mark.rule(rule), id=name) for name, (rule, *case) in NOT_MOVED.items()],
)
def test_what_may_not_be_moved(facts: Facts, at: datetime | Window, code: str) -> None:
    with pytest.raises(Refused) as refusal:
        moved(facts, at)

    assert refusal.value.code == code


@pytest.mark.rule("P6.2")
def test_the_student_is_told_what_a_late_move_costs() -> None:
    assert "your card is charged $134.40 now" in moved(booked(AUTHORIZED), Window.MIDDLE).to_student
    assert "$134.40 will be held on your card" in moved(booked(SCHEDULED), Window.EARLY).to_student
