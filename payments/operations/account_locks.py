"""Lifting the lock that keeps a student from booking anything new (P9.4, P10.2, section 11)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from instainstru.api.idempotency import Receipt
from instainstru.refusals import Refused
from payments.models import AccountLock


def lift_account_lock(*, lock_id: int, now: datetime, receipt: Receipt | None = None) -> AccountLock:
    """Lift one reason why an account is locked; others keep it locked, and what is owed stays owed.

    Staff lift what a lost chargeback has locked (section 11); the other locks end with their debt, or earlier by this.
    Raises Refused("preview_stale") if it was lifted meanwhile.
    """
    with transaction.atomic(durable=True):
        lock = AccountLock.objects.select_for_update().get(pk=lock_id)
        if lock.lifted_at is not None:
            raise Refused("preview_stale")
        lock.lifted_at = now
        lock.save(update_fields=["lifted_at"])
        if receipt:
            receipt.record(f"account_lock:{lock.pk}")
    return lock
