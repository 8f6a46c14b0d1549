"""The policy's worked example (section 13): a lesson for 120.00 in tier growth, to the cent, on every balance."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from bookings.models import Booking
from bookings.operations import cancel_booking
from instainstru import clock
from tests.money import assert_balances
from tests.stage import Stage

HOUR = timedelta(hours=1)


def completes(stage: Stage, booking: Booking) -> None:
    stage.travel_to(booking.ends_at + 24 * HOUR, run_what_is_due_then=True)


def cancelled_by_the_student(hours_ahead: float) -> Callable[[Stage, Booking], None]:
    def cancel(stage: Stage, booking: Booking) -> None:
        stage.travel_to(booking.starts_at - hours_ahead * HOUR)
        cancel_booking(booking=booking, actor=stage.student, now=clock.now())

    return cancel


def cancelled_by_the_instructor(stage: Stage, booking: Booking) -> None:
    stage.travel_to(booking.starts_at - 6 * HOUR)
    cancel_booking(booking=booking, actor=stage.instructor, now=clock.now())


# Stripe takes 2.9 % and 30 cents of a charge: 4.20 of 134.40, 72 cents of 14.40. What the card paid is with the
# instructor, the platform and Stripe; with credits the platform adds the top-up, and so is below zero.
EXAMPLE = {
    "P5.5-completed": (0, completes, {"card": 13_440, "instructor": 10_560, "platform": 2_460, "fees": 420}),
    "P7.1-early": (0, cancelled_by_the_student(30), {}),
    "P7.2-middle": (
        0,
        cancelled_by_the_student(18),
        {"card": 13_440, "student_credit": 12_000, "platform": 13_020, "fees": 420},
    ),
    "P7.3-late": (
        0,
        cancelled_by_the_student(6),
        {"card": 13_440, "student_credit": 6_000, "instructor": 5_280, "platform": 7_740, "fees": 420},
    ),
    "P7.6-instructor": (0, cancelled_by_the_instructor, {}),
    "P5.5-completed-all-credits": (
        12_000,
        completes,
        {"card": 1_440, "instructor": 10_560, "platform": -9_192, "fees": 72},
    ),
    "P7.1-early-all-credits": (12_000, cancelled_by_the_student(30), {"student_credit": 12_000}),
    "P7.2-middle-all-credits": (
        12_000,
        cancelled_by_the_student(18),
        {"card": 1_440, "student_credit": 12_000, "platform": 1_368, "fees": 72},
    ),
    "P7.3-late-all-credits": (
        12_000,
        cancelled_by_the_student(6),
        {"card": 1_440, "student_credit": 6_000, "instructor": 5_280, "platform": -3_912, "fees": 72},
    ),
    "P7.6-instructor-all-credits": (12_000, cancelled_by_the_instructor, {"student_credit": 12_000}),
}


@pytest.mark.rule("P1.1")
@pytest.mark.parametrize(("credits", "story", "balances"), EXAMPLE.values(), ids=EXAMPLE)
def test_the_worked_example_comes_out_to_the_cent(stage: Stage, credits, story, balances) -> None:
    if credits:
        stage.give_credit(credits)
    booking = stage.book(hours_ahead=72, credits=credits)
    assert_balances(stage, student_credit=credits)

    story(stage, booking)

    assert_balances(stage, **balances)


@pytest.mark.rule("P2.2")
def test_a_hold_is_on_the_card_and_nowhere_else(stage: Stage) -> None:
    stage.book(hours_ahead=18)

    assert_balances(stage, held=13_440)
