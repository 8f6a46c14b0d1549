"""Which messages an operation's end sends to whom, queued in the same commit (design 2)."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.urls import reverse

from bookings.models import Booking
from credits.policy import LIFETIME
from instainstru.notifications.operations import queue_message
from payments.models import Operation
from payments.policy.plan import Ending
from payments.policy.states import CANCELLATIONS, Action, BookingStatus, Outcome, PaymentStatus

_CANCELLED_BY = {  # as each reader is told
    "student": ("you", "the student"),
    "instructor": ("your instructor", "you"),
    "staff": ("our staff", "our staff"),
    "system": ("our system", "our system"),
}


def queue_for(booking: Booking, operation: Operation, ending: Ending, *, now: datetime) -> None:
    """Queue every message that an operation's end calls for; the caller's transaction is open."""
    payment = booking.payment
    if ending.booking_status == BookingStatus.CONFIRMED:
        _confirmed(booking, operation, now=now)
    elif ending.payment_status == PaymentStatus.PAYMENT_METHOD_REQUIRED:
        _card_refused(booking, operation, now=now)
    elif payment.status == PaymentStatus.SETTLED and ending.outcome == Outcome.LESSON_COMPLETED:
        _paid(booking, operation, now=now)
    elif ending.outcome == Outcome.NEVER_PAID and operation.kind == Action.EXPIRE:
        _expired(booking, operation, now=now)
    elif ending.outcome is not None and _is_a_cancellation(operation):
        _cancelled(booking, operation, ending, now=now)
    if ending.credits.issued:
        _credit_issued(booking, operation, ending.credits.issued, now=now)


def _is_a_cancellation(operation: Operation) -> bool:
    return operation.kind in CANCELLATIONS or (
        operation.kind == Action.END_UNPAID
        and operation.succeeds is not None
        and _is_a_cancellation(operation.succeeds)
    )


def _confirmed(booking: Booking, operation: Operation, *, now: datetime) -> None:
    terms = booking.payment.terms
    _tell_student(
        booking,
        operation,
        "booking_confirmed_student",
        now=now,
        ends_at=booking.ends_at,
        lesson_price_cents=terms.lesson_price,
        student_fee_cents=terms.student_fee,
        credits_cents=terms.credits,
        card_cents=terms.card_total,
        authorizes_at=booking.payment.authorize_at,
    )
    _tell_instructor(
        booking, operation, "booking_confirmed_instructor", now=now, ends_at=booking.ends_at, payout_cents=terms.payout
    )


def _card_refused(booking: Booking, operation: Operation, *, now: datetime) -> None:
    card_cents = booking.payment.terms.card_total
    if booking.status == BookingStatus.PENDING:
        _tell_student(
            booking,
            operation,
            "checkout_needs_card",
            now=now,
            card_cents=card_cents,
            pay_by_at=booking.payment.expire_at,
        )
    else:
        _tell_student(
            booking,
            operation,
            "authorization_failed",
            now=now,
            card_cents=card_cents,
            retries_at=booking.payment.authorize_at,
            cancels_at=booking.payment.expire_at,
        )


def _paid(booking: Booking, operation: Operation, *, now: datetime) -> None:
    terms = booking.payment.terms
    _tell_student(
        booking,
        operation,
        "lesson_receipt",
        now=now,
        lesson_price_cents=terms.lesson_price,
        student_fee_cents=terms.student_fee,
        credits_cents=terms.credits,
        card_cents=terms.card_total,
    )
    _tell_instructor(
        booking,
        operation,
        "lesson_paid",
        now=now,
        lesson_price_cents=terms.lesson_price,
        instructor_fee_cents=terms.instructor_fee,
        payout_cents=booking.payment.instructor_payout_cents,
    )


def _expired(booking: Booking, operation: Operation, *, now: datetime) -> None:
    released = booking.payment.credits_released_cents
    _tell_student(booking, operation, "payment_failed_cancelled_student", now=now, credits_returned_cents=released)
    if booking.confirmed_at is not None:  # an instructor never heard of a checkout that was not completed
        _tell_instructor(booking, operation, "payment_failed_cancelled_instructor", now=now)


def _cancelled(booking: Booking, operation: Operation, ending: Ending, *, now: datetime) -> None:
    payment = booking.payment
    to_student, to_instructor = _CANCELLED_BY[booking.cancelled_by]
    _tell_student(
        booking,
        operation,
        "booking_cancelled_student",
        now=now,
        cancelled_by=to_student,
        card_charged_cents=payment.captured_cents,
        card_refunded_cents=payment.refunded_to_card_cents,
        credits_returned_cents=ending.credits.released,
        credit_issued_cents=ending.credits.issued,
        credits_forfeited_cents=ending.credits.forfeited,
    )
    if booking.confirmed_at is not None:
        _tell_instructor(
            booking,
            operation,
            "booking_cancelled_instructor",
            now=now,
            cancelled_by=to_instructor,
            payout_cents=payment.instructor_payout_cents,
        )


def _credit_issued(booking: Booking, operation: Operation, cents: int, *, now: datetime) -> None:
    queue_message(
        recipient=booking.student,
        key="credit_issued",
        context={
            "amount_cents": cents,
            "expires_at": now + LIFETIME,
            "reason": f"Your lesson “{booking.service_title}” was cancelled.",
            "wallet_url": settings.SITE_URL + reverse("wallet"),
        },
        reference=booking.ref,
        dedupe_key=f"operation:{operation.pk}",
        now=now,
    )


def _tell_student(booking: Booking, operation: Operation, key: str, *, now: datetime, **context: Any) -> None:
    queue_message(
        recipient=booking.student,
        key=key,
        context=_lesson(booking) | {"instructor": booking.instructor.user.name} | context,
        reference=booking.ref,
        dedupe_key=f"operation:{operation.pk}",
        now=now,
    )


def _tell_instructor(booking: Booking, operation: Operation, key: str, *, now: datetime, **context: Any) -> None:
    queue_message(
        recipient=booking.instructor.user,
        key=key,
        context=_lesson(booking) | {"student": booking.student.name} | context,
        reference=booking.ref,
        dedupe_key=f"operation:{operation.pk}",
        now=now,
    )


def _lesson(booking: Booking) -> dict[str, Any]:
    return {
        "booking_ref": booking.ref,
        "booking_url": settings.SITE_URL + reverse("booking", args=[booking.ref]),
        "service": booking.service_title,
        "starts_at": booking.starts_at,
    }
