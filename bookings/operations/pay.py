"""The student pays for a booking whose card was refused, or comes back from the bank (P5.2, P10.1)."""

from datetime import datetime

from bookings.models import Booking
from instainstru.accounts.models import User
from instainstru.api.idempotency import IdempotencyKey
from instainstru.refusals import Refused
from payments import operations as payments
from payments.models import Operation
from payments.policy.states import Action, Party


def pay_now(
    *, booking: Booking, actor: User, now: datetime, idempotency_key: IdempotencyKey | None = None
) -> Operation:
    """Try the saved card again, for the lesson or for what is owed (P10.2), with the student there to confirm.

    The operation's `refusal_code` tells the bank's no.

    Raises Refused: "already_settled" if the card owes nothing, "slot_unavailable" (P5.3), "operation_in_progress".
    """
    kind = payments.what_the_card_owes(booking.payment, now=now)
    return _paid(kind, booking=booking, actor=actor, idempotency_key=idempotency_key, now=now)


def confirm_payment(
    *, booking: Booking, actor: User | None, now: datetime, idempotency_key: IdempotencyKey | None = None
) -> Operation:
    """Look whether the bank agreed, when the student comes back from its page or Stripe says so.

    Raises Refused: "already_settled" if nothing waits for the bank, "slot_unavailable" (P5.3), "operation_in_progress".
    """
    return _paid(Action.CONFIRM_AUTHORIZATION, booking=booking, actor=actor, idempotency_key=idempotency_key, now=now)


def _paid(
    kind: Action, *, booking: Booking, actor: User | None, idempotency_key: IdempotencyKey | None, now: datetime
) -> Operation:
    operation = payments.begin(
        kind=kind,
        payment_id=booking.payment_id,
        party=Party.STUDENT,
        actor=actor,
        inputs={"student_is_there": True},
        idempotency_key=idempotency_key,
        now=now,
    )
    operation = payments.perform(operation)
    if operation.refusal_code == "slot_unavailable":
        raise Refused("slot_unavailable")
    return operation
