"""Money that moves between Stripe's accounts and outside of any booking: payouts to banks, transfers made by hand.

The books know dollars alone. What moves in another currency is not booked: it is a work item of reconciliation, under
the name that reconciling gives it too where it finds it on our own balance.
"""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction

from instainstru.money import DOLLARS
from payments.gateway.movements import Payout, Reversal, Transfer
from payments.ledger import journal
from payments.models import JournalEntry, Payee, ReconciliationItem, StripeEvent
from payments.policy.accounts import Account, Line

Lines = tuple[Line, ...]


def take_in_payout(payout: Payout, *, payee: Payee | None, event: StripeEvent, now: datetime) -> None:
    """Book what an instructor, or without one the platform, had paid out to the bank, and that it came back if it did.

    What an instructor has at Stripe we owe them; what they took to the bank we don't any more.
    """
    if payout.currency != DOLLARS:
        _leave_to_staff(payout.id, -payout.amount, payout.currency, moved_by=payout.moved_by, now=now)
        if not payout.stands:
            _leave_to_staff(payout.id, payout.amount, payout.currency, moved_by=payout.came_back_by, now=now)
        return
    owed, at_stripe = (Account.EARNINGS, Account.CONNECTED) if payee else (Account.FUNDING, Account.PLATFORM)
    out = (Line(owed, payout.amount), Line(at_stripe, -payout.amount))
    back = (Line(at_stripe, payout.amount), Line(owed, -payout.amount))
    cause = f"stripe:{payout.id}"
    _book(out, cause, payout.id, "Paid out to the bank", rule="P2.2", payee=payee, event=event, now=now)
    if not payout.stands:
        returned, moved_by = "The bank sent the payout back", payout.came_back_by
        _book(back, f"{cause}:failed", moved_by, returned, rule="P2.2", payee=payee, event=event, now=now)


def take_in_transfer(
    transfer: Transfer, reversals: list[Reversal], *, payee: Payee, event: StripeEvent, now: datetime
) -> None:
    """Book a transfer that somebody made at Stripe, and what was taken back of it: it pays for no booking (P8.8)."""
    if transfer.currency != DOLLARS:
        _leave_to_staff(transfer.id, -transfer.amount, transfer.currency, moved_by=transfer.moved_by, now=now)
        for reversal in reversals:
            _leave_to_staff(reversal.id, reversal.amount, transfer.currency, moved_by=reversal.moved_by, now=now)
        return
    made, taken = "Instructor paid at Stripe, not by us", "Transfer reversed at Stripe, not by us"
    for amount, moved_by, what in (
        (transfer.amount, transfer.id, made),
        *((-reversal.amount, reversal.id, taken) for reversal in reversals),
    ):
        _book(_given(amount), f"stripe:{moved_by}", moved_by, what, rule="P8.8", payee=payee, event=event, now=now)


def _leave_to_staff(object_id: str, amount: int, currency: str, *, moved_by: str, now: datetime) -> None:
    """Let staff know of what moved in another currency, once: what they have closed stays closed."""
    ReconciliationItem.objects.get_or_create(
        name=moved_by or object_id,
        defaults={
            "kind": ReconciliationItem.Kind.OTHER_CURRENCY,
            "stripe_objects": [object_id],
            "booked_cents": 0,
            "moved_cents": amount,
            "currency": currency,
            "happened_at": now,
            "found_at": now,
            "seen_at": now,
        },
    )


def _given(amount: int) -> Lines:
    return (
        Line(Account.CONNECTED, amount),
        Line(Account.PLATFORM, -amount),
        Line(Account.LOSSES, amount),
        Line(Account.EARNINGS, -amount),
    )


def _book(
    lines: Lines,
    cause: str,
    object_id: str,
    description: str,
    *,
    rule: str,
    payee: Payee | None,
    event: StripeEvent,
    now: datetime,
) -> None:
    """Book what no event has told us before; two workers at once book it once."""
    if JournalEntry.objects.filter(cause=cause).exists():
        return
    try:
        with transaction.atomic(durable=True):
            if payee is None:
                journal.write_for_platform(
                    lines, cause=cause, rule=rule, description=description, now=now, event=event,
                    stripe_object_id=object_id,
                )  # fmt: skip
            else:
                journal.write_for_instructor(
                    payee.user_id, lines, cause=cause, rule=rule, description=description, now=now, event=event,
                    stripe_object_id=object_id,
                )  # fmt: skip
    except IntegrityError:
        if not JournalEntry.objects.filter(cause=cause).exists():
            raise
