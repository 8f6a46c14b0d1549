"""A cancellation that meets something under way is accepted at its own instant, and its money follows (P7.11)."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from bookings.models import Booking, OccupiedTime
from bookings.operations import cancel_booking, pay_now, reschedule_booking
from instainstru import clock
from instainstru.accounts.models import User
from instainstru.notifications.models import Message
from payments import operations as payments
from payments.models import Operation
from payments.policy.plan import CreditMoves
from payments.policy.states import Action
from tests.payments.staff import give_up, retry
from tests.rules.standing import Money, credits_of, money_of, payment_of, refused, stands
from tests.stage import Stage

HOUR = timedelta(hours=1)
SILENT = "timeout_before"


def cancel(stage: Stage, booking: Booking, *, by: User | None = None) -> Operation:
    return cancel_booking(booking=booking, actor=by or stage.student, now=clock.now())


def be_silent(stage: Stage, call: str) -> None:
    stage.simulator.order_fault(call, SILENT, times="always")


def answer_again(stage: Stage, call: str) -> None:
    """Stripe finds its tongue, and the next repeats hear it."""
    stage.simulator.order_fault(call, "none")
    stage.travel(minutes=31)


def silent_authorization(stage: Stage) -> Booking:
    """A lesson whose authorization at T−24 h has no answer yet."""
    booking = stage.book(hours_ahead=72)
    be_silent(stage, "authorize")
    stage.travel_to(booking.starts_at - 24 * HOUR, run_what_is_due_then=True)
    return booking


def silent_late_move(stage: Stage, *, hours_ahead: float = 18, by: float = 48) -> Booking:
    """A LOCK whose capture has no answer yet."""
    booking = stage.book(hours_ahead=72)
    stage.travel_to(booking.starts_at - hours_ahead * HOUR)
    be_silent(stage, "capture")
    reschedule_booking(
        booking=booking, actor=stage.student, new_starts_at=booking.starts_at + by * HOUR, now=clock.now()
    )
    return booking


@pytest.mark.rule("P7.11")
def test_it_cancels_and_frees_the_time_at_once(stage: Stage) -> None:
    booking = silent_authorization(stage)
    stage.travel(hours=1)

    operation = cancel(stage, booking)

    assert (operation.state, operation.rule) == (Operation.State.WAITING, "P7.11")
    assert stands(booking) == ("cancelled", "scheduled", "")
    assert booking.cancelled_at == clock.now()
    assert not OccupiedTime.objects.filter(booking=booking).exists()
    answer_again(stage, "authorize")
    assert stands(booking) == ("cancelled", "settled", "student_cancel_12_24_full_credit")


@pytest.mark.rule("P7.11")
@pytest.mark.rule("P3.1")
@pytest.mark.parametrize(
    ("hours_ahead", "outcome", "moved"),
    [
        (24, "student_cancel_gt24_no_charge", CreditMoves()),
        (12, "student_cancel_12_24_full_credit", CreditMoves(issued=12_000)),
        (11.9, "student_cancel_lt12_split_50_50", CreditMoves(issued=6_000)),
    ],
)
def test_nobody_slips_into_a_worse_window_because_stripe_is_slow(
    stage: Stage, hours_ahead: float, outcome: str, moved: CreditMoves
) -> None:
    booking = silent_authorization(stage)
    stage.travel_to(booking.starts_at - hours_ahead * HOUR)
    cancel(stage, booking)

    stage.travel_to(booking.starts_at - 1 * HOUR)
    answer_again(stage, "authorize")

    assert stands(booking) == ("cancelled", "settled", outcome)
    assert credits_of(booking) == moved


@pytest.mark.rule("P7.11")
def test_a_cancellation_that_meets_a_refused_card_in_the_end_costs_nothing(stage: Stage) -> None:
    booking = silent_authorization(stage)
    stage.travel_to(booking.starts_at - 18 * HOUR)
    cancel(stage, booking)
    stage.use_card("declined")  # what is under way keeps the card that it was sent with; the next try takes this one

    stage.simulator.order_fault("authorize", "none")
    stage.simulator.order_fault("authorize", "refuse")
    stage.travel(minutes=31)

    assert stands(booking) == ("cancelled", "settled", "payment_failed_no_charge")
    assert money_of(booking) == Money()


@pytest.mark.rule("P7.11")
def test_an_instructor_waits_too(stage: Stage) -> None:
    booking = silent_authorization(stage)
    stage.travel_to(booking.starts_at - 6 * HOUR)

    cancel(stage, booking, by=stage.instructor)
    assert stands(booking) == ("cancelled", "scheduled", "")
    answer_again(stage, "authorize")

    assert stands(booking) == ("cancelled", "settled", "instructor_cancel_full_refund")
    assert money_of(booking) == Money()


@pytest.mark.rule("P7.10")
@pytest.mark.rule("P7.11")
def test_a_second_cancellation_gets_the_waiting_one(stage: Stage) -> None:
    booking = silent_authorization(stage)
    stage.travel_to(booking.starts_at - 18 * HOUR)
    first = cancel(stage, booking)
    stage.travel(hours=10)

    assert cancel(stage, booking).pk == first.pk
    assert cancel(stage, booking, by=stage.instructor).pk == first.pk

    answer_again(stage, "authorize")
    assert stands(booking) == ("cancelled", "settled", "student_cancel_12_24_full_credit")


@pytest.mark.rule("P7.11")
def test_a_cancellation_meets_a_late_move(stage: Stage) -> None:
    """The start that stood then is the old one: had the move come about first, it would have been early."""
    booking = silent_late_move(stage)
    start = booking.starts_at

    cancel(stage, booking)
    assert not OccupiedTime.objects.filter(booking=booking).exists()  # neither the old time nor the new one
    answer_again(stage, "capture")

    assert stands(booking) == ("cancelled", "settled", "locked_cancel_ge12_full_credit")
    assert booking.starts_at == start
    assert credits_of(booking) == CreditMoves(issued=12_000)
    assert not booking.moves.exists()


@pytest.mark.rule("P7.11")
def test_a_late_move_that_is_asked_for_when_late_is_judged_by_the_old_start(stage: Stage) -> None:
    booking = silent_late_move(stage, hours_ahead=12.5)
    stage.travel(hours=1)

    cancel(stage, booking)
    answer_again(stage, "capture")

    assert stands(booking) == ("cancelled", "settled", "locked_cancel_lt12_split_50_50")
    assert money_of(booking) == Money(charged=13_440, instructor=5_280)


@pytest.mark.rule("P7.11")
def test_a_cancellation_meets_a_late_move_that_is_refused(stage: Stage) -> None:
    booking = silent_late_move(stage)
    cancel(stage, booking)

    stage.simulator.order_fault("capture", "none")
    stage.simulator.order_fault("capture", "refuse")
    stage.travel(minutes=31)

    assert stands(booking) == ("cancelled", "settled", "student_cancel_12_24_full_credit")
    assert money_of(booking) == Money(charged=13_440)


@pytest.mark.rule("P7.11")
@pytest.mark.rule("P5.3")
@pytest.mark.parametrize("refuses", [False, True])
def test_a_cancellation_meets_a_checkout_and_costs_nothing(stage: Stage, refuses: bool) -> None:
    stage.give_credit(5_000)
    be_silent(stage, "authorize")
    booking = stage.book(hours_ahead=20, credits=5_000)

    cancel(stage, booking)
    assert stands(booking) == ("cancelled", "payment_method_required", "")
    stage.simulator.order_fault("authorize", "none")
    if refuses:
        stage.simulator.order_fault("authorize", "refuse")
    stage.travel(minutes=31)

    assert stands(booking) == ("cancelled", "settled", "payment_failed_no_charge")
    assert money_of(booking) == Money()
    assert credits_of(booking) == CreditMoves(released=5_000)


@pytest.mark.rule("P7.11")
def test_a_settlement_that_has_begun_has_completed_the_booking(stage: Stage) -> None:
    booking = stage.book(hours_ahead=72)
    stage.travel_to(booking.ends_at + 23 * HOUR)
    be_silent(stage, "capture")
    stage.travel_to(booking.ends_at + 24 * HOUR, run_what_is_due_then=True)

    with refused("already_completed"):
        cancel(stage, booking, by=stage.instructor)
    with refused("lesson_started"):
        cancel(stage, booking)

    answer_again(stage, "capture")
    assert stands(booking) == ("completed", "settled", "lesson_completed_full_payout")


@pytest.mark.rule("P7.11")
def test_other_requests_meanwhile_are_told_to_wait(stage: Stage) -> None:
    booking = silent_authorization(stage)
    stage.travel(hours=1)

    with refused("operation_in_progress"):
        reschedule_booking(
            booking=booking, actor=stage.student, new_starts_at=booking.starts_at + 48 * HOUR, now=clock.now()
        )

    answer_again(stage, "authorize")
    assert stands(booking) == ("confirmed", "authorized", "")


@pytest.mark.rule("P7.11")
def test_a_new_card_that_meets_a_silent_try_is_charged_if_that_is_refused(stage: Stage) -> None:
    booking = stage.book(hours_ahead=72)
    stage.use_card("declined")
    stage.travel_to(booking.starts_at - 24 * HOUR, run_what_is_due_then=True)
    be_silent(stage, "authorize")
    stage.travel(hours=1, minutes=1)  # the first retry hangs

    stage.use_card("ok")
    payments.retry_unpaid(student=stage.student, now=clock.now())
    assert Operation.objects.waiting().get().kind == Action.PAY_NOW
    answer_again(stage, "authorize")

    assert stands(booking) == ("confirmed", "authorized", "")
    assert payment_of(booking).authorization_refusals == 2


@pytest.mark.rule("P7.11")
def test_a_new_card_that_was_not_needed_does_nothing(stage: Stage) -> None:
    booking = stage.book(hours_ahead=72)
    stage.use_card("declined")
    stage.travel_to(booking.starts_at - 24 * HOUR, run_what_is_due_then=True)
    stage.use_card("ok")
    be_silent(stage, "authorize")
    stage.travel(hours=1, minutes=1)

    pay_now(booking=Booking.objects.get(), actor=stage.student, now=clock.now())
    answer_again(stage, "authorize")

    assert stands(booking) == ("confirmed", "authorized", "")
    assert len(stage.simulator.live_holds()) == 1


@pytest.mark.rule("P7.11")
@pytest.mark.parametrize("by", ["student", "instructor"])
@pytest.mark.parametrize("staff_does", ["retry", "give up"])
def test_a_cancellation_meets_a_stop(stage: Stage, staff: User, by: str, staff_does: str) -> None:
    booking = stage.book(hours_ahead=72)
    stage.travel_to(booking.starts_at - 18 * HOUR)
    stage.simulator.order_fault("reverse", "refuse")
    reschedule_booking(
        booking=booking, actor=stage.student, new_starts_at=booking.starts_at + 24 * HOUR, now=clock.now()
    )
    booking.refresh_from_db()
    stage.travel_to(booking.starts_at - 13 * HOUR)

    cancel(stage, booking, by=getattr(stage, by))
    assert stands(booking) == ("cancelled", "manual_review", "reversal_refused")
    assert not OccupiedTime.objects.filter(booking=booking).exists()
    stage.travel_to(booking.starts_at - 2 * HOUR)
    if staff_does == "retry":
        operation = payments.retry_stuck(payment_id=booking.payment_id, actor=staff, now=clock.now())
    else:
        operation = payments.resolve_stuck(
            payment_id=booking.payment_id, actor=staff, note="Given up.", now=clock.now()
        )
    payments.perform(operation)

    kept = 0 if staff_does == "retry" else 10_560
    if by == "student":
        assert stands(booking) == ("cancelled", "settled", "locked_cancel_ge12_full_credit")
        assert money_of(booking) == Money(charged=13_440, instructor=kept)
    else:
        assert stands(booking) == ("cancelled", "settled", "instructor_cancel_full_refund")
        assert money_of(booking) == Money(charged=13_440, refunded=13_440, instructor=kept)


@pytest.mark.rule("P7.11")
def test_a_lesson_that_was_cancelled_while_stripe_was_silent_is_not_warned_of(stage: Stage) -> None:
    booking = stage.book(hours_ahead=72)
    stage.use_card("declined")
    stage.travel_to(booking.starts_at - 14 * HOUR)
    be_silent(stage, "authorize")
    pay_now(booking=booking, actor=stage.student, now=clock.now())

    cancel(stage, booking)
    stage.travel_to(booking.starts_at - 13 * HOUR, run_what_is_due_then=True)

    assert not Message.objects.filter(key="final_warning").exists()
    answer_again(stage, "authorize")
    assert stands(booking) == ("cancelled", "settled", "payment_failed_no_charge")


@pytest.mark.rule("P7.11")
@pytest.mark.rule("P10.3")
@pytest.mark.parametrize("staff_does", [retry, give_up])
def test_what_was_stopped_twice_over_one_hold_waits_for_staff_once(
    stage: Stage, staff: User, staff_does: Callable[[Booking, User], None]
) -> None:
    """Staff cancel while a checkout has no answer: its own void and theirs are both refused."""
    stage.give_credit(5_000)
    be_silent(stage, "authorize")
    booking = stage.book(hours_ahead=20, credits=5_000)
    payments.cancel_by_staff(
        payment_id=booking.payment_id, actor=staff, with_refund=False, reason="They asked.", now=clock.now()
    )
    stage.simulator.order_fault("void", "refuse", times=2)
    answer_again(stage, "authorize")
    assert stands(booking) == ("cancelled", "manual_review", "void_refused")
    assert Operation.objects.stuck().count() == 2

    staff_does(booking, staff)

    assert stands(booking) == ("cancelled", "settled", "payment_failed_no_charge")
    assert credits_of(booking) == CreditMoves(released=5_000)
    with refused("already_settled"):
        staff_does(booking, staff)
    stage.travel(days=8)  # a hold that could not be voided lapses (P2.6)
