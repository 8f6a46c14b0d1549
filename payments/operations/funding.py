"""Money that the company itself puts into its Stripe balance, for top-ups and advances (design 5)."""

from datetime import datetime

from django.db import transaction

from payments.ledger import journal
from payments.policy.accounts import Account, Line


def record_funding(*, cents: int, stripe_object_id: str, now: datetime) -> None:
    """Book a top-up of the platform's Stripe balance; each Stripe object is booked once."""
    with transaction.atomic():
        journal.write_for_platform(
            (Line(Account.PLATFORM, cents), Line(Account.FUNDING, -cents)),
            cause=f"funding:{stripe_object_id}",
            rule="P5.5",
            description="Platform balance funded",
            now=now,
            stripe_object_id=stripe_object_id,
        )
