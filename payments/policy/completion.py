"""Marking a lesson as given: the booking's status changes and no money moves (P5.5)."""

from datetime import datetime

from instainstru.refusals import Refused
from payments.policy.states import STOPS, BookingStatus, PaymentStatus, ReviewReason

WAITS_FOR_OTHERS = STOPS | {ReviewReason.COLLECTION_FAILED}  # for staff or the student, and for no ruling


def require_completable(
    *,
    booking_status: BookingStatus | str,
    payment_status: PaymentStatus | str,
    review_reason: ReviewReason | str | None,
    ends_at: datetime,
    now: datetime,
) -> None:
    """Let an instructor mark a lesson complete from its end on.

    Raises Refused: "lesson_not_ended", "already_settled", "under_review", "already_completed", and in a stop of P10.3
    "operation_in_progress" (P7.11).
    """
    if now < ends_at:
        raise Refused("lesson_not_ended", earliest=ends_at)
    if payment_status == PaymentStatus.SETTLED:
        raise Refused("already_settled")
    if payment_status == PaymentStatus.MANUAL_REVIEW and review_reason not in WAITS_FOR_OTHERS:
        raise Refused("under_review")
    if review_reason in STOPS and booking_status in (BookingStatus.CONFIRMED, BookingStatus.CANCELLED):
        raise Refused("operation_in_progress")
    if booking_status != BookingStatus.CONFIRMED:
        raise Refused("already_completed")
