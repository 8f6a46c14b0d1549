"""What explains every cent of our balance at Stripe."""

from dataclasses import dataclass
from datetime import UTC, datetime

from payments.gateway import client
from payments.gateway.parties import said


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceTransaction:
    """One movement on the platform's balance. Cents, negative when money leaves; `net` is after Stripe's fees."""

    id: str
    source: str  # the charge, transfer, reversal, refund, dispute … that moved it
    type: str
    net: int
    created_at: datetime


def transactions_since(instant: datetime) -> list[BalanceTransaction]:
    """Return every balance transaction from an instant on, newest first, asked for page by page.

    Raises GatewayRefused, GatewayUnavailable.
    """
    since = {"gte": int(instant.timestamp())}
    return [
        BalanceTransaction(
            id=found["id"],
            source=found["source"] or "",
            type=found["type"],
            net=found["net"],
            created_at=datetime.fromtimestamp(found["created"], UTC),
        )
        for found in said(lambda: list(client.every("/v1/balance_transactions", created=since)))
    ]
