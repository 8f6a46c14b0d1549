"""What is done in Stripe's own dashboard is noticed, booked, and shown to staff (P8.8)."""

from datetime import timedelta

import pytest

from bookings.models import Booking
from bookings.operations import cancel_booking, reschedule_booking
from instainstru import clock
from instainstru.accounts.models import User
from payments import operations as payments
from payments.gateway import client
from payments.ledger import books
from payments.models import ChangeAtStripe, JournalEntry, Operation
from payments.policy.accounts import Account
from payments.policy.states import Bearer
from tests.rules.standing import Money, money_of, payment_of, refused, stands
from tests.stage import Stage
from tests.webhooks.conftest import Post

pytestmark = [pytest.mark.rule("P8.8")]

PI, TR, P, HP = 13_440, 10_560, 10_560, 5_280  # of a lesson for 120.00 (policy section 13)
Kind = ChangeAtStripe.Kind


def settled(stage: Stage) -> Booking:
    booking = stage.book()
    stage.travel_to(booking.ends_at + timedelta(hours=25))
    return booking


def locked(stage: Stage) -> Booking:
    booking = stage.book()
    stage.travel_to(booking.starts_at - timedelta(hours=18))
    reschedule_booking(
        booking=booking,
        actor=stage.student,
        new_starts_at=booking.starts_at + timedelta(hours=48),
        now=clock.now(),
    )
    booking.refresh_from_db()
    return booking


def authorized(stage: Stage) -> Booking:
    booking = stage.book(hours_ahead=20)
    booking.refresh_from_db()
    return booking


def reverse_in_dashboard(transfer_id: str, cents: int) -> None:
    client.post(f"/v1/transfers/{transfer_id}/reversals", {"amount": cents}, key=f"dashboard-{transfer_id}-{cents}")


def changes_of(booking: Booking) -> list[tuple[str, int]]:
    found = ChangeAtStripe.objects.filter(payment=booking.payment_id).order_by("id")
    return list(found.values_list("kind", "amount_cents"))


# --- Refunds --------------------------------------------------------------------------------------------------------


def test_a_refund_of_a_settled_payment_is_booked_and_becomes_its_outcome(stage: Stage, post: Post):
    booking = settled(stage)
    refund = stage.simulator.refund_in_dashboard(payment_of(booking).intent_id, cents=2_000)

    post.deliver()

    assert stands(booking) == ("completed", "settled", "admin_refund")
    assert money_of(booking) == Money(charged=PI, refunded=2_000, instructor=P)
    assert changes_of(booking) == [(Kind.REFUNDED, 2_000)]
    entry = JournalEntry.objects.get(cause=f"stripe:{refund}")
    assert (entry.rule, entry.operation, entry.event.type) == ("P8.8", None, "refund.created")
    assert books.balance(Account.LOSSES) == 2_000
    assert stage.disorder() == []


def test_a_refund_with_its_transfer_is_booked_on_both_sides(stage: Stage, post: Post):
    booking = settled(stage)
    stage.simulator.refund_in_dashboard(payment_of(booking).intent_id, reverse_transfer=True)

    post.deliver()

    assert money_of(booking) == Money(charged=PI, refunded=PI, instructor=0)
    assert sorted(changes_of(booking)) == [(Kind.REFUNDED, PI), (Kind.REVERSED, TR)]
    assert stage.disorder() == []


def test_a_refund_of_what_is_not_settled_stops_it_until_staff_have_seen_it(stage: Stage, post: Post, staff: User):
    booking = locked(stage)
    stage.simulator.refund_in_dashboard(payment_of(booking).intent_id, cents=2_000)

    post.deliver()

    assert stands(booking) == ("confirmed", "manual_review", "changed_at_stripe")
    assert payment_of(booking).former_status == "locked"
    assert "$20.00" in payment_of(booking).review_error
    assert stage.disorder() == []
    stage.travel_to(booking.ends_at + timedelta(hours=30))
    assert stands(booking)[1] == "manual_review"  # no automation touches it

    payments.see_changes(payment_id=booking.payment_id, actor=staff, now=clock.now())
    stage.travel(minutes=1)

    assert stands(booking) == ("completed", "settled", "lesson_completed_full_payout")
    assert money_of(booking) == Money(charged=PI, refunded=2_000, instructor=P)
    assert stage.disorder() == []


@pytest.mark.rule("P8.6", "P8.7")
def test_staff_may_refund_or_cancel_what_was_changed(stage: Stage, post: Post, staff: User):
    booking = locked(stage)
    stage.simulator.refund_in_dashboard(payment_of(booking).intent_id, cents=2_000)
    post.deliver()

    payments.refund_by_staff(
        payment_id=booking.payment_id, actor=staff, cents=1_000, bearer=Bearer.PLATFORM, reason="Asked.",
        now=clock.now(),
    )  # fmt: skip
    assert stands(booking)[1:] == ("manual_review", "changed_at_stripe")
    payments.cancel_by_staff(
        payment_id=booking.payment_id, actor=staff, with_refund=True, reason="Both agree.", now=clock.now()
    )

    assert stands(booking) == ("cancelled", "settled", "admin_refund")
    assert money_of(booking) == Money(charged=PI, refunded=PI)
    assert stage.disorder() == []


@pytest.mark.rule("P8.6", "P10.3")
def test_a_staff_refund_that_is_given_up_leaves_the_change_to_be_seen(stage: Stage, post: Post, staff: User):
    booking = locked(stage)
    stage.simulator.refund_in_dashboard(payment_of(booking).intent_id, cents=2_000)
    post.deliver()
    stage.simulator.order_fault("refund", "refuse")
    payments.refund_by_staff(
        payment_id=booking.payment_id, actor=staff, cents=1_000, bearer=Bearer.PLATFORM, reason="Asked.",
        now=clock.now(),
    )  # fmt: skip
    assert stands(booking)[1:] == ("manual_review", "refund_refused")

    payments.resolve_stuck(payment_id=booking.payment_id, actor=staff, note="No.", now=clock.now())

    assert stands(booking)[1:] == ("manual_review", "changed_at_stripe")
    payments.see_changes(payment_id=booking.payment_id, actor=staff, now=clock.now())
    assert stands(booking)[1] == "locked"
    assert stage.disorder() == []


def test_the_same_refund_is_taken_in_once_whatever_tells_of_it(stage: Stage, post: Post):
    booking = settled(stage)
    stage.simulator.refund_in_dashboard(payment_of(booking).intent_id, cents=2_000)
    told = [event for event in post.waiting() if event["type"] in ("refund.created", "charge.refunded")]

    for event in [*reversed(told), *told]:
        post.put({**event, "id": f"{event['id']}_again"})
        post.put(event)

    assert changes_of(booking) == [(Kind.REFUNDED, 2_000)]
    assert stage.disorder() == []


@pytest.mark.parametrize("seen_before", [True, False])
def test_a_refund_made_there_that_fails_leaves_the_same_trace_whenever_it_is_seen(
    stage: Stage, post: Post, seen_before: bool
):
    booking = settled(stage)
    refund = stage.simulator.refund_in_dashboard(payment_of(booking).intent_id, cents=2_000)
    if seen_before:
        post.deliver()
    stage.simulator.fail_refund(refund)

    post.deliver()

    assert changes_of(booking) == [(Kind.REFUNDED, 2_000), (Kind.REFUND_FAILED, 2_000)]
    assert money_of(booking) == Money(charged=PI, instructor=P)
    assert stands(booking) == ("completed", "settled", "admin_refund")
    assert stage.disorder() == []


def test_our_own_refunds_and_reversals_are_no_news(stage: Stage, post: Post, staff: User):
    booking = settled(stage)
    payments.refund_by_staff(
        payment_id=booking.payment_id, actor=staff, cents=2_000, bearer=Bearer.INSTRUCTOR, reason="Half an hour late.",
        now=clock.now(),
    )  # fmt: skip

    post.deliver()

    assert changes_of(booking) == []
    assert stands(booking) == ("completed", "settled", "admin_refund")
    assert stage.disorder() == []


def test_what_meets_an_operation_under_way_is_tried_again_later(stage: Stage, post: Post):
    booking = locked(stage)
    stage.travel_to(booking.starts_at - timedelta(hours=6))
    stage.simulator.refund_in_dashboard(payment_of(booking).intent_id, cents=2_000)
    stage.simulator.order_fault("payout", "timeout_before")
    cancel_booking(booking=booking, actor=stage.student, now=clock.now())  # its half payout is not answered
    (event,) = [event for event in post.waiting() if event["type"] == "refund.created"]

    assert not post.put(event)
    assert changes_of(booking) == []

    stage.travel(minutes=2)
    assert post.put(event)
    assert changes_of(booking) == [(Kind.REFUNDED, 2_000)]
    assert stage.disorder() == []


# --- Transfers, charges, holds ----------------------------------------------------------------------------------------


def test_a_reversal_of_a_settled_payment_is_the_instructors_loss_until_staff_say_otherwise(stage: Stage, post: Post):
    booking = settled(stage)
    reverse_in_dashboard(payment_of(booking).transfer_id, 4_000)

    post.deliver()

    assert money_of(booking) == Money(charged=PI, instructor=P - 4_000)
    assert stands(booking) == ("completed", "settled", "lesson_completed_full_payout")
    assert changes_of(booking) == [(Kind.REVERSED, 4_000)]
    assert stage.disorder() == []


@pytest.mark.rule("P10.3")
@pytest.mark.parametrize(("retried", "left"), [(True, HP), (False, TR - 4_000)])
def test_what_is_reversed_while_our_reversal_waits_for_staff_is_part_of_it(
    stage: Stage, post: Post, staff: User, retried: bool, left: int
):
    """Simulation, seed 41056: it was taken off the half that the instructor has earned by a late cancellation."""
    booking = authorized(stage)
    stage.travel_to(booking.starts_at - timedelta(hours=6))
    stage.simulator.order_fault("reverse", "refuse")
    cancel_booking(booking=booking, actor=stage.student, now=clock.now())
    assert stands(booking) == ("cancelled", "manual_review", "reversal_refused")
    reverse_in_dashboard(payment_of(booking).transfer_id, 4_000)
    post.deliver()

    if retried:
        payments.perform(payments.retry_stuck(payment_id=booking.payment_id, actor=staff, now=clock.now()))
    else:
        payments.resolve_stuck(payment_id=booking.payment_id, actor=staff, note="It will not.", now=clock.now())

    assert stands(booking) == ("cancelled", "settled", "student_cancel_lt12_split_50_50")
    assert money_of(booking) == Money(charged=PI, instructor=left)
    assert books.balance(Account.EARNINGS, owner_id=stage.instructor.pk) == -left
    assert stage.disorder() == []


def test_a_reversed_top_up_is_booked(stage: Stage, post: Post):
    stage.give_credit(12_000)
    booking = stage.book(credits=12_000)
    stage.travel_to(booking.ends_at + timedelta(hours=25))
    (transfer,) = payment_of(booking).payout_transfers.all()
    reverse_in_dashboard(transfer.transfer_id, 1_000)

    post.deliver()

    assert money_of(booking).instructor == P - 1_000
    assert stage.disorder() == []


def test_a_transfer_made_there_pays_for_no_booking_and_is_booked(stage: Stage, post: Post):
    account = payment_of(stage.book()).payee.account_id
    made = client.post("/v1/transfers", {"amount": 500, "currency": "usd", "destination": account}, key="by-hand")
    reverse_in_dashboard(made["id"], 200)

    post.deliver()
    post.deliver()

    assert books.balance(Account.CONNECTED, owner_id=stage.instructor.pk) == 300
    assert stage.disorder() == []


def test_a_hold_charged_there_is_kept_until_staff_have_seen_it(stage: Stage, post: Post, staff: User):
    booking = authorized(stage)
    client.post(f"/v1/payment_intents/{payment_of(booking).intent_id}/capture", {}, key="by-hand")

    post.deliver()

    assert stands(booking) == ("confirmed", "manual_review", "changed_at_stripe")
    assert money_of(booking) == Money(charged=PI, instructor=TR)
    assert stage.disorder() == []
    payments.see_changes(payment_id=booking.payment_id, actor=staff, now=clock.now())
    stage.travel_to(booking.ends_at + timedelta(hours=25))
    assert stands(booking) == ("completed", "settled", "lesson_completed_full_payout")
    assert money_of(booking) == Money(charged=PI, instructor=P)
    assert stage.disorder() == []


@pytest.mark.rule("P2.6")
def test_a_hold_that_is_gone_is_forgotten_and_made_anew_when_it_is_needed(stage: Stage, post: Post):
    booking = authorized(stage)
    client.post(f"/v1/payment_intents/{payment_of(booking).intent_id}/cancel", {}, key="by-hand")

    post.deliver()

    assert stands(booking)[:2] == ("confirmed", "authorized")
    assert money_of(booking) == Money()
    assert payment_of(booking).capture_before is None
    stage.travel_to(booking.ends_at + timedelta(hours=25))
    assert money_of(booking) == Money(charged=PI, instructor=P)
    assert stage.disorder() == []


# --- Staff ------------------------------------------------------------------------------------------------------------


def test_there_is_nothing_to_see_where_nothing_was_changed(stage: Stage, staff: User):
    booking = settled(stage)

    with refused("already_settled"):
        payments.see_changes(payment_id=booking.payment_id, actor=staff, now=clock.now())


@pytest.mark.rule("P8.8")
def test_an_intent_that_waited_for_the_student_and_was_charged_at_stripe(stage: Stage, post: Post):
    """We learn at once that the student has confirmed it, and that somebody has charged it since."""
    stage.use_card("requires_3ds")
    booking = stage.book(hours_ahead=18)
    intent = payment_of(booking).pending_intent_id
    post.deliver()
    stage.simulator.finish_3ds(intent)
    client.post(f"/v1/payment_intents/{intent}/capture", {}, key="by-hand")

    post.deliver()
    stage.travel_to(booking.ends_at + timedelta(hours=25))
    post.deliver()

    assert not Operation.objects.open().exists()
    assert money_of(booking).charged == PI
    assert stage.disorder() == []
