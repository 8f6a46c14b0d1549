"""What a side may do with a booking now, served with every booking (design 3)."""

from dataclasses import replace
from datetime import datetime

from bookings.models import Booking
from bookings.operations.subject import BookingSubject
from payments import operations as payments
from payments.policy.actions import AvailableAction, available_actions
from payments.policy.states import STOPS, Party, PaymentStatus
from payments.rules import rules_of_version


def available_actions_on(
    booking: Booking, *, party: Party, now: datetime, operation_under_way: bool
) -> tuple[AvailableAction, ...]:
    """Return what a side may do with a booking, with its consequences and deadlines; asks nothing of the database.

    While its money waits for our staff (P10.3), as while an operation is under way, a cancellation is accepted and
    judged by the state that the stop interrupted (P7.11).
    """
    payment = booking.payment
    facts = payments.facts_of(BookingSubject(booking))
    is_stopped = payment.status == PaymentStatus.MANUAL_REVIEW and payment.review_reason in STOPS
    if is_stopped:
        facts = replace(facts, payment_status=PaymentStatus(payment.former_status))
    return available_actions(
        facts,
        party,
        now,
        rules=rules_of_version(payment.policy_version),
        operation_under_way=operation_under_way or is_stopped,
    )
