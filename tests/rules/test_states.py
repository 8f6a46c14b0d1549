"""Six states, one outcome, one reason: what the database lets a booking and its payment be (P4)."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from bookings.models import Booking
from bookings.operations import cancel_booking
from instainstru import clock
from payments.models import Payment
from payments.policy.states import BookingStatus, Outcome, PaymentStatus, ReviewReason
from tests.bookings.factories import BookingFactory
from tests.rules.standing import Money, credits_of, money_of, payment_of, stands
from tests.stage import Stage

HOUR = timedelta(hours=1)
NOW = {"review_since": "2026-03-02T15:00:00Z"}

IMPOSSIBLE: dict[str, tuple[str, dict[str, Any]]] = {  # what is written -> the constraint that refuses it
    "a seventh status": ("payment_status_is_one_of_six", {"status": "refunded"}),
    "settled without an outcome": ("settled_payment_has_an_outcome", {"status": "settled"}),
    "an outcome before the end": (
        "outcome_belongs_to_settled_or_review",
        {"settlement_outcome": Outcome.LESSON_COMPLETED},
    ),
    "a review without a reason": ("manual_review_has_a_reason_and_only_it", {"status": "manual_review", **NOW}),
    "a reason without a review": (
        "manual_review_has_a_reason_and_only_it",
        {"review_reason": ReviewReason.PAYOUT_REFUSED},
    ),
    "a former status without a review": ("manual_review_has_a_reason_and_only_it", {"former_status": "scheduled"}),
    "settled with a deadline": (
        "settled_payment_waits_for_nothing",
        {"status": "settled", "settlement_outcome": Outcome.NEVER_PAID, "settle_at": "2026-03-02T15:00:00Z"},
    ),
    "settled with a hold": (
        "settled_payment_waits_for_nothing",
        {"status": "settled", "settlement_outcome": Outcome.NEVER_PAID, "authorized_cents": 1},
    ),
    "more captured than agreed": ("captured_never_exceeds_the_card_total", {"captured_cents": 13_441}),
    "more refunded than captured": (
        "refunded_never_exceeds_captured",
        {"captured_cents": 13_440, "refunded_to_card_cents": 13_441},
    ),
}


@pytest.mark.rule("P4.2")
@pytest.mark.rule("P4.3")
@pytest.mark.django_db
@pytest.mark.parametrize(("constraint", "written"), IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_the_database_refuses_what_cannot_be(constraint: str, written: dict[str, Any]) -> None:
    payment = BookingFactory().payment

    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Payment.objects.filter(pk=payment.pk).update(**written)


@pytest.mark.rule("P4.1")
@pytest.mark.django_db
def test_a_booking_is_one_of_five() -> None:
    assert [*BookingStatus] == ["pending", "confirmed", "completed", "cancelled", "no_show"]

    with pytest.raises(IntegrityError, match="booking_status_is_known"), transaction.atomic():
        Booking.objects.filter(pk=BookingFactory().pk).update(status="booked")


@pytest.mark.rule("P4.2")
@pytest.mark.rule("P4.3")
@pytest.mark.rule("P4.5")
def test_the_words_are_the_policys() -> None:
    assert {*PaymentStatus} == {
        "scheduled", "authorized", "locked", "settled", "payment_method_required", "manual_review"
    }  # fmt: skip
    assert {*Outcome} == {
        "lesson_completed_full_payout", "student_cancel_gt24_no_charge", "student_cancel_12_24_full_credit",
        "student_cancel_lt12_split_50_50", "locked_cancel_ge12_full_credit", "locked_cancel_lt12_split_50_50",
        "instructor_cancel_full_refund", "instructor_no_show_full_refund", "student_no_show_full_payout",
        "mutual_no_show_full_refund", "student_wins_dispute_full_refund", "capture_failure_instructor_paid",
        "payment_failed_no_charge", "admin_refund", "admin_no_refund", "chargeback_lost",
    }  # fmt: skip
    assert {*ReviewReason} == {
        "no_show_reported", "dispute_open", "chargeback_open", "capture_refused", "reversal_refused", "payout_refused",
        "refund_refused", "void_refused", "payee_unpayable", "collection_failed", "changed_at_stripe",
    }  # fmt: skip


@pytest.mark.rule("P4.3")
def test_a_freeze_changes_the_status_alone_and_keeps_the_former_one(stage: Stage) -> None:
    booking = stage.book(hours_ahead=72)
    stage.travel_to(booking.starts_at - 6 * HOUR)
    stage.simulator.order_fault("payout", "refuse")

    cancel_booking(booking=booking, actor=stage.student, now=clock.now())

    payment = payment_of(booking)
    assert (payment.status, payment.former_status, payment.settlement_outcome) == ("manual_review", "authorized", "")
    assert payment.review_reason == "payout_refused"
    assert payment.review_since == clock.now()


@pytest.mark.rule("P4.4")
def test_what_stands_beside_the_outcome_is_what_really_happened(stage: Stage) -> None:
    stage.give_credit(9_000)
    booking = stage.book(hours_ahead=72, credits=9_000)
    stage.travel_to(booking.starts_at - 6 * HOUR)
    stage.simulator.order_fault("reverse", "refuse")

    cancel_booking(booking=booking, actor=stage.student, now=clock.now())

    # The credits are given; the transfer is not reversed, so that much is with the instructor still.
    assert stands(booking) == ("cancelled", "manual_review", "reversal_refused")
    assert money_of(booking) == Money(charged=4_440, instructor=4_440)
    moved = credits_of(booking)
    assert (moved.released, moved.issued, moved.forfeited) == (6_000, 0, 3_000)
