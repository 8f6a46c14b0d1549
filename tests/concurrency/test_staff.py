"""Staff are many too: what two of them do at once, and what one does in the middle of something else (P8.6, P8.7)."""

from datetime import timedelta
from functools import partial

import pytest

from bookings.models import Booking
from instainstru import clock
from instainstru.accounts.models import User
from payments import operations as payments
from payments import tasks
from payments.models import Operation
from payments.policy.plan import CreditMoves
from payments.policy.states import Action, Bearer
from tests.concurrency.boundaries import Boundaries
from tests.concurrency.lessons import GIVEN, Lessons, clockwork_settles, staff_cancel
from tests.concurrency.meeting import as_a_request, at_once, effects_at_stripe
from tests.factories import UserFactory
from tests.rules.standing import Money, credits_of, money_of, payment_of, stands
from tests.stage import Stage

CARD_PAID = 13_440


@pytest.fixture
def settled(stage: Stage) -> Booking:
    booking = stage.book(hours_ahead=20)
    stage.travel_to(booking.ends_at + timedelta(hours=24), run_what_is_due_then=True)
    assert stands(booking) == ("completed", "settled", "lesson_completed_full_payout")
    return booking


def refund(booking: Booking, cents: int | None, *, again: bool = False, bearer: Bearer = Bearer.PLATFORM) -> Operation:
    return payments.refund_by_staff(
        payment_id=booking.payment_id,
        actor=UserFactory(as_staff=True),
        cents=cents,
        bearer=bearer,
        reason="It was asked.",
        again=again,
        now=clock.now(),
    )


@pytest.mark.rule("P8.6")
@pytest.mark.parametrize("cents", [5_000, None], ids=["part", "full"])
def test_the_same_refund_asked_many_times_at_once_is_one(stage: Stage, settled: Booking, cents: int | None) -> None:
    answers = at_once([partial(refund, settled, cents)] * 8)

    assert len({answer.pk for answer in answers}) == 1
    assert money_of(settled).refunded == (cents or CARD_PAID)
    assert effects_at_stripe(stage.simulator, settled)["refund"] == 1


@pytest.mark.rule("P8.6")
@pytest.mark.parametrize("bearer", Bearer)
def test_different_refunds_at_once_never_exceed_what_was_captured(
    stage: Stage, settled: Booking, bearer: Bearer
) -> None:
    amounts = [5_000, 6_000, 7_000, 8_000, None, 13_440]
    asked = [partial(refund, settled, cents, bearer=bearer) for cents in amounts]

    answers = at_once(asked)
    later = [as_a_request(ask) for ask in asked]  # who was told to wait asks once more; the full one takes all the rest

    assert {answer for answer in answers if isinstance(answer, str)} <= {
        "operation_in_progress",
        "refund_exceeds_captured",
    }
    assert "operation_in_progress" not in later
    assert money_of(settled).refunded == stage.simulator.moved(settled.ref)["refunded"] == CARD_PAID
    assert 0 <= money_of(settled).instructor <= 10_560


@pytest.mark.rule("P8.6")
def test_refunding_once_more_on_purpose_at_once_never_exceeds_what_was_captured(stage: Stage, settled: Booking) -> None:
    refund(settled, 5_000)

    answers = at_once([partial(refund, settled, 5_000, again=True)] * 6)
    as_a_request(partial(refund, settled, 5_000, again=True))

    assert sum(isinstance(answer, Operation) for answer in answers) == 1
    assert money_of(settled).refunded == stage.simulator.moved(settled.ref)["refunded"] == 10_000


@pytest.mark.rule("P7.11")
@pytest.mark.rule("P8.7")
def test_staff_cancel_in_the_middle_of_a_settlement_and_it_is_taken_back(stage: Stage, staff: User) -> None:
    """Until a payment is settled staff may cancel; the settlement runs to its end, and then the money goes back."""
    boundaries, lessons = Boundaries(), Lessons(stage, staff, GIVEN)
    (lesson,) = lessons.bring(1)
    many = boundaries.count(partial(clockwork_settles, lesson))

    ends = []
    for boundary, met in enumerate(lessons.bring(many)):
        boundaries.interrupt(partial(clockwork_settles, met), partial(staff_cancel, met), at=boundary)
        ends.append((stands(met.booking), money_of(met.booking)))

    assert list(dict.fromkeys(ends)) == [  # before it has begun, in its middle, and when it has ended
        (("cancelled", "settled", "admin_refund"), Money()),
        (("cancelled", "settled", "admin_refund"), Money(charged=CARD_PAID, refunded=CARD_PAID)),
        (("completed", "settled", "lesson_completed_full_payout"), Money(charged=CARD_PAID, instructor=10_560)),
    ]


@pytest.mark.rule("P8.7")
@pytest.mark.rule("P10.3")
def test_staff_cancel_in_the_middle_of_a_settlement_that_stops(stage: Stage, staff: User) -> None:
    """The top-up is refused: the stop that comes of it ends with the cancellation that waits."""
    boundaries = Boundaries()
    stage.give_credit(8_000)
    booking = stage.book(hours_ahead=20, credits=8_000)
    stage.stand_at(booking.ends_at + timedelta(hours=24))
    stage.simulator.order_fault("payout", "refuse")

    boundaries.interrupt(
        partial(tasks.begin_due, payment_id=booking.payment_id, kind=Action.SETTLE),
        partial(
            payments.cancel_by_staff,
            payment_id=booking.payment_id,
            actor=staff,
            with_refund=True,
            reason="It was asked.",
            now=clock.now(),
        ),
        at=1,
    )

    assert stands(booking) == ("cancelled", "settled", "admin_refund")
    assert money_of(booking) == Money(charged=5_440, refunded=5_440)
    assert credits_of(booking) == CreditMoves(consumed=8_000, issued=8_000)
    assert payment_of(booking).operations.open().count() == payment_of(booking).operations.stuck().count() == 0


@pytest.mark.rule("P10.3")
def test_one_of_staff_retries_a_stop_and_another_gives_it_up(stage: Stage, staff: User) -> None:
    stage.give_credit(8_000)
    booking = stage.book(hours_ahead=20, credits=8_000)
    stage.simulator.order_fault("payout", "refuse")
    stage.travel_to(booking.ends_at + timedelta(hours=24), run_what_is_due_then=True)
    assert stands(booking) == ("completed", "manual_review", "payout_refused")
    asked = {"payment_id": booking.payment_id, "actor": staff, "now": clock.now()}

    at_once(
        [
            lambda: payments.perform(payments.retry_stuck(**asked)),
            lambda: payments.perform(payments.resolve_stuck(**asked, note="Given up.")),
        ]
        * 3
    )

    assert stands(booking) == ("completed", "settled", "lesson_completed_full_payout")
    assert money_of(booking).instructor in (10_560, 5_440)  # all of it, or what the charge's own transfer carried
    assert effects_at_stripe(stage.simulator, booking)["payout"] <= 1
