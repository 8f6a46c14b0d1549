"""Credits that move without a payment: goodwill and expiry."""

from datetime import datetime

from django.db import transaction

from credits import operations as credits
from instainstru.accounts.models import User
from payments.ledger import journal
from payments.operations.negative_balance import book_paid_off
from payments.policy.accounts import Account, Line


def grant_credit(
    *,
    student: User,
    cents: int,
    source_key: str,
    now: datetime,
    expires_at: datetime | None = None,
    actor: User | None = None,
    reason: str = "Goodwill credit",
) -> None:
    """Give a student credit that no payment stands for; the platform bears it. A source gives once.

    It first pays off what the student owes in credit (P9.4).
    """
    with transaction.atomic():
        paid_off = credits.issue(
            student_id=student.pk, cents=cents, source_key=source_key, now=now, expires_at=expires_at
        )
        journal.write_for_student(
            student.pk,
            (Line(Account.LOSSES, cents), Line(Account.CREDITS, -cents)),
            cause=source_key,
            rule="P9.1",
            description=reason,
            now=now,
            actor=actor,
        )
        book_paid_off(paid_off, student_id=student.pk, now=now, actor=actor)


def expire_credits(*, now: datetime, limit: int = 100) -> int:
    """Expire credit past its date and book it as breakage (P9.3); return how many wallets lost something."""
    with transaction.atomic(durable=True):
        lost = credits.expire(now=now, limit=limit)
        for loss in lost:
            journal.write_for_student(
                loss.student_id,
                (Line(Account.CREDITS, loss.cents), Line(Account.BREAKAGE, -loss.cents)),
                cause=f"expiry:{loss.movement_id}",
                rule="P9.3",
                description="Credit expired",
                now=now,
            )
    return len(lost)
