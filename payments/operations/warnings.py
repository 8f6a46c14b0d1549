"""Warning before something is lost: a booking that is still unpaid, credit that is about to expire."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from credits.models import CreditLot
from instainstru.notifications.operations import queue_message
from payments import endings
from payments.policy.states import Action

BEFORE_EXPIRY = (timedelta(days=30), timedelta(days=7))  # a student is told twice


def warn_unpaid(*, payment_id: int, now: datetime) -> None:
    """Queue the final warning of a booking that is still unpaid, if its time for it has come (P10.1)."""
    with transaction.atomic(durable=True):
        subject = endings.lock_subject(Action.EXPIRE, payment_id)
        if subject.payment.warn_at is not None and subject.payment.warn_at <= now:
            subject.warn(now=now)
            subject.payment.warn_at = None
            subject.payment.save(update_fields=["warn_at"])


def warn_of_expiring_credit(*, now: datetime, limit: int = 100) -> int:
    """Tell students 30 and 7 days ahead which credit expires (P9.1); return how many lots were told of."""
    told = 0
    # The last warning first: credit that is first seen when both are due is told of once.
    for number, ahead in reversed(list(enumerate(BEFORE_EXPIRY, start=1))):
        with transaction.atomic(durable=True):
            lots = list(
                CreditLot.objects.spendable(at=now)
                .filter(expires_at__lte=now + ahead, expiry_warnings__lt=number)
                .select_related("wallet__student")
                .order_by("expires_at", "id")
                .select_for_update(of=("self",), skip_locked=True)[:limit]
            )
            for lot in lots:
                queue_message(
                    recipient=lot.wallet.student,
                    key="credit_expiring",
                    context={
                        "amount_cents": lot.available_cents,
                        "expires_at": lot.expires_at,
                        "wallet_url": settings.SITE_URL + reverse("wallet"),
                    },
                    reference=f"CR-{lot.pk}",
                    dedupe_key=f"lot:{lot.pk}:{number}",
                    now=now,
                )
            CreditLot.objects.filter(pk__in=[lot.pk for lot in lots]).update(expiry_warnings=number)
        told += len(lots)
    return told
