"""What staff do about a call that Stripe has refused, and what a refund was asked with."""

from bookings.models import Booking
from instainstru import clock
from instainstru.accounts.models import User
from payments import operations as payments
from tests.stage import Stage


def retry(booking: Booking, staff: User) -> None:
    payments.perform(payments.retry_stuck(payment_id=booking.payment_id, actor=staff, now=clock.now()))


def give_up(booking: Booking, staff: User) -> None:
    ended = payments.resolve_stuck(payment_id=booking.payment_id, actor=staff, note="It will not.", now=clock.now())
    payments.perform(ended)


def asked(stage: Stage, call: str) -> list[tuple[str, int]]:
    """Return the keys of the POSTs of a kind, with their status."""
    return [
        (entry["idempotency_key"], entry["status"]) for entry in stage.simulator.requests() if entry["call"] == call
    ]
