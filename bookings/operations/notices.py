"""Which messages an operation's end sends to whom, queued in the same commit (design 2)."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.conf import settings
from django.urls import reverse

from bookings.models import Booking
from credits.policy import LIFETIME
from instainstru.accounts.models import Role, User
from instainstru.notifications.operations import Draft, queue_messages
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
    queue_messages(_told_of(booking, operation, ending, now=now), now=now)


def _told_of(booking: Booking, operation: Operation, ending: Ending, *, now: datetime) -> Iterator[Draft]:
    payment = booking.payment
    if ending.booking_status == BookingStatus.CONFIRMED:
        yield from _confirmed(booking, operation)
    elif ending.moves and booking.status == BookingStatus.CONFIRMED:
        yield from _moved(booking, operation)
    elif ending.payment_status == PaymentStatus.PAYMENT_METHOD_REQUIRED:
        yield from _card_refused(booking, operation)
    elif payment.status == PaymentStatus.SETTLED and ending.outcome == Outcome.LESSON_COMPLETED:
        yield _receipt(booking, operation)
        yield _paid(booking, operation)
    elif ending.review_reason == ReviewReason.COLLECTION_FAILED:
        yield _owes(booking, operation)
        yield _paid(booking, operation)
    elif operation.kind == Action.COLLECT and ending.payment_status == PaymentStatus.SETTLED:
        yield _debt_paid(booking, operation)
    elif ending.outcome == Outcome.NEVER_PAID and operation.kind == Action.EXPIRE:
        yield from _expired(booking, operation)
    elif operation.kind == Action.STAFF_REFUND and ending.outcome is not None:
        yield from _refunded(booking, operation)
    elif ending.outcome is not None and _is_a_cancellation(operation):
        yield from _cancelled(booking, operation, ending)
    if ending.credits.issued:
        yield _credit_issued(booking, operation, ending.credits.issued, now=now)
    if ending.payment_status == PaymentStatus.MANUAL_REVIEW:
        yield from _needs_staff(booking, operation)


def queue_final_warning(booking: Booking, *, now: datetime) -> None:
    """Warn the student that the booking is about to be cancelled unpaid (P10.1)."""
    warning = _tell(
        booking.student,
        booking,
        "final_warning",
        dedupe_key=f"booking:{booking.pk}:{booking.starts_at.isoformat()}",
        instructor=booking.instructor.user.name,
        card_cents=booking.payment.terms.card_total,
        cancels_at=booking.payment.expire_at,
    )
    queue_messages([warning], now=now)


def queue_reminder(booking: Booking, *, now: datetime) -> None:
    """Remind both sides of a lesson; each reminder of each start goes out once."""
    once = f"booking:{booking.pk}:{(booking.remind_at or now).isoformat()}"
    teacher, student = booking.instructor.user, booking.student
    to_student = _tell(student, booking, "lesson_reminder_student", dedupe_key=once, instructor=teacher.name)
    to_teacher = _tell(teacher, booking, "lesson_reminder_instructor", dedupe_key=once, student=student.name)
    queue_messages([to_student, to_teacher], now=now)


def _is_a_cancellation(operation: Operation) -> bool:
    return operation.kind in CANCELLATIONS or (
        operation.kind == Action.END_UNPAID
        and operation.succeeds is not None
        and _is_a_cancellation(operation.succeeds)
    )


def _confirmed(booking: Booking, operation: Operation) -> Iterator[Draft]:
    terms = booking.payment.terms
    yield _tell_student(
        booking,
        operation,
        "booking_confirmed_student",
        ends_at=booking.ends_at,
        lesson_price_cents=terms.lesson_price,
        student_fee_cents=terms.student_fee,
        credits_cents=terms.credits,
        card_cents=terms.card_total,
        authorizes_at=booking.payment.authorize_at,
    )
    yield _tell_instructor(
        booking, operation, "booking_confirmed_instructor", ends_at=booking.ends_at, payout_cents=terms.payout
    )


def _card_refused(booking: Booking, operation: Operation) -> Iterator[Draft]:
    payment = booking.payment
    card_cents = payment.terms.card_total
    if booking.status != BookingStatus.PENDING:
        yield _tell_student(
            booking,
            operation,
            "authorization_failed",
            card_cents=card_cents,
            retries_at=payment.authorize_at,
            cancels_at=payment.expire_at,
        )
    elif payment.expire_at is not None:  # under a case nobody is asked to pay, and nothing ends by itself
        yield _tell_student(
            booking, operation, "checkout_needs_card", card_cents=card_cents, pay_by_at=payment.expire_at
        )


def _moved(booking: Booking, operation: Operation) -> Iterator[Draft]:
    last = booking.moves.latest("moved_at")
    locked = booking.payment.locked_at is not None
    charged = booking.payment.captured_cents if locked else 0
    yield _tell_student(
        booking, operation, "lesson_moved_student", moved_from_at=last.from_start, card_charged_cents=charged
    )
    yield _tell_instructor(booking, operation, "lesson_moved_instructor", moved_from_at=last.from_start)


def _receipt(booking: Booking, operation: Operation) -> Draft:
    terms = booking.payment.terms
    return _tell_student(
        booking,
        operation,
        "lesson_receipt",
        lesson_price_cents=terms.lesson_price,
        student_fee_cents=terms.student_fee,
        credits_cents=terms.credits,
        card_cents=terms.card_total,
    )


def _paid(booking: Booking, operation: Operation) -> Draft:
    terms = booking.payment.terms
    return _tell_instructor(
        booking,
        operation,
        "lesson_paid",
        lesson_price_cents=terms.lesson_price,
        instructor_fee_cents=terms.instructor_fee,
        payout_cents=booking.payment.instructor_payout_cents,
    )


def _owes(booking: Booking, operation: Operation) -> Draft:
    return _tell_student(booking, operation, "account_locked", owed_cents=booking.payment.owed_cents)


def _debt_paid(booking: Booking, operation: Operation) -> Draft:
    return _tell_student(booking, operation, "debt_paid", paid_cents=booking.payment.captured_cents)


def _needs_staff(booking: Booking, operation: Operation) -> Iterator[Draft]:
    payment = booking.payment
    for colleague in User.objects.filter(role=Role.STAFF, is_active=True):
        yield _tell(
            colleague,
            booking,
            "manual_review",
            dedupe_key=f"operation:{operation.pk}:{payment.review_since}",
            reason=payment.review_reason.replace("_", " "),
            error=payment.review_error,
        )


def _refunded(booking: Booking, operation: Operation) -> Iterator[Draft]:
    steps = operation.steps.filter(state=Step.State.SUCCEEDED)
    moved = {step.call: step.amount_cents for step in steps}
    yield _tell_student(booking, operation, "refunded", refunded_cents=moved[Call.REFUND])
    taken = sum(step.amount_cents for step in steps if step.call in (Call.TAKE_BACK, Call.REVERSE))
    if taken:
        yield _tell_instructor(booking, operation, "payout_taken_back", taken_cents=taken)


def _expired(booking: Booking, operation: Operation) -> Iterator[Draft]:
    released = booking.payment.credits_released_cents
    yield _tell_student(booking, operation, "payment_failed_cancelled_student", credits_returned_cents=released)
    if booking.confirmed_at is not None:  # an instructor never heard of a checkout that was not completed
        yield _tell_instructor(booking, operation, "payment_failed_cancelled_instructor")


def _cancelled(booking: Booking, operation: Operation, ending: Ending) -> Iterator[Draft]:
    payment = booking.payment
    to_student, to_instructor = _CANCELLED_BY[booking.cancelled_by]
    yield _tell_student(
        booking,
        operation,
        "booking_cancelled_student",
        cancelled_by=to_student,
        card_charged_cents=payment.captured_cents,
        card_refunded_cents=payment.refunded_to_card_cents,
        credits_returned_cents=ending.credits.released,
        credit_issued_cents=ending.credits.issued,
        credits_forfeited_cents=ending.credits.forfeited,
    )
    if booking.confirmed_at is not None:
        yield _tell_instructor(
            booking,
            operation,
            "booking_cancelled_instructor",
            cancelled_by=to_instructor,
            payout_cents=payment.instructor_payout_cents,
        )


def _credit_issued(booking: Booking, operation: Operation, cents: int, *, now: datetime) -> Draft:
    return Draft(
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
    )


def _tell_student(booking: Booking, operation: Operation, key: str, **context: Any) -> Draft:
    context["instructor"] = booking.instructor.user.name
    return _tell(booking.student, booking, key, dedupe_key=f"operation:{operation.pk}", **context)


def _tell_instructor(booking: Booking, operation: Operation, key: str, **context: Any) -> Draft:
    context["student"] = booking.student.name
    return _tell(booking.instructor.user, booking, key, dedupe_key=f"operation:{operation.pk}", **context)


def _tell(recipient: User, booking: Booking, key: str, *, dedupe_key: str, **context: Any) -> Draft:
    return Draft(
        recipient=recipient,
        key=key,
        context=_lesson(booking) | context,
        reference=booking.ref,
        dedupe_key=dedupe_key,
    )


def _lesson(booking: Booking) -> dict[str, Any]:
    return {
        "booking_ref": booking.ref,
        "booking_url": settings.SITE_URL + reverse("booking", args=[booking.ref]),
        "service": booking.service_title,
        "starts_at": booking.starts_at,
    }
