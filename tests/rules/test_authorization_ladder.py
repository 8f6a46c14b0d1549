"""A card that is refused at T−24 h, and a clockwork that was down then (P5.1, P5.2, P10.1)."""

from datetime import timedelta

import pytest

from bookings.models import Booking
from bookings.operations import cancel_booking, confirm_payment, mark_complete, pay_now, reschedule_booking
from instainstru import clock
from instainstru.notifications.models import Message
from payments import operations as payments
from payments.models import Operation
from payments.policy.plan import CreditMoves
from payments.policy.states import Action
from tests.rules.standing import Money, credits_of, money_of, payment_of, refused, stands
from tests.stage import Stage

HOUR = timedelta(hours=1)
MOMENT = timedelta(microseconds=1)
HELD = Money(held=13_440)


def tries(booking: Booking) -> list[float]:
    """Return how many hours ahead of the start our clockwork asked for the card."""
    asked = Operation.objects.filter(payment_id=booking.payment_id, kind=Action.AUTHORIZE).order_by("number")
    return [(booking.starts_at - operation.accepted_at) / HOUR for operation in asked]


def told(booking: Booking, key: str) -> list[float]:
    """Return how many hours ahead of the start a message of that kind was queued."""
    messages = Message.objects.filter(key=key, reference=booking.ref).order_by("id")
    return [(booking.starts_at - message.queued_at) / HOUR for message in messages]


@pytest.fixture
def booking(stage: Stage) -> Booking:
    """A lesson three days ahead, with 50.00 of credit, whose card is about to be refused."""
    stage.give_credit(5_000)
    booked = stage.book(hours_ahead=72, credits=5_000)
    stage.use_card("declined")
    return booked


@pytest.mark.rule("P5.1")
def test_the_card_is_held_at_exactly_24_hours(stage: Stage) -> None:
    booking = stage.book(hours_ahead=72)

    stage.travel_to(booking.starts_at - 24 * HOUR)
    assert (stands(booking), money_of(booking)) == (("confirmed", "scheduled", ""), Money())
    stage.travel_to(booking.starts_at - 24 * HOUR, run_what_is_due_then=True)

    assert (stands(booking), money_of(booking)) == (("confirmed", "authorized", ""), HELD)
    assert tries(booking) == [24]


@pytest.mark.rule("P10.1")
def test_a_refused_card_is_tried_again_warned_of_and_given_up(stage: Stage, booking: Booking) -> None:
    stage.travel_to(booking.starts_at - 12 * HOUR)
    assert stands(booking) == ("confirmed", "payment_method_required", "")

    stage.travel_to(booking.starts_at - 12 * HOUR, run_what_is_due_then=True)

    assert tries(booking) == [24, 23, 19]
    assert told(booking, "authorization_failed") == [24, 23, 19]
    assert told(booking, "final_warning") == [13]
    assert stands(booking) == ("cancelled", "settled", "payment_failed_no_charge")
    assert (booking.cancelled_by, booking.cancelled_at) == ("system", booking.starts_at - 12 * HOUR)
    assert money_of(booking) == Money()
    assert credits_of(booking) == CreditMoves(released=5_000)


@pytest.mark.rule("P10.1")
def test_a_warning_that_is_due_is_given_though_a_try_of_the_students_ends_first(stage: Stage, booking: Booking) -> None:
    stage.travel_to(booking.starts_at - 13 * HOUR)
    stage.stand_at(clock.now() + timedelta(minutes=1))  # our clockwork was down

    assert pay_now(booking=booking, actor=stage.student, now=clock.now()).refusal_code == "card_declined"
    stage.travel(minutes=1)

    assert Message.objects.filter(key="final_warning").count() == 1


@pytest.mark.rule("P10.1")
def test_a_new_card_is_tried_on_every_lesson_within_the_time_of_one_request(stage: Stage, monkeypatch) -> None:
    first, second = stage.book(hours_ahead=72), stage.book(hours_ahead=75)
    stage.use_card("declined")
    stage.travel_to(first.starts_at - 14 * HOUR)
    stage.use_card("ok")
    monkeypatch.setattr("payments.engine.INLINE_BUDGET", timedelta(milliseconds=100))
    stage.simulator.order_fault("authorize", "latency", times=1, latency_ms=200)
    stage.simulator.forget_requests()

    tried = payments.retry_unpaid(student=stage.student, now=clock.now())

    assert [(each.payment_id, each.is_done) for each in tried] == [
        (first.payment_id, True),
        (second.payment_id, False),
    ]
    assert len(stage.simulator.requests()) == 1
    stage.travel(minutes=2)  # the sweep goes on with it
    assert [stands(each)[1] for each in (first, second)] == ["authorized", "authorized"]


@pytest.mark.rule("P10.1")
@pytest.mark.rule("P3.2")
def test_the_student_may_fix_the_card_up_to_the_last_instant(stage: Stage, booking: Booking) -> None:
    stage.travel_to(booking.starts_at - 12 * HOUR)
    stage.use_card("ok")

    payments.retry_unpaid(student=stage.student, now=clock.now())
    stage.travel_to(booking.starts_at - 11 * HOUR)

    assert stands(booking) == ("confirmed", "authorized", "")


@pytest.mark.rule("P10.1")
def test_the_students_own_tries_do_not_move_the_ladder(stage: Stage, booking: Booking) -> None:
    stage.travel_to(booking.starts_at - 22 * HOUR)
    for _ in range(2):
        assert pay_now(booking=booking, actor=stage.student, now=clock.now()).refusal_code == "card_declined"
        stage.travel(hours=1)

    stage.travel_to(booking.starts_at - 13 * HOUR)

    assert tries(booking) == [24, 23, 19]
    stage.use_card("ok")
    pay_now(booking=booking, actor=stage.student, now=clock.now())
    stage.travel_to(booking.starts_at - 12 * HOUR, run_what_is_due_then=True)
    assert told(booking, "final_warning") == []


@pytest.mark.rule("P10.1")
def test_a_card_that_wants_its_owner_is_confirmed_by_a_link(stage: Stage) -> None:
    booking = stage.book(hours_ahead=72)
    stage.use_card("requires_3ds")
    stage.travel_to(booking.starts_at - 20 * HOUR)
    assert stands(booking) == ("confirmed", "payment_method_required", "")

    operation = pay_now(booking=booking, actor=stage.student, now=clock.now())
    payment = payment_of(booking)
    assert operation.refusal_code == "authentication_required"
    assert payment.pending_intent_url
    stage.simulator.finish_3ds(payment.pending_intent_id)
    confirm_payment(booking=booking, actor=stage.student, now=clock.now())

    assert (stands(booking), money_of(booking)) == (("confirmed", "authorized", ""), HELD)


@pytest.mark.rule("P10.1")
@pytest.mark.parametrize("end", ["expires", "cancelled", "tried again"])
def test_what_waits_at_the_bank_is_never_left_as_a_hold(stage: Stage, end: str) -> None:
    booking = stage.book(hours_ahead=72)
    stage.use_card("requires_3ds")
    stage.travel_to(booking.starts_at - 14 * HOUR)
    pay_now(booking=booking, actor=stage.student, now=clock.now())
    left_open = payment_of(booking).pending_intent_id

    match end:
        case "expires":
            stage.travel_to(booking.starts_at - 12 * HOUR, run_what_is_due_then=True)
        case "cancelled":
            cancel_booking(booking=booking, actor=stage.student, now=clock.now())
        case "tried again":
            stage.use_card("ok")
            pay_now(booking=booking, actor=stage.student, now=clock.now())

    with pytest.raises(Exception, match="400"):  # the student is back at the bank's page, too late
        stage.simulator.finish_3ds(left_open)
    with refused("already_settled"):
        confirm_payment(booking=booking, actor=stage.student, now=clock.now())
    assert money_of(booking) == (HELD if end == "tried again" else Money())


# --- Our clockwork was down: nobody's refusal -----------------------------------------------------------------------


def sleep_until(stage: Stage, booking: Booking, *, hours_ahead: float) -> None:
    """Let our clockwork be down from before T−24 h until so many hours ahead of the start, and wake up then."""
    stage.stand_at(booking.starts_at - hours_ahead * HOUR)
    stage.travel_to(clock.now(), run_what_is_due_then=True)


@pytest.mark.rule("P10.1")
@pytest.mark.parametrize("hours_ahead", [20, 12, 3, -0.5])
def test_an_authorization_that_was_never_tried_is_tried_however_late(stage: Stage, hours_ahead: float) -> None:
    booking = stage.book(hours_ahead=72)

    sleep_until(stage, booking, hours_ahead=hours_ahead)

    assert (stands(booking), money_of(booking)) == (("confirmed", "authorized", ""), HELD)
    assert tries(booking) == [hours_ahead]


@pytest.mark.rule("P10.1")
@pytest.mark.parametrize(
    ("hours_ahead", "stand"),
    [
        (20, ("confirmed", "payment_method_required", "")),
        (12, ("cancelled", "settled", "payment_failed_no_charge")),
        (3, ("cancelled", "settled", "payment_failed_no_charge")),
        (-0.5, ("confirmed", "payment_method_required", "")),
    ],
)
def test_refused_then_it_is_cancelled_unless_the_lesson_has_started(
    stage: Stage, booking: Booking, hours_ahead: float, stand: tuple[str, str, str]
) -> None:
    sleep_until(stage, booking, hours_ahead=hours_ahead)

    assert stands(booking) == stand
    assert money_of(booking) == Money()


@pytest.mark.rule("P10.1")
@pytest.mark.rule("P10.2")
def test_what_could_not_be_held_before_the_start_is_tried_at_settlement(stage: Stage, booking: Booking) -> None:
    sleep_until(stage, booking, hours_ahead=-0.5)

    stage.travel_to(booking.ends_at + 24 * HOUR, run_what_is_due_then=True)

    assert stands(booking) == ("completed", "payment_method_required", "")
    assert payment_of(booking).collection_refused_at == booking.ends_at + 24 * HOUR  # the 72 hours run from here
    stage.use_card("ok")
    stage.travel(hours=4, minutes=1)
    assert stands(booking) == ("completed", "settled", "lesson_completed_full_payout")


@pytest.mark.rule("P10.1")
@pytest.mark.rule("P10.4")
@pytest.mark.rule("P7.11")
@pytest.mark.parametrize("given", [False, True], ids=["it has begun", "it has ended"])
def test_a_refusal_that_comes_after_the_start_cancels_nothing(stage: Stage, booking: Booking, given: bool) -> None:
    """Asked for at T−5 h, because our clockwork was down; the card's no is heard only when the lesson is being given,
    or when it is over."""
    stage.simulator.order_fault("authorize", "timeout_before", times="always")
    sleep_until(stage, booking, hours_ahead=5)
    stage.travel_to(booking.ends_at if given else booking.starts_at)
    if given:
        with refused("operation_in_progress"):
            mark_complete(booking=booking, now=clock.now())
    stage.simulator.order_fault("authorize", "none")

    stage.travel(minutes=16)

    assert stands(booking) == ("confirmed", "payment_method_required", "")
    stage.use_card("ok")
    stage.travel_to(booking.ends_at + 24 * HOUR, run_what_is_due_then=True)
    assert stands(booking) == ("completed", "settled", "lesson_completed_full_payout")


# --- Less than a day ahead (P5.2) -------------------------------------------------------------------------------------


@pytest.mark.rule("P5.2")
@pytest.mark.rule("P3.2")
@pytest.mark.parametrize(
    ("hours_ahead", "minutes"), [(20, 30), (0.25, 15)], ids=["30 minutes", "at the start, if that is sooner"]
)
def test_a_checkout_waits_so_long_for_its_card_and_its_last_instant_counts(
    stage: Stage, hours_ahead: float, minutes: int
) -> None:
    stage.use_card("declined")
    unpaid, paid = stage.book(hours_ahead=hours_ahead), stage.book(hours_ahead=hours_ahead)
    made_at = clock.now()
    stage.travel_to(made_at + timedelta(minutes=minutes))
    stage.use_card("ok")
    pay_now(booking=paid, actor=stage.student, now=clock.now())

    stage.travel_to(clock.now(), run_what_is_due_then=True)

    assert stands(unpaid) == ("cancelled", "settled", "payment_failed_no_charge")
    assert unpaid.cancelled_at == made_at + timedelta(minutes=minutes)
    assert stands(paid) == ("confirmed", "authorized", "")


@pytest.mark.rule("P5.2")
@pytest.mark.parametrize(("ahead", "status"), [(24 * HOUR, "scheduled"), (24 * HOUR - MOMENT, "authorized")])
def test_exactly_a_day_ahead_is_scheduled_and_a_moment_less_is_held_at_once(
    stage: Stage, ahead: timedelta, status: str
) -> None:
    booking = stage.book(hours_ahead=ahead / HOUR)

    assert stands(booking) == ("confirmed", status, "")


@pytest.mark.rule("P5.2")
def test_a_pending_booking_holds_no_time_and_cannot_be_moved(stage: Stage) -> None:
    stage.use_card("declined")
    pending = stage.book(hours_ahead=20)
    stage.use_card("ok")
    taken = stage.book(hours_ahead=20)

    assert (stands(pending)[0], stands(taken)[0]) == ("pending", "confirmed")
    with refused("payment_method_required"):
        reschedule_booking(
            booking=pending, actor=stage.student, new_starts_at=pending.starts_at + 5 * HOUR, now=clock.now()
        )
    with refused("slot_unavailable"):  # P5.3: the time was taken meanwhile, so the hold is voided
        pay_now(booking=pending, actor=stage.student, now=clock.now())
    assert stands(pending) == ("cancelled", "settled", "payment_failed_no_charge")
    assert money_of(pending) == Money()
