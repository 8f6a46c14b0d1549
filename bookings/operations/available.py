"""What a side may do with a booking now, served with every booking (design 3)."""

from dataclasses import replace
from datetime import datetime

from bookings.models import Booking
from bookings.operations.subject import BookingSubject
from payments import operations as payments
from payments.policy.actions import AvailableAction, available_actions, is_over
from payments.policy.facts import Facts
from payments.policy.states import Party, PaymentStatus
from payments.rules import rules_of_version


def available_actions_on(
    booking: Booking, *, party: Party, now: datetime, operation_under_way: bool
) -> tuple[AvailableAction, ...]:
    """Return what a side may do with a booking, with its consequences and deadlines; asks nothing of the database."""
    payment = booking.payment
    if is_over(
        payment_status=payment.status,
        owed=payment.owed_cents,
        has_pending_intent=bool(payment.pending_intent_id),
    ):
        return ()
    return available_actions(
        facts_as_asked(booking),
        party,
        now,
        rules=rules_of_version(payment.policy_version),
        operation_under_way=operation_under_way or payment.is_stopped,
    )


def facts_as_asked(booking: Booking) -> Facts:
    """Return the facts by which a request is judged: behind a stop, those of the state that it interrupted (P7.11)."""
    payment = booking.payment
    facts = payments.facts_of(BookingSubject(booking))
    if payment.is_stopped:
        return replace(facts, payment_status=PaymentStatus(payment.former_status))
    return facts
