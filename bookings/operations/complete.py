"""The instructor marks a lesson complete: the booking's status changes, and no money moves (P5.5)."""

from datetime import datetime

from django.db import transaction

from bookings.models import Booking
from bookings.operations.subject import lock_booking
from instainstru.api.idempotency import IdempotencyKey
from payments.operations import waiting
from payments.policy.completion import require_completable
from payments.policy.states import BookingStatus


def mark_complete(*, booking: Booking, now: datetime, idempotency_key: IdempotencyKey | None = None) -> Booking:
    """Mark a lesson as given, from its end on; the money follows at end + 24 h, marked or not.

    Raises Refused: "lesson_not_ended", "under_review", "already_settled", "already_completed", and while something is
    under way or stopped "operation_in_progress" (P7.11): a move whose call is unanswered would find it completed.
    """
    with transaction.atomic(durable=True):
        subject = lock_booking(booking.payment_id)
        locked, payment = subject.booking, subject.payment
        require_completable(
            booking_status=locked.status,
            payment_status=payment.status,
            review_reason=payment.review_reason,
            ends_at=locked.ends_at,
            now=now,
        )
        waiting.require_nothing_open(subject)
        locked.status = BookingStatus.COMPLETED
        locked.completed_at = locked.marked_complete_at = now
        locked.save(update_fields=["status", "completed_at", "marked_complete_at"])
        if idempotency_key:
            idempotency_key.record(f"booking:{locked.ref}")
    return locked
