"""Which messages an operation's end sends to whom, queued in the same commit (design 2)."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.urls import reverse

from bookings.models import Booking
from credits.policy import LIFETIME
from instainstru.accounts.models import Role, User
from instainstru.notifications.operations import queue_message
from payments.models import Operation, Step
from payments.policy.plan import Ending
from payments.policy.states import CANCELLATIONS, Action, BookingStatus, Call, Outcome, PaymentStatus, ReviewReason

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
    elif ending.moves and booking.status == BookingStatus.CONFIRMED:
        _moved(booking, operation, now=now)
    elif ending.payment_status == PaymentStatus.PAYMENT_METHOD_REQUIRED:
        _card_refused(booking, operation, now=now)
    elif payment.status == PaymentStatus.SETTLED and ending.outcome == Outcome.LESSON_COMPLETED:
        _receipt(booking, operation, now=now)
        _paid(booking, operation, now=now)
    elif ending.review_reason == ReviewReason.COLLECTION_FAILED:
        _owes(booking, operation, now=now)
        _paid(booking, operation, now=now)
    elif operation.kind == Action.COLLECT and ending.payment_status == PaymentStatus.SETTLED:
        _debt_paid(booking, operation, now=now)
    elif ending.outcome == Outcome.NEVER_PAID and operation.kind == Action.EXPIRE:
        _expired(booking, operation, now=now)
    elif operation.kind == Action.STAFF_REFUND and ending.outcome is not None:
        _refunded(booking, operation, now=now)
    elif ending.outcome is not None and _is_a_cancellation(operation):
        _cancelled(booking, operation, ending, now=now)
    if ending.credits.issued:
        _credit_issued(booking, operation, ending.credits.issued, now=now)
    if ending.payment_status == PaymentStatus.MANUAL_REVIEW:
        _needs_staff(booking, operation, now=now)


def queue_final_warning(booking: Booking, *, now: datetime) -> None:
    """Warn the student that the booking is about to be cancelled unpaid (P10.1)."""
    _tell(
        booking.student,
        booking,
        "final_warning",
        dedupe_key=f"booking:{booking.pk}:{booking.starts_at.isoformat()}",
        now=now,
        instructor=booking.instructor.user.name,
        card_cents=booking.payment.terms.card_total,
        cancels_at=booking.payment.expire_at,
    )


def queue_reminder(booking: Booking, *, now: datetime) -> None:
    """Remind both sides of a lesson; each reminder of each start goes out once."""
    once = f"booking:{booking.pk}:{(booking.remind_at or now).isoformat()}"
    teacher, student = booking.instructor.user, booking.student
    _tell(student, booking, "lesson_reminder_student", dedupe_key=once, now=now, instructor=teacher.name)
    _tell(teacher, booking, "lesson_reminder_instructor", dedupe_key=once, now=now, student=student.name)


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


def _moved(booking: Booking, operation: Operation, *, now: datetime) -> None:
    last = booking.moves.latest("moved_at")
    locked = booking.payment.locked_at is not None
    charged = booking.payment.captured_cents if locked else 0
    _tell_student(
        booking, operation, "lesson_moved_student", now=now, moved_from_at=last.from_start, card_charged_cents=charged
    )
    _tell_instructor(booking, operation, "lesson_moved_instructor", now=now, moved_from_at=last.from_start)


def _receipt(booking: Booking, operation: Operation, *, now: datetime) -> None:
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


def _paid(booking: Booking, operation: Operation, *, now: datetime) -> None:
    terms = booking.payment.terms
    _tell_instructor(
        booking,
        operation,
        "lesson_paid",
        now=now,
        lesson_price_cents=terms.lesson_price,
        instructor_fee_cents=terms.instructor_fee,
        payout_cents=booking.payment.instructor_payout_cents,
    )


def _owes(booking: Booking, operation: Operation, *, now: datetime) -> None:
    _tell_student(booking, operation, "account_locked", now=now, owed_cents=booking.payment.owed_cents)


def _debt_paid(booking: Booking, operation: Operation, *, now: datetime) -> None:
    _tell_student(booking, operation, "debt_paid", now=now, paid_cents=booking.payment.captured_cents)


def _needs_staff(booking: Booking, operation: Operation, *, now: datetime) -> None:
    payment = booking.payment
    for colleague in User.objects.filter(role=Role.STAFF, is_active=True):
        _tell(
            colleague,
            booking,
            "manual_review",
            dedupe_key=f"operation:{operation.pk}:{payment.review_since}",
            now=now,
            reason=payment.review_reason.replace("_", " "),
            error=payment.review_error,
        )


def _refunded(booking: Booking, operation: Operation, *, now: datetime) -> None:
    steps = operation.steps.filter(state=Step.State.SUCCEEDED)
    moved = {step.call: step.amount_cents for step in steps}
    _tell_student(booking, operation, "refunded", now=now, refunded_cents=moved[Call.REFUND])
    taken = sum(step.amount_cents for step in steps if step.call in (Call.TAKE_BACK, Call.REVERSE))
    if taken:
        _tell_instructor(booking, operation, "payout_taken_back", now=now, taken_cents=taken)


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
    context["instructor"] = booking.instructor.user.name
    _tell(booking.student, booking, key, dedupe_key=f"operation:{operation.pk}", now=now, **context)


def _tell_instructor(booking: Booking, operation: Operation, key: str, *, now: datetime, **context: Any) -> None:
    context["student"] = booking.student.name
    _tell(booking.instructor.user, booking, key, dedupe_key=f"operation:{operation.pk}", now=now, **context)


def _tell(recipient: User, booking: Booking, key: str, *, dedupe_key: str, now: datetime, **context: Any) -> None:
    queue_message(
        recipient=recipient,
        key=key,
        context=_lesson(booking) | context,
        reference=booking.ref,
        dedupe_key=dedupe_key,
        now=now,
    )


def _lesson(booking: Booking) -> dict[str, Any]:
    return {
        "booking_ref": booking.ref,
        "booking_url": settings.SITE_URL + reverse("booking", args=[booking.ref]),
        "service": booking.service_title,
        "starts_at": booking.starts_at,
    }
