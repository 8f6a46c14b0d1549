"""What explains every cent of our balance at Stripe."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from instainstru.money import DOLLARS
from payments.gateway import client
from payments.gateway.errors import said

LONGEST_PENDING = timedelta(days=14)  # a new account's first charges; two days are usual in the US


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceTransaction:
    """One movement on the platform's balance. `net` is after Stripe's fees, negative when money leaves.

    It is cents if the currency is dollars.
    """

    id: str
    source: str  # the charge, transfer, reversal, refund, dispute … that moved it
    type: str
    net: int
    currency: str
    created_at: datetime
    available_at: datetime
    is_pending: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Funds:
    """What dollars we have at Stripe, in cents: to use now, and what is pending until when."""

    available: int
    pending: tuple[tuple[datetime, int], ...]


def funds(*, now: datetime, tell: Callable[[int], None] = lambda count: None) -> Funds:
    """Return what our balance has to use now and what is pending, by when it becomes available.

    What Stripe counts as pending and no transaction explains is left out if it is ours, and gone if it is not. `tell`
    hears how many transactions were read so far. Raises GatewayRefused, GatewayUnavailable.
    """
    balance = said(lambda: client.get("/v1/balance"))
    available, pending = (_dollars(balance[kind]) for kind in ("available", "pending"))
    recent = transactions_since(now - LONGEST_PENDING, tell=tell) if pending else []
    waiting = [found for found in recent if found.is_pending and found.currency == DOLLARS]
    unexplained = min(0, pending - sum(found.net for found in waiting))
    return Funds(
        available=available + unexplained,
        pending=tuple((found.available_at, found.net) for found in waiting),
    )


def _dollars(parts: Iterable[dict[str, Any]]) -> int:
    return sum(part["amount"] for part in parts if part["currency"] == DOLLARS)


def transactions_since(
    instant: datetime, *, tell: Callable[[int], None] = lambda count: None
) -> list[BalanceTransaction]:
    """Return every balance transaction from an instant on, newest first; `tell` hears how many there are so far.

    Raises GatewayRefused, GatewayUnavailable.
    """
    since = {"gte": int(instant.timestamp())}
    read = said(lambda: list(client.every("/v1/balance_transactions", tell=tell, created=since)))
    return [_transaction(found) for found in read]


def _transaction(read: dict[str, Any]) -> BalanceTransaction:
    return BalanceTransaction(
        id=read["id"],
        source=read["source"] or "",
        type=read["type"],
        net=read["net"],
        currency=read["currency"],
        created_at=datetime.fromtimestamp(read["created"], UTC),
        available_at=datetime.fromtimestamp(read["available_on"], UTC),
        is_pending=read["status"] == "pending",
    )
