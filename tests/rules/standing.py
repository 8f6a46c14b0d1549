"""How a booking stands, read anew from the database and said in the policy's words."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from bookings.models import Booking
from instainstru.refusals import Refused
from payments.models import Payment
from payments.policy.plan import CreditMoves


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """What really moved for a booking, in cents (P4.4): on the card, and to the instructor less what was reversed."""

    held: int = 0
    charged: int = 0
    refunded: int = 0
    instructor: int = 0


NOTHING_MOVED = Money()


def payment_of(booking: Booking) -> Payment:
    return Payment.objects.select_related("payer", "payee").get(pk=booking.payment_id)


def stands(booking: Booking) -> tuple[str, str, str]:
    """Return the booking's status, the payment's, and why: its reason for review, else its outcome, if it has one."""
    booking.refresh_from_db()
    payment = payment_of(booking)
    return booking.status, payment.status, payment.review_reason or payment.settlement_outcome


def money_of(booking: Booking) -> Money:
    payment = payment_of(booking)
    return Money(
        held=payment.authorized_cents,
        charged=payment.captured_cents,
        refunded=payment.refunded_to_card_cents,
        instructor=payment.instructor_payout_cents,
    )


def credits_of(booking: Booking) -> CreditMoves:
    payment = payment_of(booking)
    return CreditMoves(
        released=payment.credits_released_cents,
        issued=payment.student_credit_cents,
        forfeited=payment.credits_forfeited_cents,
        consumed=payment.credits_consumed_cents,
    )


@contextmanager
def refused(code: str) -> Iterator[None]:
    """Expect that what is done inside is refused with a code, which says why and what can be done instead."""
    with pytest.raises(Refused) as refusal:
        yield
    assert refusal.value.code == code
    assert refusal.value.message
    assert refusal.value.what_can_be_done
