"""Windows and deadlines in real hours: on nights when clocks change, over midnight, and at their last instants (P3)."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest

from bookings.models import Booking, Instructor
from bookings.operations import cancel_booking, mark_complete, reschedule_booking
from instainstru import clock
from payments.policy.states import Action
from tests.rules.standing import Money, money_of, payment_of, refused, stands
from tests.stage import Stage

HOUR, MOMENT = timedelta(hours=1), timedelta(microseconds=1)
NEW_YORK, BERLIN, LORD_HOWE = "America/New_York", "Europe/Berlin", "Australia/Lord_Howe"


class Night(NamedTuple):
    """A lesson's start as its instructor's clock reads it, and what that clock reads 24 real hours before."""

    zone: str
    starts: datetime
    a_day_before: datetime

    def start(self) -> datetime:
        return self.starts.replace(tzinfo=ZoneInfo(self.zone)).astimezone(UTC)


NIGHTS = {
    "spring forward": Night(NEW_YORK, datetime(2026, 3, 8, 10), datetime(2026, 3, 7, 9)),
    "fall back": Night(NEW_YORK, datetime(2026, 11, 1, 10), datetime(2026, 10, 31, 11)),
    "in the hour that the clocks repeat": Night(
        BERLIN, datetime(2026, 10, 25, 2, 30, fold=1), datetime(2026, 10, 24, 3, 30)
    ),
    "a change of half an hour": Night(LORD_HOWE, datetime(2026, 4, 5, 8), datetime(2026, 4, 4, 8, 30)),
    "over midnight": Night(NEW_YORK, datetime(2026, 6, 10, 0, 15), datetime(2026, 6, 9, 0, 15)),
}
nights = pytest.mark.parametrize("night", NIGHTS.values(), ids=NIGHTS)


@pytest.fixture
def booking(stage: Stage, night: Night) -> Booking:
    """A lesson of that night, booked three days ahead with an instructor of that zone."""
    Instructor.objects.update(time_zone=night.zone)
    stage.service.refresh_from_db()
    stage.stand_at(night.start() - 72 * HOUR)
    return stage.book(hours_ahead=72)


@pytest.mark.rule("P3.1")
@nights
def test_a_day_before_is_24_real_hours(stage: Stage, booking: Booking, night: Night) -> None:
    due_at = payment_of(booking).authorize_at

    assert due_at == booking.starts_at - 24 * HOUR
    assert due_at.astimezone(ZoneInfo(booking.time_zone)).replace(tzinfo=None) == night.a_day_before
    stage.travel_to(due_at, run_what_is_due_then=True)
    assert stands(booking) == ("confirmed", "authorized", "")


EDGES = {  # how long before the start -> what a cancellation comes to
    "a microsecond more than 24 h": (24 * HOUR + MOMENT, "student_cancel_gt24_no_charge"),
    "24 h": (24 * HOUR, "student_cancel_gt24_no_charge"),
    "a microsecond less than 24 h": (24 * HOUR - MOMENT, "student_cancel_12_24_full_credit"),
    "a microsecond more than 12 h": (12 * HOUR + MOMENT, "student_cancel_12_24_full_credit"),
    "12 h": (12 * HOUR, "student_cancel_12_24_full_credit"),
    "a microsecond less than 12 h": (12 * HOUR - MOMENT, "student_cancel_lt12_split_50_50"),
}


@pytest.mark.rule("P3.1")
@pytest.mark.parametrize(("ahead", "outcome"), EDGES.values(), ids=EDGES)
@nights
def test_the_windows_close_to_the_microsecond(stage: Stage, booking: Booking, ahead: timedelta, outcome: str) -> None:
    stage.travel_to(booking.starts_at - ahead)

    cancel_booking(booking=booking, actor=stage.student, now=clock.now())

    assert stands(booking) == ("cancelled", "settled", outcome)


@pytest.mark.rule("P3.1")
@pytest.mark.rule("P6.3")
@nights
def test_a_move_locks_up_to_12_real_hours_and_not_a_microsecond_later(stage: Stage, booking: Booking) -> None:
    stage.travel_to(booking.starts_at - 12 * HOUR + MOMENT)
    late = {"booking": booking, "actor": stage.student, "new_starts_at": booking.starts_at + 48 * HOUR}

    with refused("reschedule_too_late"):
        reschedule_booking(now=clock.now(), **late)
    reschedule_booking(now=booking.starts_at - 12 * HOUR, **late)

    assert stands(booking) == ("confirmed", "locked", "")


@pytest.mark.rule("P5.5")
@nights
def test_a_day_after_the_end_is_24_real_hours(stage: Stage, booking: Booking) -> None:
    stage.travel_to(booking.ends_at + 24 * HOUR)
    assert stands(booking) == ("confirmed", "authorized", "")

    stage.travel_to(booking.ends_at + 24 * HOUR, run_what_is_due_then=True)

    assert stands(booking) == ("completed", "settled", "lesson_completed_full_payout")


# --- The last instant belongs to the window, before the sweep that is due then (P3.2) ---------------------------------


def cancel(stage: Stage, booking: Booking) -> None:
    cancel_booking(booking=booking, actor=stage.student, now=clock.now())


def move_away(stage: Stage, booking: Booking) -> None:
    new_starts_at = booking.starts_at + 48 * HOUR
    reschedule_booking(booking=booking, actor=stage.student, new_starts_at=new_starts_at, now=clock.now())


@pytest.mark.rule("P3.2")
@pytest.mark.parametrize("after_the_sweep", [False, True])
@pytest.mark.parametrize(
    ("deed", "stand"),
    [
        (cancel, ("cancelled", "settled", "student_cancel_gt24_no_charge")),
        (move_away, ("confirmed", "scheduled", "")),
    ],
)
def test_at_exactly_24_hours_it_is_early_though_the_card_is_held_then(
    stage: Stage, deed: Callable[[Stage, Booking], None], stand: tuple[str, str, str], after_the_sweep: bool
) -> None:
    booking = stage.book(hours_ahead=72)
    stage.travel_to(booking.starts_at - 24 * HOUR, run_what_is_due_then=after_the_sweep)

    deed(stage, booking)

    assert (stands(booking), money_of(booking)) == (stand, Money())
    was_held = booking.payment.operations.filter(kind=Action.AUTHORIZE).exists()
    assert was_held == after_the_sweep


@pytest.mark.rule("P3.2")
@pytest.mark.rule("P5.5")
def test_what_is_marked_complete_at_the_instant_of_settlement_is_marked_before_it(stage: Stage) -> None:
    marked, swept = stage.book(hours_ahead=72), stage.book(hours_ahead=76)
    stage.travel_to(marked.ends_at + 24 * HOUR)
    mark_complete(booking=marked, now=clock.now())
    assert stands(marked) == ("completed", "authorized", "")
    stage.travel_to(swept.ends_at + 24 * HOUR, run_what_is_due_then=True)

    with refused("already_settled"):
        mark_complete(booking=swept, now=clock.now())

    assert (stands(marked), stands(swept)) == (
        ("completed", "settled", "lesson_completed_full_payout"),
        ("completed", "settled", "lesson_completed_full_payout"),
    )


@pytest.mark.rule("P3.1")
@pytest.mark.rule("P10.4")
def test_the_instant_of_the_request_is_kept_though_the_money_moves_later(stage: Stage) -> None:
    booking = stage.book(hours_ahead=72)
    stage.travel_to(booking.starts_at - 12 * HOUR)
    stage.simulator.order_fault("capture", "timeout_before", times=3)
    cancel(stage, booking)

    stage.travel_to(booking.starts_at - 11 * HOUR)

    assert stands(booking) == ("cancelled", "settled", "student_cancel_12_24_full_credit")
    assert booking.payment.operations.get(kind=Action.STUDENT_CANCEL).accepted_at == booking.starts_at - 12 * HOUR
