"""Without a payable account nothing is booked; one that lapses later holds the payout, and loses nothing (P10.2)."""

from datetime import timedelta

import pytest

from bookings.models import Booking
from bookings.operations import cancel_booking
from instainstru import clock
from instainstru.accounts.models import User
from payments import operations as payments
from payments.models import Payee
from tests.rules.standing import Money, money_of, payment_of, refused, stands
from tests.stage import Stage
from tests.webhooks.conftest import Post

PI, P = 13_440, 10_560


def lapse(stage: Stage, post: Post) -> str:
    """Stripe takes the right to be paid from the instructor's account, and tells us."""
    account = Payee.objects.get(user=stage.instructor).account_id
    stage.simulator.make_unpayable(account)
    post.deliver("account.updated")
    return account


def test_nothing_is_booked_while_the_account_cant_be_paid_and_again_once_it_can(stage: Stage, post: Post):
    account = lapse(stage, post)
    with refused("slot_unavailable"):
        stage.book()
    assert not Booking.objects.exists()

    stage.simulator.make_payable(account)
    post.deliver("account.updated")

    assert stage.book().status == "confirmed"


@pytest.mark.rule("P10.2", "P10.3")
def test_a_lapse_after_booking_holds_the_settlement_and_staff_carry_it_on(stage: Stage, post: Post, staff: User):
    """The hold was made while the account was well; what can't reach it waits, and is not the student's fault."""
    stage.give_credit(12_000)
    booking = stage.book(credits=12_000)  # most of it is a top-up
    stage.travel_to(booking.starts_at)
    account = lapse(stage, post)

    stage.travel_to(booking.ends_at + timedelta(hours=25))

    assert stands(booking)[1:] == ("manual_review", "payee_unpayable")
    assert payment_of(booking).owed_cents == 0
    assert payment_of(booking).collection_refused_at is None
    assert stage.disorder() == []
    stage.simulator.make_payable(account)
    post.deliver()
    assert stands(booking)[1:] == ("manual_review", "payee_unpayable")  # staff decide (P10.3)

    payments.perform(payments.retry_stuck(payment_id=booking.payment_id, actor=staff, now=clock.now()))

    assert stands(booking) == ("completed", "settled", "lesson_completed_full_payout")
    assert money_of(booking).instructor == P
    assert stage.disorder() == []


@pytest.mark.rule("P7.3", "P10.2")
def test_a_lapse_before_a_late_cancellation_holds_the_half_payout(stage: Stage, post: Post, staff: User):
    booking = stage.book()
    stage.travel_to(booking.starts_at - timedelta(hours=6))
    account = lapse(stage, post)

    cancel_booking(booking=booking, actor=stage.student, now=clock.now())

    assert stands(booking)[:2] == ("cancelled", "manual_review")
    stage.simulator.make_payable(account)
    payments.perform(payments.retry_stuck(payment_id=booking.payment_id, actor=staff, now=clock.now()))
    assert stands(booking) == ("cancelled", "settled", "student_cancel_lt12_split_50_50")
    assert money_of(booking) == Money(charged=PI, instructor=P // 2)
    assert stage.disorder() == []
