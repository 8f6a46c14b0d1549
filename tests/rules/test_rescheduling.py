"""Moving a lesson through PostgreSQL and Stripe: early, the LOCK, and everything that can go wrong on the way (P6)."""

from datetime import timedelta

import pytest
from django.db import transaction

from bookings.models import Booking, BookingMove, OccupiedTime, TimeOff
from bookings.operations import cancel_booking, reschedule_booking
from instainstru import clock
from instainstru.accounts.models import User
from payments import endings
from payments import operations as payments
from payments.models import Operation
from payments.policy.plan import CreditMoves, Plan
from payments.policy.states import Action
from tests.rules.standing import Money, credits_of, money_of, payment_of, refused, stands
from tests.stage import Stage

HOUR = timedelta(hours=1)
HELD, CHARGED = Money(held=13_440), Money(charged=13_440)


def move(stage: Stage, booking: Booking, *, hours: float) -> Operation:
    """Move a lesson so many hours on from where it is."""
    booking.refresh_from_db()
    operation = reschedule_booking(
        booking=booking, actor=stage.student, new_starts_at=booking.starts_at + hours * HOUR, now=clock.now()
    )
    booking.refresh_from_db()
    return operation


def occupied(booking: Booking) -> list[timedelta]:
    """Return the stretches of time that a booking keeps, as their distance from its start."""
    booking.refresh_from_db()
    kept = OccupiedTime.objects.filter(booking=booking)
    return sorted(time.student_during.lower - booking.starts_at for time in kept)


@pytest.fixture
def middle(stage: Stage) -> Booking:
    """A lesson 18 hours ahead whose card is held."""
    booking = stage.book(hours_ahead=72)
    stage.travel_to(booking.starts_at - 18 * HOUR)
    return booking


# --- Early (P6.1) ---------------------------------------------------------------------------------------------------


@pytest.mark.rule("P6.1")
def test_an_early_move_voids_the_hold_and_schedules_a_new_one(stage: Stage) -> None:
    booking = stage.book(hours_ahead=72)
    start = booking.starts_at
    stage.travel_to(start - 24 * HOUR, run_what_is_due_then=True)  # exactly 24 h is early, and the card is held then
    assert money_of(booking) == HELD

    move(stage, booking, hours=48)

    assert stands(booking) == ("confirmed", "scheduled", "")
    assert money_of(booking) == Money()
    assert payment_of(booking).authorize_at == start + 24 * HOUR
    stage.travel_to(start + 24 * HOUR, run_what_is_due_then=True)
    assert money_of(booking) == HELD


@pytest.mark.rule("P6.1")
def test_early_moves_have_no_limit_and_their_history_is_kept(stage: Stage) -> None:
    booking = stage.book(hours_ahead=72)
    start = booking.starts_at

    for _ in range(4):
        move(stage, booking, hours=1)

    moves = BookingMove.objects.filter(booking=booking).order_by("id")
    assert [(move.from_start - start, move.to_start - start) for move in moves] == [
        (hour * HOUR, (hour + 1) * HOUR) for hour in range(4)
    ]
    assert {move.rule for move in moves} == {"P6.1"}
    assert occupied(booking) == [timedelta(0)]
    assert not payment_of(booking).late_reschedule_used


@pytest.mark.rule("P6.1")
def test_a_move_to_within_a_day_holds_the_card_at_once(stage: Stage) -> None:
    booking = stage.book(hours_ahead=72)

    move(stage, booking, hours=-52)

    assert stands(booking) == ("confirmed", "authorized", "")
    assert money_of(booking) == HELD


@pytest.mark.rule("P6.1")
@pytest.mark.parametrize(("card", "code"), [("declined", "card_declined"), ("requires_3ds", "authentication_required")])
def test_a_refused_card_leaves_the_lesson_where_it_was(stage: Stage, card: str, code: str) -> None:
    booking = stage.book(hours_ahead=72)
    start = booking.starts_at
    stage.use_card(card)

    with refused(code):
        move(stage, booking, hours=-52)

    assert stands(booking) == ("confirmed", "scheduled", "")
    assert (booking.starts_at, occupied(booking)) == (start, [timedelta(0)])
    assert money_of(booking) == Money()
    assert not payment_of(booking).pending_intent_id  # what waited at the bank is cancelled with it
    assert payment_of(booking).authorize_at == start - 24 * HOUR


@pytest.mark.rule("P6.1")
def test_a_moved_lesson_begins_its_ladder_anew(stage: Stage) -> None:
    booking = stage.book(hours_ahead=72)
    stage.use_card("declined")
    stage.travel_to(booking.starts_at - 24 * HOUR, run_what_is_due_then=True)
    assert stands(booking) == ("confirmed", "payment_method_required", "")

    move(stage, booking, hours=24)

    assert stands(booking) == ("confirmed", "scheduled", "")
    stage.travel_to(booking.starts_at - 23 * HOUR, run_what_is_due_then=True)
    assert payment_of(booking).authorization_refusals == 2  # its own T−24 and T−23 h, and none of before
    stage.use_card("ok")


# --- The new time ---------------------------------------------------------------------------------------------------


@pytest.mark.rule("P6.2")
def test_the_new_time_is_held_while_money_moves_and_the_old_one_is_kept(stage: Stage, middle: Booking) -> None:
    stage.simulator.order_fault("capture", "timeout_before")

    move(stage, middle, hours=24)

    assert Operation.objects.open().get().kind == Action.RESCHEDULE
    assert occupied(middle) == [timedelta(0), 24 * HOUR]
    stage.travel(minutes=2)
    assert occupied(middle) == [timedelta(0)]
    assert stands(middle) == ("confirmed", "locked", "")


@pytest.mark.rule("P5.4")
def test_a_time_that_is_being_moved_to_is_nobody_elses(stage: Stage, middle: Booking) -> None:
    stage.simulator.order_fault("capture", "timeout_before")
    move(stage, middle, hours=24)

    with refused("slot_unavailable"):
        stage.book(hours_ahead=18 + 24)

    stage.travel(minutes=2)


@pytest.mark.rule("P6.1")
@pytest.mark.parametrize("hours", [0, 24, 24.5, 23.5])
def test_a_time_that_is_taken_is_refused_before_money_moves(stage: Stage, middle: Booking, hours: float) -> None:
    stage.book(hours_ahead=18 + 24)
    stage.simulator.forget_requests()

    with refused("slot_unavailable"):
        move(stage, middle, hours=hours)

    assert stage.simulator.requests() == []
    assert money_of(middle) == HELD


@pytest.mark.rule("P6.1")
def test_a_lesson_may_move_into_its_own_time(stage: Stage, middle: Booking) -> None:
    move(stage, middle, hours=0.5)

    assert occupied(middle) == [timedelta(0)]
    assert stands(middle) == ("confirmed", "locked", "")


# --- The LOCK (P6.2) ------------------------------------------------------------------------------------------------


@pytest.mark.rule("P6.2")
def test_a_late_move_charges_the_card_and_takes_the_transfer_back(stage: Stage, middle: Booking) -> None:
    start = middle.starts_at

    move(stage, middle, hours=48)

    payment = payment_of(middle)
    assert stands(middle) == ("confirmed", "locked", "")
    assert (middle.starts_at, middle.ends_at) == (start + 48 * HOUR, start + 49 * HOUR)
    assert (payment.starts_at, payment.ends_at) == (middle.starts_at, middle.ends_at)
    assert money_of(middle) == CHARGED
    assert (payment.locked_at, payment.locked_from_start, payment.late_reschedule_used) == (clock.now(), start, True)
    assert (payment.lock_resolved_at, payment.lock_resolution) == (None, "")


@pytest.mark.rule("P6.2")
def test_a_late_move_holds_the_card_first_if_that_was_not_yet_done(stage: Stage) -> None:
    booking = stage.book(hours_ahead=72)
    stage.stand_at(booking.starts_at - 18 * HOUR)  # our clockwork was down

    move(stage, booking, hours=48)

    assert [step.call for step in Operation.objects.get(kind=Action.RESCHEDULE).steps.order_by("ordinal")] == [
        "authorize",
        "capture",
        "reverse",
    ]
    assert stands(booking) == ("confirmed", "locked", "")


@pytest.mark.rule("P6.2")
@pytest.mark.parametrize(("card", "code"), [("declined", "card_declined"), ("requires_3ds", "authentication_required")])
def test_a_late_move_with_a_refused_card_changes_nothing(stage: Stage, card: str, code: str) -> None:
    booking = stage.book(hours_ahead=72)
    start = booking.starts_at
    stage.stand_at(start - 18 * HOUR)
    stage.use_card(card)

    with refused(code):
        move(stage, booking, hours=48)

    assert stands(booking) == ("confirmed", "scheduled", "")
    assert (booking.starts_at, occupied(booking)) == (start, [timedelta(0)])
    assert money_of(booking) == Money()
    assert not payment_of(booking).late_reschedule_used
    assert not payment_of(booking).pending_intent_id
    assert not BookingMove.objects.exists()


@pytest.mark.rule("P6.2")
def test_a_hold_made_for_a_move_that_does_not_come_about_is_voided(stage: Stage) -> None:
    booking = stage.book(hours_ahead=72)
    stage.stand_at(booking.starts_at - 18 * HOUR)
    stage.simulator.order_fault("capture", "refuse")

    with refused("card_declined"):
        move(stage, booking, hours=48)

    assert Operation.objects.order_by("number").last().kind == Action.RELEASE_HOLD
    assert stands(booking) == ("confirmed", "scheduled", "")
    assert money_of(booking) == Money()


@pytest.mark.rule("P6.2")
def test_a_hold_that_was_there_before_stays_when_the_capture_is_refused(stage: Stage, middle: Booking) -> None:
    stage.simulator.order_fault("capture", "refuse")

    with refused("card_declined"):
        move(stage, middle, hours=48)

    assert stands(middle) == ("confirmed", "authorized", "")
    assert money_of(middle) == HELD


@pytest.mark.rule("P6.2")
def test_a_refused_reversal_waits_for_staff_with_the_lesson_moved_and_once_reversed_is_locked(
    stage: Stage, middle: Booking, staff: User
) -> None:
    start = middle.starts_at
    stage.simulator.order_fault("reverse", "refuse")

    move(stage, middle, hours=48)

    assert stands(middle) == ("confirmed", "manual_review", "reversal_refused")
    assert middle.starts_at == start + 48 * HOUR
    assert money_of(middle) == Money(charged=13_440, instructor=10_560)
    payments.perform(payments.retry_stuck(payment_id=middle.payment_id, actor=staff, now=clock.now()))
    assert stands(middle) == ("confirmed", "locked", "")
    assert middle.starts_at == start + 48 * HOUR
    assert money_of(middle) == CHARGED
    assert BookingMove.objects.filter(booking=middle).count() == 1


@pytest.mark.rule("P6.2")
def test_a_lock_is_resolved_once_and_says_how(stage: Stage, middle: Booking) -> None:
    move(stage, middle, hours=48)
    stage.travel(hours=3)

    cancel_booking(booking=middle, actor=stage.student, now=clock.now())

    payment = payment_of(middle)
    assert (payment.lock_resolved_at, payment.lock_resolution) == (clock.now(), "locked_cancel_ge12_full_credit")


@pytest.mark.rule("P6.3")
def test_a_locked_lesson_does_not_move_again_and_a_late_one_not_at_all(stage: Stage, middle: Booking) -> None:
    late = stage.book(hours_ahead=11)
    move(stage, middle, hours=48)

    with refused("reschedule_locked"):
        move(stage, middle, hours=48)
    with refused("reschedule_too_late"):
        move(stage, late, hours=48)

    stage.travel_to(middle.starts_at - 3 * HOUR)
    with refused("reschedule_locked"):  # said before "too late"
        move(stage, middle, hours=48)
    with refused("lesson_started"):
        move(stage, late, hours=48)


@pytest.mark.rule("P6.4")
def test_a_locked_lesson_that_is_taken_pays_the_instructor_by_transfer(stage: Stage) -> None:
    stage.give_credit(5_000)
    booking = stage.book(hours_ahead=72, credits=5_000)
    stage.travel_to(booking.starts_at - 18 * HOUR)
    move(stage, booking, hours=24)

    stage.travel_to(booking.ends_at + 24 * HOUR, run_what_is_due_then=True)

    payment = payment_of(booking)
    assert stands(booking) == ("completed", "settled", "lesson_completed_full_payout")
    assert money_of(booking) == Money(charged=8_440, instructor=10_560)
    assert payment.paid_cents == 10_560
    assert credits_of(booking) == CreditMoves(consumed=5_000)
    assert payment.lock_resolution == "lesson_completed_full_payout"


@pytest.mark.rule("P6.5")
@pytest.mark.parametrize(("hours_ahead", "issued", "paid"), [(12, 12_000, 0), (11.9, 6_000, 5_280)])
def test_a_locked_lesson_cancelled_by_the_student_is_credit_only(
    stage: Stage, middle: Booking, hours_ahead: float, issued: int, paid: int
) -> None:
    move(stage, middle, hours=48)
    stage.travel_to(middle.starts_at - hours_ahead * HOUR)

    cancel_booking(booking=middle, actor=stage.student, now=clock.now())

    assert money_of(middle) == Money(charged=13_440, instructor=paid)  # nothing back to the card
    assert credits_of(middle) == CreditMoves(issued=issued)


@pytest.mark.rule("P6.2")
def test_a_move_that_was_accepted_keeps_its_new_time_though_the_instructor_closes_it_meanwhile(
    stage: Stage, middle: Booking
) -> None:
    """Its hold has lapsed when Stripe answers at last, so a second operation goes on with it, with a new hold."""
    stage.simulator.order_fault("capture", "timeout_before")
    move(stage, middle, hours=30 * 24)
    assert len(occupied(middle)) == 2
    new_start = middle.starts_at + 30 * 24 * HOUR
    TimeOff.objects.create(
        instructor=middle.instructor, starts_at=new_start - HOUR, ends_at=new_start + 2 * HOUR, reason="Away."
    )

    stage.stand_at(clock.now() + 8 * 24 * HOUR)
    payments.perform(Operation.objects.open().get())

    assert stands(middle) == ("confirmed", "locked", "")
    assert middle.starts_at == new_start
    assert money_of(middle) == CHARGED
    assert occupied(middle) == [timedelta(0)]
    assert stage.disorder() == []


@pytest.mark.rule("P7.11")
def test_a_cancelled_lesson_holds_no_time_for_a_move_that_goes_on(stage: Stage, middle: Booking) -> None:
    """Found by the simulation, seed 20317: a case had halted the move, and it went on after the cancelling."""
    stage.simulator.order_fault("capture", "timeout_before")
    operation = move(stage, middle, hours=48)
    cancel_booking(booking=middle, actor=stage.student, now=clock.now())
    assert occupied(middle) == []

    with transaction.atomic():
        endings.lock_subject(Action.RESCHEDULE, middle.payment_id).begin(Plan.from_json(operation.plan), operation)

    assert occupied(middle) == []
