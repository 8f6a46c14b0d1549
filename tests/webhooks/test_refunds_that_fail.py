"""A refund of ours that the bank sends back later is money owed again (P10.3)."""

from datetime import timedelta

import pytest

from bookings.models import Booking
from bookings.operations import cancel_booking, reschedule_booking
from instainstru import clock
from instainstru.accounts.models import User
from payments import operations as payments
from payments.models import Payment, Step
from payments.policy.states import Bearer, Call
from tests.rules.standing import Money, money_of, payment_of, refused, stands
from tests.stage import Stage
from tests.webhooks.conftest import Post

pytestmark = [pytest.mark.rule("P10.3")]

PI, P = 13_440, 10_560


def cancelled_by_the_instructor(stage: Stage) -> Booking:
    booking = stage.book()
    stage.travel_to(booking.starts_at - timedelta(hours=18))
    reschedule_booking(
        booking=booking, actor=stage.student, new_starts_at=booking.starts_at + timedelta(hours=48), now=clock.now()
    )
    booking.refresh_from_db()
    cancel_booking(booking=booking, actor=stage.instructor, now=clock.now())
    return booking


def fail_our_refund(stage: Stage, post: Post, booking: Booking) -> None:
    refund = Step.objects.filter(operation__payment=booking.payment_id, call=Call.REFUND, state="succeeded").get()
    stage.simulator.fail_refund(refund.object_id)
    post.deliver()


def test_it_stops_the_payment_and_its_outcome_stays(stage: Stage, post: Post):
    booking = cancelled_by_the_instructor(stage)

    fail_our_refund(stage, post, booking)

    payment = payment_of(booking)
    assert stands(booking) == ("cancelled", "manual_review", "refund_refused")
    assert (payment.former_status, payment.settlement_outcome) == ("settled", "instructor_cancel_full_refund")
    assert payment.review_error == "lost_or_stolen_card: The bank sent the refund back."
    assert money_of(booking) == Money(charged=PI)
    assert stage.disorder() == []
    post.deliver()
    assert money_of(booking) == Money(charged=PI)


def test_retried_it_goes_back_under_a_key_of_its_own(stage: Stage, post: Post, staff: User):
    booking = cancelled_by_the_instructor(stage)
    fail_our_refund(stage, post, booking)

    payments.perform(payments.retry_stuck(payment_id=booking.payment_id, actor=staff, now=clock.now()))
    post.deliver()

    assert stands(booking) == ("cancelled", "settled", "instructor_cancel_full_refund")
    assert money_of(booking) == Money(charged=PI, refunded=PI)
    keys = Step.objects.filter(operation__payment=booking.payment_id, call=Call.REFUND).values_list(
        "idempotency_key", flat=True
    )
    assert len(set(keys)) == 2
    assert stage.disorder() == []


def test_it_may_fail_again_and_be_given_up(stage: Stage, post: Post, staff: User):
    booking = cancelled_by_the_instructor(stage)
    fail_our_refund(stage, post, booking)
    payments.perform(payments.retry_stuck(payment_id=booking.payment_id, actor=staff, now=clock.now()))
    fail_our_refund(stage, post, booking)
    assert stands(booking)[1:] == ("manual_review", "refund_refused")

    payments.resolve_stuck(payment_id=booking.payment_id, actor=staff, note="Paid by cheque.", now=clock.now())

    assert stands(booking) == ("cancelled", "settled", "instructor_cancel_full_refund")
    assert money_of(booking) == Money(charged=PI)
    assert stage.disorder() == []


@pytest.mark.rule("P8.6")
@pytest.mark.parametrize("retried", [True, False])
def test_a_staff_refund_counts_again_only_if_it_is_retried(stage: Stage, post: Post, staff: User, retried: bool):
    booking = stage.book()
    stage.travel_to(booking.ends_at + timedelta(hours=25))
    payments.refund_by_staff(
        payment_id=booking.payment_id, actor=staff, cents=PI // 2, bearer=Bearer.INSTRUCTOR, reason="Half a lesson.",
        now=clock.now(),
    )  # fmt: skip
    counted = at_the_instructors_cost(booking)

    fail_our_refund(stage, post, booking)

    assert stands(booking)[1:] == ("manual_review", "refund_refused")
    assert payment_of(booking).settlement_outcome == "lesson_completed_full_payout"
    assert at_the_instructors_cost(booking) == (0, 0)
    if retried:
        payments.perform(payments.retry_stuck(payment_id=booking.payment_id, actor=staff, now=clock.now()))
        assert stands(booking)[1:] == ("settled", "admin_refund")
        assert at_the_instructors_cost(booking) == counted
    else:
        payments.resolve_stuck(payment_id=booking.payment_id, actor=staff, note="No.", now=clock.now())
        assert stands(booking)[1:] == ("settled", "lesson_completed_full_payout")
        assert at_the_instructors_cost(booking) == (0, P // 2)
    assert stage.disorder() == []


@pytest.mark.rule("P8.6")
@pytest.mark.parametrize("retried", [True, False])
@pytest.mark.parametrize(
    ("stopped", "status", "outcome"),
    [
        pytest.param("payout", "settled", "lesson_completed_full_payout", id="the top-up of a settlement"),
        pytest.param("reverse", "locked", "", id="the reversal of a LOCK"),
    ],
)
def test_a_staff_refund_made_in_a_stop_that_has_ended_since(
    stage: Stage, post: Post, staff: User, stopped: str, status: str, outcome: str, retried: bool
):
    """Found by the simulation, seed 20081: the payment stayed in review for a refund that nobody could end."""
    stage.give_credit(5_000)
    booking = stage.book(credits=5_000)
    stage.simulator.order_fault(stopped, "refuse")
    if stopped == "payout":
        stage.travel_to(booking.ends_at + timedelta(hours=25))
    else:
        stage.travel_to(booking.starts_at - timedelta(hours=18))
        moved_to = booking.starts_at + timedelta(hours=48)
        reschedule_booking(booking=booking, actor=stage.student, new_starts_at=moved_to, now=clock.now())
    payments.refund_by_staff(
        payment_id=booking.payment_id, actor=staff, cents=2_000, bearer=Bearer.PLATFORM, reason="Late.", now=clock.now()
    )
    payments.perform(payments.retry_stuck(payment_id=booking.payment_id, actor=staff, now=clock.now()))
    before = stands(booking)
    assert before[1] == status

    fail_our_refund(stage, post, booking)

    assert stands(booking)[1:] == ("manual_review", "refund_refused")
    if retried:
        payments.perform(payments.retry_stuck(payment_id=booking.payment_id, actor=staff, now=clock.now()))
        assert stands(booking)[1:] == (status, "admin_refund" if status == "settled" else "")
    else:
        payments.resolve_stuck(payment_id=booking.payment_id, actor=staff, note="No.", now=clock.now())
        assert stands(booking)[1:] == (status, outcome)
    assert payment_of(booking).lock_resolved_at is None
    assert stage.disorder() == []


def at_the_instructors_cost(booking: Booking) -> tuple[int, int]:
    found = Payment.objects.filter(pk=booking.payment_id)
    return found.values_list("refunded_at_instructors_cost_cents", "taken_back_cents").get()


@pytest.mark.rule("P8.6")
def test_a_refund_is_not_retried_beyond_what_is_left_though_stripe_would_grant_it(
    stage: Stage, post: Post, staff: User
):
    """Simulation, seed 40259: the bank had sent another back, of which we had not heard; the answer had no place."""
    booking = stage.book()
    stage.travel_to(booking.ends_at + timedelta(hours=25))
    for cents, fault in ((1_000, "refuse"), (None, "none")):
        stage.simulator.order_fault("refund", fault)
        payments.refund_by_staff(
            payment_id=booking.payment_id, actor=staff, cents=cents, bearer=Bearer.PLATFORM, reason="It was asked.",
            now=clock.now(),
        )  # fmt: skip
    all_of_it = Step.objects.get(call=Call.REFUND, state=Step.State.SUCCEEDED)
    stage.simulator.fail_refund(all_of_it.object_id)

    with refused("refund_exceeds_captured"):
        payments.retry_stuck(payment_id=booking.payment_id, actor=staff, now=clock.now())

    payments.resolve_stuck(payment_id=booking.payment_id, actor=staff, note="All is refunded.", now=clock.now())
    post.deliver()
    assert stands(booking)[1:] == ("manual_review", "refund_refused")
    payments.perform(payments.retry_stuck(payment_id=booking.payment_id, actor=staff, now=clock.now()))
    assert money_of(booking) == Money(charged=PI, refunded=PI, instructor=P)
    assert stands(booking)[1:] == ("settled", "admin_refund")
    assert stage.disorder() == []


@pytest.mark.rule("P6.2")
@pytest.mark.rule("P8.6")
@pytest.mark.parametrize("retried", [True, False])
def test_what_a_staff_refund_took_of_a_transfer_that_a_lock_has_reversed_since_counts_no_more(
    stage: Stage, post: Post, staff: User, retried: bool
):
    """Simulation, seed 40241: it had ceased to count, and was counted off once more when the refund came back."""

    def refund(cents: int) -> None:
        payments.refund_by_staff(
            payment_id=booking.payment_id, actor=staff, cents=cents, bearer=Bearer.INSTRUCTOR, reason="Too late.",
            now=clock.now(),
        )  # fmt: skip

    booking = stage.book()
    stage.travel_to(booking.starts_at - timedelta(hours=18))
    stage.simulator.order_fault("reverse", "refuse")
    reschedule_booking(
        booking=booking, actor=stage.student, new_starts_at=booking.starts_at + timedelta(hours=48), now=clock.now()
    )
    refund(PI // 2)
    assert money_of(booking) == Money(charged=PI, refunded=PI // 2, instructor=P // 2)
    payments.perform(payments.retry_stuck(payment_id=booking.payment_id, actor=staff, now=clock.now()))
    booking.refresh_from_db()
    stage.travel_to(booking.ends_at + timedelta(hours=25))
    assert at_the_instructors_cost(booking) == (PI // 2, 0)

    fail_our_refund(stage, post, booking)

    assert stands(booking)[1:] == ("manual_review", "refund_refused")
    assert at_the_instructors_cost(booking) == (0, 0)
    refund(PI // 8)
    assert money_of(booking) == Money(charged=PI, refunded=PI // 8, instructor=P * 7 // 8)
    if retried:
        payments.perform(payments.retry_stuck(payment_id=booking.payment_id, actor=staff, now=clock.now()))
        assert money_of(booking) == Money(charged=PI, refunded=PI * 5 // 8, instructor=P * 7 // 8)
        refund(PI * 3 // 8)
        assert money_of(booking) == Money(charged=PI, refunded=PI)
    else:
        payments.resolve_stuck(payment_id=booking.payment_id, actor=staff, note="No.", now=clock.now())
        refund(PI * 3 // 8)
        assert money_of(booking) == Money(charged=PI, refunded=PI // 2, instructor=P // 2)
    assert stands(booking)[1:] == ("settled", "admin_refund")
    assert stage.disorder() == []
