"""A refused action changes nothing and says why: a past window first, then what has ended, then the rest (P12)."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from bookings.models import Booking
from bookings.operations import cancel_booking, confirm_payment, mark_complete, pay_now, reschedule_booking
from instainstru import clock
from instainstru.local.scenarios.expectations import snapshot
from instainstru.refusals import SENTENCES, RefusalCode
from tests.rules.standing import refused, stands
from tests.stage import Stage

HOUR = timedelta(hours=1)
Deed = Callable[[Stage, Booking], object]


def student_cancels(stage: Stage, booking: Booking) -> object:
    return cancel_booking(booking=booking, actor=stage.student, now=clock.now())


def instructor_cancels(stage: Stage, booking: Booking) -> object:
    return cancel_booking(booking=booking, actor=stage.instructor, now=clock.now())


def student_moves(stage: Stage, booking: Booking) -> object:
    new_starts_at = max(booking.starts_at, clock.now()) + 48 * HOUR
    return reschedule_booking(booking=booking, actor=stage.student, new_starts_at=new_starts_at, now=clock.now())


def instructor_marks_complete(stage: Stage, booking: Booking) -> object:
    return mark_complete(booking=booking, now=clock.now())


def student_pays(stage: Stage, booking: Booking) -> object:
    return pay_now(booking=booking, actor=stage.student, now=clock.now())


def student_comes_back_from_the_bank(stage: Stage, booking: Booking) -> object:
    return confirm_payment(booking=booking, actor=stage.student, now=clock.now())


# --- How a booking can have come to where it is -----------------------------------------------------------------------


def held(stage: Stage) -> Booking:
    return stage.book(hours_ahead=72)


def never_paid(stage: Stage) -> Booking:
    """A lesson that our clockwork cancelled at T−12 h."""
    booking = stage.book(hours_ahead=72)
    stage.use_card("declined")
    stage.travel_to(booking.starts_at - 12 * HOUR, run_what_is_due_then=True)
    assert stands(booking)[0] == "cancelled"
    return booking


def stopped(stage: Stage) -> Booking:
    """A lesson that was moved late and whose reversal was refused; staff have to look at it."""
    booking = stage.book(hours_ahead=72)
    stage.travel_to(booking.starts_at - 18 * HOUR)
    stage.simulator.order_fault("reverse", "refuse")
    reschedule_booking(booking=booking, actor=stage.student, new_starts_at=booking.starts_at + HOUR, now=clock.now())
    return booking


def locked(stage: Stage) -> Booking:
    booking = stage.book(hours_ahead=72)
    stage.travel_to(booking.starts_at - 18 * HOUR)
    student_moves(stage, booking)
    return booking


REFUSALS: dict[str, tuple[Callable[[Stage], Booking], float, Deed, str]] = {
    # who did what, so many hours from the start, and is told which code
    "cancel, started": (held, 0, student_cancels, "lesson_started"),
    "cancel, started and settled": (held, 26, student_cancels, "lesson_started"),
    "cancel, started and never paid": (never_paid, 1, student_cancels, "lesson_started"),
    "cancel, started and under review": (stopped, 1, student_cancels, "lesson_started"),
    "cancel, never paid": (never_paid, -11, student_cancels, "already_settled"),
    "instructor's cancel, settled": (held, 26, instructor_cancels, "already_settled"),
    "move, late": (held, -11, student_moves, "reschedule_too_late"),
    "move, late and settled": (never_paid, -11, student_moves, "reschedule_too_late"),
    "move, locked": (locked, -30, student_moves, "reschedule_locked"),
    "move, locked and late": (locked, -11, student_moves, "reschedule_locked"),
    "move, locked and started": (locked, 0, student_moves, "lesson_started"),
    "move, started and settled": (held, 26, student_moves, "lesson_started"),
    "complete, before the end": (held, 0.9, instructor_marks_complete, "lesson_not_ended"),
    "complete, before the end and never paid": (never_paid, -11, instructor_marks_complete, "lesson_not_ended"),
    "complete, stopped": (stopped, 2, instructor_marks_complete, "operation_in_progress"),
    "complete, settled": (held, 26, instructor_marks_complete, "already_settled"),
    "pay, nothing due": (held, -30, student_pays, "already_settled"),
    "pay, never paid and over": (never_paid, -11, student_pays, "already_settled"),
    "confirm, nothing asked for": (held, -30, student_comes_back_from_the_bank, "already_settled"),
}


@pytest.mark.rule("P12")
@pytest.mark.parametrize(("come_to", "hours", "deed", "code"), REFUSALS.values(), ids=REFUSALS)
def test_a_refusal_says_the_first_code_that_holds_and_changes_nothing(
    stage: Stage, come_to: Callable[[Stage], Booking], hours: float, deed: Deed, code: str
) -> None:
    booking = come_to(stage)
    booking.refresh_from_db()
    stage.travel_to(booking.starts_at + hours * HOUR, run_what_is_due_then=True)
    before = snapshot()

    with refused(code):
        deed(stage, booking)

    assert snapshot() == before


@pytest.mark.rule("P12")
def test_a_lesson_that_is_marked_complete_is_not_cancelled_nor_marked_again(stage: Stage) -> None:
    booking = stage.book(hours_ahead=72)
    stage.travel_to(booking.ends_at)
    instructor_marks_complete(stage, booking)

    with refused("already_completed"):
        instructor_marks_complete(stage, booking)
    with refused("already_completed"):
        instructor_cancels(stage, booking)


@pytest.mark.rule("P7.6")
@pytest.mark.rule("P7.7")
def test_after_the_start_only_the_instructor_cancels(stage: Stage) -> None:
    booking = stage.book(hours_ahead=72)
    stage.travel_to(booking.starts_at)
    with refused("lesson_started"):
        student_cancels(stage, booking)

    instructor_cancels(stage, booking)

    assert stands(booking) == ("cancelled", "settled", "instructor_cancel_full_refund")


@pytest.mark.rule("P7.10")
def test_cancelling_twice_is_one_cancellation_whoever_asks(stage: Stage) -> None:
    booking = stage.book(hours_ahead=72)
    stage.travel_to(booking.starts_at - 18 * HOUR)
    first = student_cancels(stage, booking)
    calls = len(stage.simulator.requests())
    stage.travel_to(booking.starts_at - 2 * HOUR)

    assert student_cancels(stage, booking) == first
    assert instructor_cancels(stage, booking) == first

    assert len(stage.simulator.requests()) == calls
    assert stands(booking) == ("cancelled", "settled", "student_cancel_12_24_full_credit")


@pytest.mark.rule("P12")
def test_every_code_says_why_and_what_can_be_done() -> None:
    assert set(SENTENCES) == set(RefusalCode)
    assert all(sentences.why and sentences.instead for sentences in SENTENCES.values())
