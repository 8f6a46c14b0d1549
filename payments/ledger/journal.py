"""Writing journal entries. Lines that don't balance are refused here and, at commit, by the database."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import chain
from typing import Any, NamedTuple, NotRequired, TypedDict, Unpack

from django.db import connection

from instainstru.accounts.models import User
from payments.models import JournalEntry, Operation, Payment, Posting, StripeEvent
from payments.policy.accounts import Account, Line, balanced

PAYEES_OWN = frozenset({Account.CONNECTED, Account.EARNINGS})
PAYERS_OWN = frozenset({Account.CREDITS, Account.RECEIVABLE})


class Draft(NamedTuple):
    """An entry that balances, and whose accounts its lines are; without lines nothing moved, and nothing is written."""

    entry: JournalEntry
    lines: tuple[Line, ...]
    owners: Mapping[Account, int]


class Cause(TypedDict):
    """Why something moved: who or what caused it under which rule, and what it is at Stripe."""

    cause: str  # books once: again is an IntegrityError
    rule: str
    description: str
    now: datetime
    operation: NotRequired[Operation | None]
    event: NotRequired[StripeEvent | None]
    stripe_object_id: NotRequired[str]


def draft_for_payment(payment: Payment, lines: Iterable[Line], **why: Unpack[Cause]) -> Draft:
    """Return the entry of what an operation, or an event of Stripe's, moved for a payment, for `write`.

    `payment.payer` and `payment.payee` are loaded.
    """
    operation = why.get("operation")
    entry = JournalEntry(
        cause=why["cause"],
        operation=operation,
        event=why.get("event"),
        payment=payment,
        rule=why["rule"],
        actor_id=operation.actor_id if operation else None,
        stripe_object_id=why.get("stripe_object_id", ""),
        description=why["description"],
        occurred_at=why["now"],
    )
    owners = dict.fromkeys(PAYEES_OWN, payment.payee.user_id) | dict.fromkeys(PAYERS_OWN, payment.payer.user_id)
    return Draft(entry, balanced(*lines), owners)


def write_for_payment(payment: Payment, lines: Iterable[Line], **why: Unpack[Cause]) -> None:
    """Book at once what `draft_for_payment` drafts."""
    write(draft_for_payment(payment, lines, **why))


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
    entry = JournalEntry(cause=cause, rule=rule, actor=actor, description=description, occurred_at=now)
    write(Draft(entry, balanced(*lines), dict.fromkeys(PAYERS_OWN, student_id)))


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
    entry = JournalEntry(
        cause=cause,
        rule=rule,
        description=description,
        occurred_at=now,
        event=event,
        stripe_object_id=stripe_object_id,
    )
    write(Draft(entry, balanced(*lines), dict.fromkeys(PAYEES_OWN, instructor_id)))


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
    entry = JournalEntry(
        cause=cause,
        rule=rule,
        description=description,
        occurred_at=now,
        event=event,
        stripe_object_id=stripe_object_id,
    )
    write(Draft(entry, balanced(*lines), {}))


def write(*drafts: Draft | None) -> None:
    """Write entries and their postings, in this order, in one statement: every commit of the engine writes some."""
    moving = [draft for draft in drafts if draft is not None and draft.lines]
    if not moving:
        return
    lines = [(draft, line) for draft in moving for line in draft.lines]
    with connection.cursor() as cursor:
        cursor.execute(
            _WRITE.format(entries=", ".join([_VALUES] * len(moving))),
            [
                *chain.from_iterable(_values(draft.entry) for draft in moving),
                [draft.entry.cause for draft, _ in lines],
                [line.account.value for _, line in lines],
                [draft.owners.get(line.account) for draft, line in lines],
                [draft.entry.payment_id for draft, _ in lines],
                [line.amount for _, line in lines],
            ],
        )


def _values(entry: JournalEntry) -> list[Any]:
    return [field.get_db_prep_save(field.pre_save(entry, add=True), connection) for field in _ENTRY]


_ENTRY = [field for field in JournalEntry._meta.concrete_fields if not field.primary_key]
_VALUES = f"({', '.join(['%s'] * len(_ENTRY))})"
_WRITE = f"""
WITH entry AS (
    INSERT INTO {JournalEntry._meta.db_table} ({", ".join(str(field.column) for field in _ENTRY)})
    VALUES {{entries}} RETURNING id, cause
)
INSERT INTO {Posting._meta.db_table} (entry_id, account, owner_id, payment_id, amount_cents, currency)
SELECT entry.id, line.account, line.owner_id, line.payment_id, line.amount_cents, 'usd'
FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[]) WITH ORDINALITY
    AS line (cause, account, owner_id, payment_id, amount_cents, number)
JOIN entry ON entry.cause = line.cause
ORDER BY line.number
"""  # noqa: S608  # the names of our own tables and columns; every value is a parameter
