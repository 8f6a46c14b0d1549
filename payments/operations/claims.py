"""Giving a swept payment back."""

from datetime import datetime

from django.db import transaction

from payments import endings
from payments.operations.consequences import set_deadlines
from payments.policy.states import Action


def unclaim(*, payment_id: int, now: datetime) -> None:
    """End a sweep's claim on a payment, and derive its deadlines again, so that nothing is swept that is not due."""
    with transaction.atomic(durable=True):
        subject = endings.lock_subject(Action.SETTLE, payment_id)
        payment = subject.payment
        if payment.claimed_until is not None:
            payment.claimed_until = None
            set_deadlines(subject, now=now)
            payment.save()
