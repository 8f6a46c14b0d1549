"""Staff refund at the instructor's cost while a reversal waits for staff: what is left is reversed then, once (P8.6).

The charge's transfer of 105.60 is on the instructor's account, because Stripe refused to take it back for a LOCK or a
late cancellation (P10.3). Until it is reversed it counts as paid to the instructor; then it was never theirs, nor is
what a refund took of it held in their favour.
"""

from collections.abc import Callable
from datetime import timedelta

import pytest

from bookings.models import Booking
from bookings.operations import cancel_booking, reschedule_booking
from instainstru import clock
from instainstru.accounts.models import User
from payments import operations as payments
from payments.ledger import books
from payments.models import Step
from payments.policy.accounts import Account
from payments.policy.states import Bearer, Call
from tests.rules.standing import Money, money_of, stands
from tests.stage import Stage

HOUR = timedelta(hours=1)
PI, P, HP = 13_440, 10_560, 5_280  # policy section 13

Refund = Callable[[Booking, int], None]
End = Callable[[Booking], None]


@pytest.fixture
def refund_at_their_cost(staff: User) -> Refund:
    def refund(booking: Booking, cents: int) -> None:
        payments.refund_by_staff(
            payment_id=booking.payment_id,
            actor=staff,
            cents=cents,
            bearer=Bearer.INSTRUCTOR,
            reason="The instructor was rude.",
            now=clock.now(),
        )

    return refund


@pytest.fixture
def retry(staff: User) -> End:
    return lambda booking: (
        payments.perform(payments.retry_stuck(payment_id=booking.payment_id, actor=staff, now=clock.now())) and None
    )


@pytest.fixture
def give_up(staff: User) -> End:
    return lambda booking: (
        payments.perform(
            payments.resolve_stuck(payment_id=booking.payment_id, actor=staff, note="It will not.", now=clock.now())
        )
        and None
    )


@pytest.fixture
def lock(stage: Stage) -> Booking:
    """A lesson moved 18 hours ahead, whose charge's transfer could not be reversed."""
    booking = stage.book(hours_ahead=72)
    stage.travel_to(booking.starts_at - 18 * HOUR)
    stage.simulator.order_fault("reverse", "refuse")
    reschedule_booking(
        booking=booking, actor=stage.student, new_starts_at=booking.starts_at + 72 * HOUR, now=clock.now()
    )
    assert stands(booking) == ("confirmed", "manual_review", "reversal_refused")
    return booking


@pytest.fixture
def late_cancellation(stage: Stage) -> Booking:
    """A lesson cancelled 6 hours ahead, whose charge's transfer could not be reversed, nor half be paid."""
    booking = stage.book(hours_ahead=72)
    stage.travel_to(booking.starts_at - 6 * HOUR)
    stage.simulator.order_fault("reverse", "refuse")
    cancel_booking(booking=booking, actor=stage.student, now=clock.now())
    assert stands(booking) == ("cancelled", "manual_review", "reversal_refused")
    return booking


def settle(stage: Stage, booking: Booking) -> None:
    stage.travel_to(booking.ends_at + 24 * HOUR, run_what_is_due_then=True)
    assert stands(booking) == ("completed", "settled", "lesson_completed_full_payout")


def reversals(booking: Booking) -> list[tuple[int, str]]:
    steps = Step.objects.filter(operation__payment_id=booking.payment_id, call=Call.REVERSE).order_by("id")
    return list(steps.values_list("amount_cents", "state"))


@pytest.mark.rule("P8.6")
@pytest.mark.rule("P10.3")
def test_a_lock_that_is_retried_reverses_what_a_refund_has_left(
    stage: Stage, lock: Booking, refund_at_their_cost: Refund, retry: End
) -> None:
    refund_at_their_cost(lock, PI // 2)
    assert stands(lock) == ("confirmed", "manual_review", "reversal_refused")
    assert money_of(lock) == Money(charged=PI, refunded=PI // 2, instructor=P // 2)

    retry(lock)

    assert stands(lock) == ("confirmed", "locked", "")
    assert money_of(lock) == Money(charged=PI, refunded=PI // 2)
    assert reversals(lock) == [(P, "refused"), (P // 2, "succeeded"), (P // 2, "succeeded")]
    settle(stage, lock)
    assert money_of(lock).instructor == P


@pytest.mark.rule("P8.6")
@pytest.mark.rule("P10.3")
def test_a_lock_of_which_nothing_is_left_to_reverse_is_locked_without_asking(
    stage: Stage, lock: Booking, refund_at_their_cost: Refund, retry: End
) -> None:
    refund_at_their_cost(lock, PI)
    assert money_of(lock) == Money(charged=PI, refunded=PI)
    asked = len(stage.simulator.requests())

    retry(lock)

    assert stands(lock) == ("confirmed", "locked", "")
    assert len(stage.simulator.requests()) == asked
    settle(stage, lock)
    assert money_of(lock).instructor == P


@pytest.mark.rule("P8.6")
def test_what_a_lock_has_reversed_is_left_out_of_what_was_paid_and_of_what_was_taken_back(
    stage: Stage, lock: Booking, refund_at_their_cost: Refund, retry: End
) -> None:
    refund_at_their_cost(lock, PI // 2)
    retry(lock)
    settle(stage, lock)

    refund_at_their_cost(lock, PI // 4)  # three quarters in all

    assert money_of(lock) == Money(charged=PI, refunded=PI * 3 // 4, instructor=P // 4)


@pytest.mark.rule("P8.6")
@pytest.mark.rule("P10.3")
def test_what_a_refund_has_left_of_a_lock_that_is_given_up_counts_towards_the_payout(
    stage: Stage, lock: Booking, refund_at_their_cost: Refund, give_up: End
) -> None:
    refund_at_their_cost(lock, PI // 2)

    give_up(lock)

    assert stands(lock) == ("confirmed", "locked", "")
    assert money_of(lock).instructor == P // 2
    settle(stage, lock)
    assert money_of(lock).instructor == P


@pytest.mark.rule("P8.6")
@pytest.mark.rule("P10.3")
@pytest.mark.parametrize(("cents", "left"), [(PI // 4, 7_920), (PI, 0)])
@pytest.mark.parametrize("again", [False, True], ids=["", "refused once more"])
def test_a_late_cancellation_that_is_retried_leaves_the_instructor_half(
    stage: Stage, late_cancellation: Booking, refund_at_their_cost: Refund, retry: End, cents: int, left: int,
    again: bool,
) -> None:  # fmt: skip
    refund_at_their_cost(late_cancellation, cents)
    assert money_of(late_cancellation) == Money(charged=PI, refunded=cents, instructor=left)
    if again:
        stage.simulator.order_fault("payout", "refuse")
        retry(late_cancellation)
        assert stands(late_cancellation) == ("cancelled", "manual_review", "payout_refused")

    retry(late_cancellation)

    assert stands(late_cancellation) == ("cancelled", "settled", "student_cancel_lt12_split_50_50")
    assert money_of(late_cancellation) == Money(charged=PI, refunded=cents, instructor=HP)
    assert books.balance(Account.EARNINGS, owner_id=stage.instructor.pk) == -HP
    assert books.balance(Account.LOSSES) == cents


@pytest.mark.rule("P8.6")
@pytest.mark.rule("P10.3")
def test_what_a_refund_that_is_given_up_took_is_part_of_the_reversal_that_waits(
    stage: Stage, late_cancellation: Booking, refund_at_their_cost: Refund, retry: End, give_up: End
) -> None:
    stage.simulator.order_fault("refund", "refuse")
    refund_at_their_cost(late_cancellation, PI // 4)
    assert money_of(late_cancellation) == Money(charged=PI, instructor=7_920)

    give_up(late_cancellation)
    retry(late_cancellation)

    assert stands(late_cancellation) == ("cancelled", "settled", "student_cancel_lt12_split_50_50")
    assert money_of(late_cancellation) == Money(charged=PI, instructor=HP)
    assert books.balance(Account.EARNINGS, owner_id=stage.instructor.pk) == -HP


@pytest.mark.rule("P8.6")
@pytest.mark.rule("P10.3")
@pytest.mark.parametrize(("cents", "left"), [(PI // 4, 7_920), (PI, 0)])
def test_what_a_refund_has_left_of_a_late_cancellation_is_kept_if_it_is_given_up(
    stage: Stage, late_cancellation: Booking, refund_at_their_cost: Refund, give_up: End, cents: int, left: int
) -> None:
    refund_at_their_cost(late_cancellation, cents)

    give_up(late_cancellation)

    assert stands(late_cancellation) == ("cancelled", "settled", "student_cancel_lt12_split_50_50")
    assert money_of(late_cancellation) == Money(charged=PI, refunded=cents, instructor=left)
    assert books.balance(Account.EARNINGS, owner_id=stage.instructor.pk) == -left


@pytest.mark.rule("P8.6")
@pytest.mark.rule("P8.7")
def test_a_cancellation_by_staff_that_is_retried_refunds_what_a_refund_has_left(
    stage: Stage, lock: Booking, staff: User, refund_at_their_cost: Refund, retry: End
) -> None:
    stage.simulator.order_fault("refund", "refuse")
    payments.cancel_by_staff(
        payment_id=lock.payment_id, actor=staff, with_refund=True, reason="It was asked.", now=clock.now()
    )
    assert stands(lock) == ("cancelled", "manual_review", "refund_refused")
    refund_at_their_cost(lock, 1_000)

    retry(lock)

    assert stands(lock) == ("cancelled", "settled", "admin_refund")
    assert money_of(lock) == Money(charged=PI, refunded=PI)
    assert books.balance(Account.FEE_INCOME) == 0
