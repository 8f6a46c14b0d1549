"""No answer is neither yes nor no: the same call again, after 1, 5 and 15 minutes, then every 15 (P10.4)."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from bookings.models import Booking
from bookings.operations import cancel_booking, reschedule_booking
from instainstru import clock
from payments.models import Operation, Step
from tests.rules.standing import Money, money_of, payment_of, stands
from tests.stage import Stage

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def asked(stage: Stage, path: str) -> list[datetime]:
    """Return the instants at which that was asked of Stripe."""
    return [
        datetime.fromtimestamp(request["at"], tz=clock.now().tzinfo)
        for request in stage.simulator.requests()
        if request["path"] == path
    ]


@pytest.fixture
def booking(stage: Stage) -> Booking:
    """A lesson 6 hours ahead whose card is held."""
    booked = stage.book(hours_ahead=72)
    stage.travel_to(booked.starts_at - 6 * HOUR)
    return booked


@pytest.mark.rule("P10.4")
def test_it_is_asked_again_after_1_5_and_15_minutes_then_every_15(stage: Stage, booking: Booking) -> None:
    accepted_at = clock.now()
    stage.simulator.order_fault("capture", "timeout_before", times=6)

    cancel_booking(booking=booking, actor=stage.student, now=accepted_at)
    stage.travel(hours=2)

    times = asked(stage, f"/v1/payment_intents/{payment_of(booking).intent_id}/capture")
    assert [(at - accepted_at) / MINUTE for at in times] == [0, 1, 5, 15, 30, 45, 60]
    assert stands(booking) == ("cancelled", "settled", "student_cancel_lt12_split_50_50")


@pytest.mark.rule("P10.4")
def test_until_an_answer_is_known_the_request_is_accepted_and_the_status_stays(stage: Stage, booking: Booking) -> None:
    stage.simulator.order_fault("capture", "timeout_before", times="always")

    operation = cancel_booking(booking=booking, actor=stage.student, now=clock.now())
    stage.travel(hours=2)

    assert operation.state == Operation.State.OPEN
    assert stands(booking) == ("cancelled", "authorized", "")
    assert money_of(booking) == Money(held=13_440)
    assert not Step.objects.filter(state=Step.State.REFUSED).exists()
    stage.simulator.order_fault("capture", "none")
    stage.travel(minutes=15)
    assert stands(booking) == ("cancelled", "settled", "student_cancel_lt12_split_50_50")


def late_cancellation(stage: Stage, booking: Booking) -> tuple[str, Money]:
    cancel_booking(booking=booking, actor=stage.student, now=clock.now())
    return "student_cancel_lt12_split_50_50", Money(charged=13_440, instructor=5_280)


def instructors_cancellation(stage: Stage, booking: Booking) -> tuple[str, Money]:
    cancel_booking(booking=booking, actor=stage.instructor, now=clock.now())
    back = Money(charged=13_440, refunded=13_440) if payment_of(booking).locked_at else Money()
    return "instructor_cancel_full_refund", back


CALLS = {
    "capture": late_cancellation,
    "reverse": late_cancellation,
    "payout": late_cancellation,
    "void": instructors_cancellation,
    "refund": instructors_cancellation,
}


@pytest.mark.rule("P10.4")
@pytest.mark.parametrize("silence", ["stored_500", "error_429"])  # a worked case plays each of the others
@pytest.mark.parametrize(("call", "cancels"), CALLS.items(), ids=CALLS)
def test_every_call_has_effect_once_whatever_the_silence(
    stage: Stage, call: str, cancels: Callable[[Stage, Booking], tuple[str, Money]], silence: str
) -> None:
    booking = stage.book(hours_ahead=72)
    stage.travel_to(booking.starts_at - 6 * HOUR)
    if call == "refund":
        lock_a_while_ago(stage, booking)
    stage.simulator.forget_requests()
    stage.simulator.order_fault(call, silence, times=2)

    outcome, money = cancels(stage, booking)
    stage.travel(hours=1)

    assert stands(booking) == ("cancelled", "settled", outcome)
    assert money_of(booking) == money
    assert [request["call"] for request in stage.simulator.requests() if request["effect"]].count(call) == 1


@pytest.mark.rule("P10.4")
@pytest.mark.parametrize("silence", ["lost_answer", "stored_500"])
def test_a_hold_is_made_once_whatever_the_silence(stage: Stage, silence: str) -> None:
    stage.simulator.order_fault("authorize", silence, times=2)

    booking = stage.book(hours_ahead=20)
    assert stands(booking) == ("pending", "payment_method_required", "")
    stage.travel(minutes=20)

    assert stands(booking) == ("confirmed", "authorized", "")
    assert len(stage.simulator.live_holds()) == 1


def lock_a_while_ago(stage: Stage, booking: Booking) -> None:
    """Let the student have moved the lesson when that was still possible (P6.2)."""
    reschedule_booking(
        booking=booking,
        actor=stage.student,
        new_starts_at=booking.starts_at + 48 * HOUR,
        now=booking.starts_at - 18 * HOUR,
    )
