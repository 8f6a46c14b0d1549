"""Marking a lesson as given: the booking's status changes and no money moves (P5.5)."""

from datetime import datetime

from instainstru.refusals import Refused
from payments.policy.states import BookingStatus, PaymentStatus


def require_completable(
    *, booking_status: BookingStatus | str, payment_status: PaymentStatus | str, ends_at: datetime, now: datetime
) -> None:
    """Let an instructor mark a lesson complete from its end on.

    Raises Refused: "lesson_not_ended", "already_settled", "under_review", "already_completed".
    """
    if now < ends_at:
        raise Refused("lesson_not_ended", earliest=ends_at)
    if payment_status == PaymentStatus.SETTLED:
        raise Refused("already_settled")
    if payment_status == PaymentStatus.MANUAL_REVIEW:
        raise Refused("under_review")
    if booking_status != BookingStatus.CONFIRMED:
        raise Refused("already_completed")
