"""What a student owes in credit: arisen, paid off by credit, lifted; in the books and as a lock (P9.4, section 11).

A negative balance and its bookings change in one commit, by what was really paid off until then, so no plan has lines
for them: another booking's end may pay something off between a plan and its end. Every function works inside the
caller's transaction, with the wallet locked after the payment.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from credits import operations as credits
from credits.operations import PaidOff
from instainstru.accounts.models import User
from payments.ledger import journal
from payments.models import AccountLock, Operation, Payment
from payments.policy.accounts import Account, Line

NEGATIVE_BALANCE = AccountLock.Reason.NEGATIVE_BALANCE


def book_negative_balance(payment: Payment, *, cents: int, now: datetime) -> None:
    """Let the student owe what was spent of the credits issued for a payment, and lock the account (section 11).

    The payment is locked; `cents` are what `credits.freeze_issued` found spent, none included. Books them as owed to us
    and not lost so far.
    """
    if not cents:
        return
    balance = credits.owe(student_id=payment.payer.user_id, reference=payment.reference, cents=cents, now=now)
    journal.write_for_payment(
        payment,
        (Line(Account.RECEIVABLE, cents), Line(Account.LOSSES, -cents)),
        cause=f"negative-balance:{balance.pk}:{balance.owed_cents}",  # which only grows, should there be another
        rule="P11",
        description="Credit that was spent is owed",
        now=now,
    )
    AccountLock.objects.update_or_create(
        payer=payment.payer,
        reason=NEGATIVE_BALANCE,
        reference=payment.reference,
        defaults={"locked_at": now, "lifted_at": None},
    )


def lift_negative_balance(payment: Payment, operation: Operation, *, gives_back: bool, now: datetime) -> None:
    """Lift what is still owed for a payment, and the lock: a chargeback was won, or a dispute ruled for the student.

    The payment is locked, and `operation` is that of the bank's decision (section 11) or the ruling (P8.4). With
    `gives_back`, as once won, what had paid it off comes back: issued and booked here, as a new credit that counts as
    given for no booking; a plan can only tell of it (`credits.queries.paid_off_towards`).
    """
    student_id = payment.payer.user_id
    freed = credits.lift(student_id=student_id, reference=payment.reference, gives_back=gives_back, now=now)
    journal.write_for_payment(
        payment,
        (
            Line(Account.LOSSES, freed.lifted + freed.paid_off),
            Line(Account.RECEIVABLE, -freed.lifted),
            Line(Account.CREDITS, -freed.paid_off),
        ),
        cause=f"operation:{operation.pk}:negative-balance",
        rule=operation.rule,
        description="What was owed in credit is lifted",
        now=now,
        operation=operation,
    )
    _unlock(student_id, payment.reference, now=now)
    if freed.paid_off:
        paid_off = credits.issue(
            student_id=student_id,
            cents=freed.paid_off,
            source_key=f"operation:{operation.pk}:given-back",
            origin=payment.reference,
            now=now,
        )
        book_paid_off(paid_off, student_id=student_id, now=now, operation=operation)


def book_paid_off(
    paid_off: Iterable[PaidOff],
    *,
    student_id: int,
    now: datetime,
    operation: Operation | None = None,
    actor: User | None = None,
) -> None:
    """Book what new or released credit has paid off, each once, and unlock what is owed no more (P9.4).

    `operation` is the one that gave the credit; without one, `actor` gave it.
    """
    for paid in paid_off:
        lines = (Line(Account.CREDITS, paid.cents), Line(Account.RECEIVABLE, -paid.cents))
        cause, description = f"paid-off:{paid.movement_id}", f"Credit paid off what was owed for {paid.reference}"
        if operation is not None:
            journal.write_for_payment(
                operation.payment,
                lines,
                cause=cause,
                rule="P9.4",
                description=description,
                now=now,
                operation=operation,
            )
        else:
            journal.write_for_student(
                student_id, lines, cause=cause, rule="P9.4", description=description, now=now, actor=actor
            )
        if not paid.still_owed:
            _unlock(student_id, paid.reference, now=now)


def _unlock(student_id: int, reference: str, *, now: datetime) -> None:
    AccountLock.objects.filter(
        payer__user_id=student_id, reason=NEGATIVE_BALANCE, reference=reference, lifted_at=None
    ).update(lifted_at=now)
