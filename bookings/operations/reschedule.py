"""Moving a lesson to another time, and what that would do (policy section 6)."""

from datetime import datetime

from bookings.models import Booking
from bookings.operations.subject import BookingSubject
from instainstru.accounts.models import User
from instainstru.api.idempotency import IdempotencyKey
from instainstru.refusals import Refused
from payments import operations as payments
from payments.models import Operation
from payments.policy.decide import decide
from payments.policy.plan import Plan
from payments.policy.states import Action, Party
from payments.rules import rules_of_version


def reschedule_booking(
    *,
    booking: Booking,
    actor: User,
    new_starts_at: datetime,
    now: datetime,
    preview: str | None = None,
    idempotency_key: IdempotencyKey | None = None,
) -> Operation:
    """Move a lesson, same instructor, service and length; inside 24 hours that is the LOCK (P6.2).

    No transaction may be open; the actor is the booking's student. Raises Refused: "lesson_started",
    "reschedule_locked", "reschedule_too_late", "slot_unavailable", "card_declined" or "authentication_required" if the
    card was needed and refused (the lesson stays where it was), "operation_in_progress", "preview_stale".
    """
    operation = payments.begin(
        kind=Action.RESCHEDULE,
        payment_id=booking.payment_id,
        party=Party.STUDENT,
        actor=actor,
        preview=preview,
        inputs={"new_starts_at": new_starts_at.isoformat()},
        idempotency_key=idempotency_key,
        now=now,
    )
    operation = payments.perform(operation)
    if operation.refusal_code:
        raise Refused(operation.refusal_code)
    return operation


def preview_reschedule(*, booking: Booking, new_starts_at: datetime, now: datetime) -> Plan:
    """Return what moving would do now, by the same decision; whether the time is free is for the move itself to say."""
    facts = payments.facts_of(BookingSubject(booking), inputs={"new_starts_at": new_starts_at.isoformat()})
    return decide(facts, Action.RESCHEDULE, now, rules=rules_of_version(booking.payment.policy_version))
