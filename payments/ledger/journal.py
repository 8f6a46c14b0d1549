"""Writing journal entries. Lines that don't balance are refused here and, at commit, by the database."""

from collections.abc import Iterable
from datetime import datetime

from django.db import connection

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
    """Write an entry and its postings in one statement: most commits of the engine write one."""
    moving = balanced(*lines)
    if not moving:
        return
    values = [field.get_db_prep_save(field.pre_save(entry, add=True), connection) for field in _ENTRY]
    with connection.cursor() as cursor:
        cursor.execute(
            _WRITE,
            [
                *values,
                None if payment is None else payment.pk,
                [line.account.value for line in moving],
                [owners.get(line.account) for line in moving],
                [line.amount for line in moving],
            ],
        )


_ENTRY = [field for field in JournalEntry._meta.concrete_fields if not field.primary_key]
_WRITE = f"""
WITH entry AS (
    INSERT INTO {JournalEntry._meta.db_table} ({", ".join(str(field.column) for field in _ENTRY)})
    VALUES ({", ".join(["%s"] * len(_ENTRY))}) RETURNING id
)
INSERT INTO {Posting._meta.db_table} (entry_id, account, owner_id, payment_id, amount_cents, currency)
SELECT entry.id, line.account, line.owner_id, %s, line.amount_cents, 'usd'
FROM entry, unnest(%s::text[], %s::bigint[], %s::bigint[]) AS line (account, owner_id, amount_cents)
"""  # noqa: S608  # the names of our own tables and columns; every value is a parameter
