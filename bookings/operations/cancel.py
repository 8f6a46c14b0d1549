"""Cancelling a booking, and what that would do (policy section 7)."""

from datetime import datetime

from bookings.models import Booking
from bookings.operations.available import facts_as_asked
from instainstru.accounts.models import User
from instainstru.api.idempotency import IdempotencyKey
from payments import operations as payments
from payments.models import Operation
from payments.policy.decide import decide
from payments.policy.plan import Plan
from payments.policy.states import Action, Party
from payments.rules import rules_of_version


def cancel_booking(
    *,
    booking: Booking,
    actor: User,
    now: datetime,
    reason: str = "",
    preview: str | None = None,
    idempotency_key: IdempotencyKey | None = None,
) -> Operation:
    """Cancel a booking and carry the plan out; asking twice returns the first operation (P7.10).

    No transaction may be open; the actor is the booking's student or instructor. `preview` is the digest that the
    actor agreed to, if one was shown.
    Raises Refused: "lesson_started", "already_settled", "already_completed", "under_review", "operation_in_progress",
    "preview_stale".
    """
    party = party_of(booking, actor)
    operation = payments.begin(
        kind=_CANCELLATION_BY[party],
        payment_id=booking.payment_id,
        party=party,
        actor=actor,
        preview=preview,
        inputs={"reason": reason},
        idempotency_key=idempotency_key,
        now=now,
    )
    return payments.perform(operation)


def preview_cancellation(*, booking: Booking, actor: User, now: datetime) -> Plan:
    """Return what cancelling would do now, by the same decision that cancelling asks; raises what it would raise."""
    action = _CANCELLATION_BY[party_of(booking, actor)]
    return decide(facts_as_asked(booking), action, now, rules=rules_of_version(booking.payment.policy_version))


def party_of(booking: Booking, actor: User) -> Party:
    """Return on which side of a booking an actor stands. Raises ValueError for a stranger."""
    if actor.pk == booking.student_id:
        return Party.STUDENT
    if actor.pk == booking.instructor.user_id:
        return Party.INSTRUCTOR
    raise ValueError("Only its student and its instructor cancel a booking so.")


_CANCELLATION_BY = {Party.STUDENT: Action.STUDENT_CANCEL, Party.INSTRUCTOR: Action.INSTRUCTOR_CANCEL}
