"""Claiming what is due, carrying it out, and giving it back: what sweeps and `manage.py payouts run` share."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction

from instainstru import clock
from instainstru.locks import booking_mutex
from instainstru.refusals import RefusalCode, Refused
from payments import endings
from payments.models import Operation, Payment
from payments.models.payment import PaymentQuerySet
from payments.operations.consequences import set_deadlines
from payments.operations.lifecycle import NotDue, begin, perform
from payments.policy.states import Action, Party

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=5)  # as long as a task may run; a dead worker's claim ends with it


def claim(due: PaymentQuerySet, *, order: Sequence[str], limit: int) -> list[int]:
    """Claim payments that are due, for this worker, and return their ids; what has an open operation is left out.

    The claim spares work; the index of open operations keeps it right.
    """
    return due.without_open_operation().claim(order=order, limit=limit, until=clock.wall() + LEASE)


def carry_out_claimed(*, payment_id: int, kind: Action) -> Operation | RefusalCode | None:
    """Begin and carry out what is due for a claimed payment, give it back, and return the operation.

    What meets something else that is being done changes nothing and returns why; None is what is not due any more.
    """
    done: Operation | RefusalCode | None = RefusalCode.OPERATION_IN_PROGRESS
    payment = Payment.objects.only("reference").get(pk=payment_id)
    with booking_mutex(payment.reference) as ours:
        if ours:
            try:
                operation = begin(kind=kind, payment_id=payment_id, party=Party.SYSTEM, now=clock.now(), if_due=True)
            except NotDue:
                done = None
            except Refused as refusal:  # what it meets sets the next deadline
                logger.info("%s of %s is refused: %s", kind, payment.reference, refusal.code)
                done = refusal.code
            else:
                done = operation = perform(operation, inline=False)
                if operation.ended_alone:  # its end gave the claim back and derived the deadlines
                    return operation
    unclaim(payment_id=payment_id, now=clock.now())
    return done


def unclaim(*, payment_id: int, now: datetime) -> None:
    """End a sweep's claim on a payment, and derive its deadlines again, so that nothing is swept that is not due.

    An operation that has ended has done both.
    """
    if not Payment.objects.filter(pk=payment_id).exclude(claimed_until=None).exists():
        return
    with transaction.atomic(durable=True):
        subject = endings.lock_subject(Action.SETTLE, payment_id)
        payment = subject.payment
        if payment.claimed_until is not None:
            payment.claimed_until = None
            set_deadlines(subject, now=now)
            payment.save_changes()
