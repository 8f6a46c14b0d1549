"""Taking in what the cardholder's bank does: opened, moved, won, lost (policy section 11)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from bookings.models import Booking
from bookings.operations.subject import BookingSubject
from disputes.models import Chargeback
from disputes.models.resolution import Resolution
from disputes.operations import notices
from disputes.operations.subject import lock, open_cases, resolve, supersede
from payments.gateway import disputes as gateway
from payments.gateway import movements
from payments.gateway.disputes import BankDispute
from payments.ledger import journal
from payments.models import StripeEvent
from payments.operations import cases as money
from payments.policy.accounts import Account, Line
from payments.policy.states import Action, Party, ReviewReason
from payments.readers import NotYet


def take_in_from_bank(*, dispute_id: str, now: datetime, event: StripeEvent | None = None) -> Chargeback | None:
    """Fetch a dispute from Stripe and take in whatever of it is new; return our chargeback, or None if it is not ours.

    Any order and any repetition ends in the same state: what counts is how the dispute stands now. An inquiry, at which
    the bank only asks and withdraws nothing, is left alone. No transaction may be open.
    Raises GatewayRefused, GatewayUnavailable; NotYet if it is about a charge of ours whose answer we don't know yet.
    """
    found = gateway.dispute(dispute_id)
    if found.is_inquiry:
        return None
    booking = Booking.objects.filter(payment__charge_id=found.charge_id).first()
    if booking is None:
        if found.intent_id and Booking.objects.filter(ref=movements.intent(found.intent_id).reference).exists():
            raise NotYet("The answer that names this charge may still be under way.")
        return None
    with transaction.atomic(durable=True):
        subject = lock(booking)
        chargeback = Chargeback.objects.filter(dispute_id=found.id).first()
        if chargeback is None:
            chargeback = _open(subject, found, now=now)
        _book_what_the_bank_moved(subject, chargeback, found, event=event, now=now)
        chargeback.respond_by = found.respond_by
        if found.submissions and chargeback.submitted_at is None:
            chargeback.submitted_at = now
        chargeback.save()
        if chargeback.is_open and (found.is_won or found.is_lost):
            _close(subject, chargeback, won=found.is_won, now=now)
    money.carry_on(booking.payment_id)
    return chargeback


def _open(subject: BookingSubject, found: BankDispute, *, now: datetime) -> Chargeback:
    """Freeze the payment and the credits issued for the booking, and take back what was paid out, if possible."""
    chargeback = Chargeback.objects.create(
        booking=subject.booking,
        dispute_id=found.id,
        amount_cents=found.amount,
        bank_reason=found.reason,
        opened_at=now,
        respond_by=found.respond_by,
    )
    money.take_in(subject, reason=ReviewReason.CHARGEBACK_OPEN, case=chargeback.case, now=now)
    chargeback.frozen_cents = money.freeze_credits(subject, now=now)
    money.rule(
        subject, Action.ANSWER_CHARGEBACK, party=Party.SYSTEM, inputs={"case": {"chargeback": found.id}}, now=now
    )
    notices.chargeback_opened(chargeback, subject.booking, now=now)
    return chargeback


def _book_what_the_bank_moved(
    subject: BookingSubject, chargeback: Chargeback, found: BankDispute, *, event: StripeEvent | None, now: datetime
) -> None:
    """Book each of Stripe's balance transactions for the dispute once: withdrawn, with its fee, or returned."""
    payment = subject.payment
    for moved in found.movements:
        if moved.id in chargeback.booked_movements:
            continue
        journal.write_for_payment(
            payment,
            (
                Line(Account.PLATFORM, moved.amount - moved.fee),
                Line(Account.IN_DISPUTE, -moved.amount),
                Line(Account.DISPUTE_FEES, moved.fee),
            ),
            cause=f"dispute:{moved.id}",
            rule="P11",
            description="Withdrawn by the bank" if moved.amount < 0 else "Returned by the bank",
            now=now,
            event=event,
            stripe_object_id=found.id,
        )
        payment.charged_back_cents -= moved.amount
        chargeback.booked_movements = [*chargeback.booked_movements, moved.id]
    payment.save_changes()


def _close(subject: BookingSubject, chargeback: Chargeback, *, won: bool, now: datetime) -> None:
    """Carry out what the bank decided; lost, it ends every other case about the booking."""
    operation = money.rule(
        subject,
        Action.WIN_CHARGEBACK if won else Action.LOSE_CHARGEBACK,
        party=Party.SYSTEM,
        inputs={"case": {"chargeback": chargeback.dispute_id, "ends": [chargeback.case]}},
        now=now,
    )
    chargeback.status = Chargeback.Status.WON if won else Chargeback.Status.LOST
    resolve(chargeback, Resolution.BY_THE_BANK, operation=operation, now=now)
    if not won:
        supersede(subject, open_cases(subject.booking), reason="The bank ruled for the cardholder.", now=now)
    notices.chargeback_closed(chargeback, subject.booking, operation, now=now)
