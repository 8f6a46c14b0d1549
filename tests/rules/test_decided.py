"""What a dispute has decided for the student is decided, though calls of the ruling may wait for staff (P8.4)."""

import pytest

from bookings.models import Booking
from disputes import operations as disputes
from disputes.operations.available import CaseChoice, case_actions_on
from instainstru import clock
from instainstru.accounts.models import User
from payments.policy.states import DisputeRuling, Party
from tests.payments.staff import retry
from tests.rules.standing import NOTHING_MOVED, credits_of, money_of, refused, stands
from tests.stage import Stage


@pytest.fixture
def decided(stage: Stage, staff: User) -> Booking:
    """A lesson paid partly with credits and not charged yet, ruled for the student; the card could not be freed."""
    stage.give_credit(5_000)
    booking = stage.book(hours_ahead=20, credits=5_000)
    stage.travel_to(booking.ends_at)
    disputes.open_dispute(booking=booking, actor=stage.student, by=Party.STUDENT, now=clock.now())
    stage.simulator.order_fault("void", "refuse")
    disputes.rule_dispute(
        booking=booking, ruling=DisputeRuling.STUDENT_WINS, actor=staff, reason="Nobody came.", now=clock.now()
    )
    assert stands(booking) == ("completed", "manual_review", "void_refused")
    return booking


@pytest.mark.rule("P8.1")
@pytest.mark.rule("P8.4")
@pytest.mark.rule("P12")
@pytest.mark.parametrize("by", [Party.INSTRUCTOR, Party.STAFF])
def test_nobody_is_reported_absent_from_it(stage: Stage, decided: Booking, staff: User, by: Party) -> None:
    """Simulation, seed 41318: the report was confirmed, and charged the card that the ruling was to free."""
    with refused("already_settled"):
        disputes.report_no_show(
            booking=decided,
            actor=staff if by == Party.STAFF else stage.instructor,
            by=by,
            absent=Party.STUDENT,
            now=clock.now(),
        )

    choices = case_actions_on(decided, list(decided.lesson_disputes.all()), party=by, now=clock.now())
    assert CaseChoice.REPORT_NO_SHOW not in {action.choice for action in choices}
    stage.travel(days=3)
    retry(decided, staff)
    assert stands(decided) == ("completed", "settled", "student_wins_dispute_full_refund")
    assert money_of(decided) == NOTHING_MOVED
    assert credits_of(decided).released == 5_000
