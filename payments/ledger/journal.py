"""Writing journal entries. Lines that don't balance are refused here and, at commit, by the database."""

from collections.abc import Iterable
from datetime import datetime

from instainstru.accounts.models import User
from payments.models import JournalEntry, Operation, Payment, Posting, StripeEvent
from payments.policy.accounts import Account, Line, balanced

PAYEES_OWN = frozenset({Account.CONNECTED, Account.EARNINGS})
PAYERS_OWN = frozenset({Account.CREDITS, Account.RECEIVABLE})


def write_for_payment(
    payment: Payment,
    lines: Iterable[Line],
    *,
    cause: str,
    rule: str,
    description: str,
    now: datetime,
    operation: Operation | None = None,
    event: StripeEvent | None = None,
    stripe_object_id: str = "",
) -> None:
    """Book what an operation, or an event of Stripe's, moved for a payment; nothing is written if nothing moved.

    `payment.payer` and `payment.payee` are loaded. A cause books once: again is an IntegrityError.
    """
    _write(
        lines,
        dict.fromkeys(PAYEES_OWN, payment.payee.user_id) | dict.fromkeys(PAYERS_OWN, payment.payer.user_id),
        payment=payment,
        entry=JournalEntry(
            cause=cause,
            operation=operation,
            event=event,
            payment=payment,
            rule=rule,
            actor_id=operation.actor_id if operation else None,
            stripe_object_id=stripe_object_id,
            description=description,
            occurred_at=now,
        ),
    )


def write_for_student(
    student_id: int,
    lines: Iterable[Line],
    *,
    cause: str,
    rule: str,
    description: str,
    now: datetime,
    actor: User | None = None,
) -> None:
    """Book what moved in a student's accounts without a payment: a grant, an expiry."""
    _write(
        lines,
        dict.fromkeys(PAYERS_OWN, student_id),
        payment=None,
        entry=JournalEntry(cause=cause, rule=rule, actor=actor, description=description, occurred_at=now),
    )


def write_for_instructor(
    instructor_id: int,
    lines: Iterable[Line],
    *,
    cause: str,
    rule: str,
    description: str,
    now: datetime,
    event: StripeEvent,
    stripe_object_id: str,
) -> None:
    """Book what moved in an instructor's accounts without a payment: a payout to their bank."""
    _write(
        lines,
        dict.fromkeys(PAYEES_OWN, instructor_id),
        payment=None,
        entry=JournalEntry(
            cause=cause,
            rule=rule,
            description=description,
            occurred_at=now,
            event=event,
            stripe_object_id=stripe_object_id,
        ),
    )


def write_for_platform(
    lines: Iterable[Line],
    *,
    cause: str,
    rule: str,
    description: str,
    now: datetime,
    event: StripeEvent | None = None,
    stripe_object_id: str = "",
) -> None:
    """Book what moved between the platform's own accounts: funding of its Stripe balance, its own payouts."""
    _write(
        lines,
        {},
        payment=None,
        entry=JournalEntry(
            cause=cause,
            rule=rule,
            description=description,
            occurred_at=now,
            event=event,
            stripe_object_id=stripe_object_id,
        ),
    )


def _write(lines: Iterable[Line], owners: dict[Account, int], *, payment: Payment | None, entry: JournalEntry) -> None:
    moving = balanced(*lines)
    if not moving:
        return
    entry.save(force_insert=True)
    Posting.objects.bulk_create(
        Posting(
            entry=entry,
            account=line.account,
            owner_id=owners.get(line.account),
            payment=payment,
            amount_cents=line.amount,
        )
        for line in moving
    )
