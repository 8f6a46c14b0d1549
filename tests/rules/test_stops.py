"""What Stripe refuses after the fact stops in manual review, and staff retry it or give it up (P10.3)."""

from collections.abc import Callable
from datetime import timedelta
from typing import NamedTuple

import pytest

from bookings.models import Booking
from bookings.operations import cancel_booking, reschedule_booking
from instainstru import clock
from instainstru.accounts.models import User
from payments import operations as payments
from payments.ledger import books
from payments.models import Operation
from payments.policy.accounts import Account
from payments.policy.plan import CreditMoves
from tests.rules.standing import Money, credits_of, money_of, payment_of, refused, stands
from tests.stage import Stage

HOUR = timedelta(hours=1)


def early_cancel_of_a_held_card(stage: Stage, booking: Booking) -> None:
    stage.travel_to(booking.starts_at - 24 * HOUR, run_what_is_due_then=True)
    cancel_booking(booking=booking, actor=stage.student, now=clock.now())


def middle_cancel(stage: Stage, booking: Booking) -> None:
    stage.travel_to(booking.starts_at - 18 * HOUR)
    cancel_booking(booking=booking, actor=stage.student, now=clock.now())


def late_cancel(stage: Stage, booking: Booking) -> None:
    stage.travel_to(booking.starts_at - 6 * HOUR)
    cancel_booking(booking=booking, actor=stage.student, now=clock.now())


def instructor_cancel(stage: Stage, booking: Booking) -> None:
    stage.travel_to(booking.starts_at - 6 * HOUR)
    cancel_booking(booking=booking, actor=stage.instructor, now=clock.now())


def late_move(stage: Stage, booking: Booking) -> None:
    stage.travel_to(booking.starts_at - 18 * HOUR)
    reschedule_booking(
        booking=booking, actor=stage.student, new_starts_at=booking.starts_at + 48 * HOUR, now=clock.now()
    )


def instructor_cancel_of_a_locked_lesson(stage: Stage, booking: Booking) -> None:
    late_move(stage, booking)
    stage.travel(hours=1)
    cancel_booking(booking=booking, actor=stage.instructor, now=clock.now())


def settlement(stage: Stage, booking: Booking) -> None:
    stage.travel_to(booking.ends_at + 24 * HOUR, run_what_is_due_then=True)


class Stop(NamedTuple):
    """A call that Stripe refuses, and how the booking stands then, once retried, and if given up."""

    does: Callable[[Stage, Booking], None]
    refuses: str
    reason: str
    stopped: tuple[Money, CreditMoves]
    retried: tuple[str, Money, CreditMoves]
    given_up: tuple[str, Money, CreditMoves]


PI, TR, P, HP = 8_440, 8_440, 10_560, 5_280  # of a lesson for 120.00 with 50.00 of credit (policy section 13)
NOTHING, RELEASED, CONSUMED = CreditMoves(), CreditMoves(released=5_000), CreditMoves(consumed=5_000)
ISSUED_70, ISSUED_10 = CreditMoves(released=5_000, issued=7_000), CreditMoves(released=5_000, issued=1_000)

STOPS = {
    "P7.1 void": Stop(
        early_cancel_of_a_held_card,
        "void",
        "void_refused",
        stopped=(Money(held=PI), RELEASED),
        retried=("student_cancel_gt24_no_charge", Money(), RELEASED),
        given_up=("payment_failed_no_charge", Money(), RELEASED),
    ),
    "P7.2 capture": Stop(
        middle_cancel,
        "capture",
        "capture_refused",
        stopped=(Money(held=PI), NOTHING),
        retried=("student_cancel_12_24_full_credit", Money(charged=PI), ISSUED_70),
        given_up=("payment_failed_no_charge", Money(), RELEASED),
    ),
    "P7.2 reversal": Stop(
        middle_cancel,
        "reverse",
        "reversal_refused",
        stopped=(Money(charged=PI, instructor=TR), ISSUED_70),
        retried=("student_cancel_12_24_full_credit", Money(charged=PI), ISSUED_70),
        given_up=("student_cancel_12_24_full_credit", Money(charged=PI, instructor=TR), ISSUED_70),
    ),
    "P7.3 payout": Stop(
        late_cancel,
        "payout",
        "payout_refused",
        stopped=(Money(charged=PI), ISSUED_10),
        retried=("student_cancel_lt12_split_50_50", Money(charged=PI, instructor=HP), ISSUED_10),
        given_up=("student_cancel_lt12_split_50_50", Money(charged=PI), ISSUED_10),
    ),
    "P7.6 void": Stop(
        instructor_cancel,
        "void",
        "void_refused",
        stopped=(Money(held=PI), RELEASED),
        retried=("instructor_cancel_full_refund", Money(), RELEASED),
        given_up=("payment_failed_no_charge", Money(), RELEASED),
    ),
    "P7.6 refund": Stop(
        instructor_cancel_of_a_locked_lesson,
        "refund",
        "refund_refused",
        stopped=(Money(charged=PI), NOTHING),
        retried=("instructor_cancel_full_refund", Money(charged=PI, refunded=PI), RELEASED),
        given_up=("instructor_cancel_full_refund", Money(charged=PI), RELEASED),
    ),
    "P5.5 payout": Stop(
        settlement,
        "payout",
        "payout_refused",
        stopped=(Money(charged=PI, instructor=TR), CONSUMED),
        retried=("lesson_completed_full_payout", Money(charged=PI, instructor=P), CONSUMED),
        given_up=("lesson_completed_full_payout", Money(charged=PI, instructor=TR), CONSUMED),
    ),
}
every_stop = pytest.mark.parametrize("stop", STOPS.values(), ids=STOPS)


@pytest.fixture
def stopped(stage: Stage, stop: Stop) -> Booking:
    """A booking with 50.00 of credit that a refusal has stopped."""
    stage.give_credit(5_000)
    booking = stage.book(hours_ahead=72, credits=5_000)
    stage.simulator.order_fault(stop.refuses, "refuse")
    stop.does(stage, booking)
    booking.refresh_from_db()
    return booking


def retry(booking: Booking, staff: User) -> None:
    payments.perform(payments.retry_stuck(payment_id=booking.payment_id, actor=staff, now=clock.now()))


def give_up(booking: Booking, staff: User) -> None:
    resolved = payments.resolve_stuck(
        payment_id=booking.payment_id, actor=staff, note="Stripe will not.", now=clock.now()
    )
    payments.perform(resolved)


@pytest.mark.rule("P10.3")
@pytest.mark.rule("P4.5")
@every_stop
def test_a_definite_no_stops_every_automation_and_says_why(stage: Stage, stopped: Booking, stop: Stop) -> None:
    payment = payment_of(stopped)
    calls = len(stage.simulator.requests())

    stage.travel(days=6)

    assert (payment.status, payment.review_reason) == ("manual_review", stop.reason)
    assert payment.review_error
    assert payment.review_since
    assert (money_of(stopped), credits_of(stopped)) == stop.stopped
    assert len(stage.simulator.requests()) == calls
    assert stands(stopped)[1:] == ("manual_review", stop.reason)


@pytest.mark.rule("P10.3")
@every_stop
def test_staff_retry_from_where_it_stopped(stage: Stage, stopped: Booking, stop: Stop, staff: User) -> None:
    stage.travel(hours=5)

    retry(stopped, staff)

    outcome, money, credits = stop.retried
    assert stands(stopped) == (stopped.status, "settled", outcome)
    assert (money_of(stopped), credits_of(stopped)) == (money, credits)


@pytest.mark.rule("P10.3")
@every_stop
def test_a_retry_that_is_refused_again_stops_again(stage: Stage, stopped: Booking, stop: Stop, staff: User) -> None:
    stage.simulator.order_fault(stop.refuses, "refuse", times=2)

    retry(stopped, staff)
    retry(stopped, staff)
    assert stands(stopped)[1:] == ("manual_review", stop.reason)
    assert (money_of(stopped), credits_of(stopped)) == stop.stopped
    retry(stopped, staff)

    assert stands(stopped)[1:] == ("settled", stop.retried[0])
    assert (money_of(stopped), credits_of(stopped)) == stop.retried[1:]


@pytest.mark.rule("P10.3")
@every_stop
def test_staff_give_up_what_was_refused_and_what_is_missing_is_a_loss(
    stage: Stage, stopped: Booking, stop: Stop, staff: User
) -> None:
    stage.travel(hours=5)

    give_up(stopped, staff)

    outcome, money, credits = stop.given_up
    assert stands(stopped) == (stopped.status, "settled", outcome)
    assert (money_of(stopped), credits_of(stopped)) == (money, credits)
    assert Operation.objects.filter(resolved_by=staff, resolution="Stripe will not.").exists()
    with refused("already_settled"):
        give_up(stopped, staff)
    stage.travel(days=8)  # a hold that could not be voided lapses (P2.6)


@pytest.mark.rule("P10.3")
def test_a_reversal_that_is_given_up_leaves_the_lock_and_counts_towards_the_payout(stage: Stage, staff: User) -> None:
    booking = stage.book(hours_ahead=72)
    stage.simulator.order_fault("reverse", "refuse")
    late_move(stage, booking)

    give_up(booking, staff)
    assert stands(booking) == ("confirmed", "locked", "")
    assert money_of(booking) == Money(charged=13_440, instructor=10_560)
    stage.travel_to(booking.ends_at + 24 * HOUR, run_what_is_due_then=True)

    assert stands(booking) == ("completed", "settled", "lesson_completed_full_payout")
    assert money_of(booking) == Money(charged=13_440, instructor=10_560)  # nothing is paid twice
    assert books.balance(Account.LOSSES) == 0


@pytest.mark.rule("P10.3")
@pytest.mark.parametrize(
    ("by", "hours_ahead", "outcome", "lost"),
    [
        ("student", 13, "locked_cancel_ge12_full_credit", 10_560),
        ("student", 6, "locked_cancel_lt12_split_50_50", 5_280),
        ("instructor", 6, "instructor_cancel_full_refund", 10_560),
    ],
)
def test_what_the_instructor_keeps_of_a_reversal_given_up_is_a_loss_in_the_end(
    stage: Stage, staff: User, by: str, hours_ahead: int, outcome: str, lost: int
) -> None:
    booking = stage.book(hours_ahead=72)
    stage.simulator.order_fault("reverse", "refuse")
    late_move(stage, booking)
    give_up(booking, staff)
    booking.refresh_from_db()
    stage.travel_to(booking.starts_at - hours_ahead * HOUR)

    cancel_booking(booking=booking, actor=getattr(stage, by), now=clock.now())

    assert stands(booking) == ("cancelled", "settled", outcome)
    assert money_of(booking).instructor == 10_560
    assert books.balance(Account.LOSSES) == lost


@pytest.mark.rule("P10.3")
def test_a_hold_that_could_not_be_released_after_a_move_that_failed_waits_for_staff(stage: Stage, staff: User) -> None:
    booking = stage.book(hours_ahead=72)
    stage.stand_at(booking.starts_at - 18 * HOUR)
    stage.simulator.order_fault("capture", "refuse")
    stage.simulator.order_fault("void", "refuse")

    with refused("card_declined"):
        reschedule_booking(
            booking=booking, actor=stage.student, new_starts_at=booking.starts_at + 48 * HOUR, now=clock.now()
        )

    assert stands(booking) == ("confirmed", "manual_review", "void_refused")
    retry(booking, staff)
    assert stands(booking) == ("confirmed", "scheduled", "")
    stage.travel_to(booking.ends_at + 24 * HOUR, run_what_is_due_then=True)
    assert stands(booking) == ("completed", "settled", "lesson_completed_full_payout")


@pytest.mark.rule("P10.3")
def test_nothing_waits_for_staff_where_nothing_was_refused(stage: Stage, staff: User) -> None:
    booking = stage.book(hours_ahead=72)

    with refused("already_settled"):
        retry(booking, staff)
    with refused("already_settled"):
        give_up(booking, staff)
