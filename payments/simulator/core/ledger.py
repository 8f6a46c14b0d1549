"""Balances, and the balance transactions that explain every cent of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from payments.simulator.core.objects import Body

if TYPE_CHECKING:
    from payments.simulator.core.core import Core


def post(
    core: Core,
    *,
    account: str,
    kind: str,
    reporting_category: str,
    source: str,
    amount: int,
    fee_details: list[Body] | None = None,
    description: str | None = None,
    delayed: bool = False,
) -> Body:
    """Move money on one account's balance: `amount` less fees, negative when it leaves. Cents.

    `delayed`: incoming money that is pending for as long as the settings say, at once by default.
    """
    fee_details = fee_details or []
    fee = sum(detail["amount"] for detail in fee_details)
    delay = core.settings.funds_delay_seconds if delayed else 0
    transaction = core.objects.add(
        {
            "id": core.ids.new("txn_"),
            "object": "balance_transaction",
            "amount": amount,
            "available_on": core.clock.stamp() + delay,
            "balance_type": "payments",
            "created": core.clock.stamp(),
            "currency": "usd",
            "description": description,
            "exchange_rate": None,
            "fee": fee,
            "fee_details": fee_details,
            "net": amount - fee,
            "reporting_category": reporting_category,
            "source": source,
            "status": "pending" if delay else "available",
            "type": kind,
        },
        account=account,
    )
    if delay:
        _move(core, account, pending=amount - fee)
        core.schedule.add("funds_available", transaction["id"], at=core.clock.now() + delay)
    else:
        _move(core, account, available=amount - fee)
    return transaction


def processing_fee(core: Core, amount: int) -> list[Body]:
    """What Stripe takes for a card charge: a rate, rounded half up, and a fixed sum."""
    fee = (amount * core.settings.fee_basis_points + 5_000) // 10_000 + core.settings.fee_fixed_cents
    return [fee_detail(fee, "Stripe processing fees")]


def fee_detail(amount: int, description: str) -> Body:
    """One fee of Stripe's on a balance transaction."""
    return {
        "amount": amount,
        "application": None,
        "currency": "usd",
        "description": description,
        "type": "stripe_fee",
    }


def available(core: Core, account: str) -> int:
    """What an account can pay out or transfer now. Cents; negative when it owes."""
    return balance_of(core, account)[0]


def balance_of(core: Core, account: str) -> tuple[int, int]:
    """Available and pending cents of an account."""
    row = core.database.execute("SELECT available, pending FROM balances WHERE account = ?", account).fetchone()
    return row or (0, 0)


def retrieve_balance(core: Core, params: dict[str, Any]) -> Body:
    """GET /v1/balance, of the account that the request speaks for."""
    ready, pending = balance_of(core, core.request.account)
    return {
        "object": "balance",
        "available": [_sum(ready)],
        "connect_reserved": [{"amount": 0, "currency": "usd"}],
        "livemode": False,
        "pending": [_sum(pending)],
        "refund_and_dispute_prefunding": {"available": [_sum(0)], "pending": [_sum(0)]},
    }


def release(core: Core, transaction_id: str) -> None:
    """Pending money becomes available."""
    transaction = core.objects.must_get(transaction_id)
    transaction["status"] = "available"
    core.objects.save(transaction)
    net = transaction["net"]
    _move(core, transaction["_"]["account"], available=net, pending=-net)


def _move(core: Core, account: str, *, available: int = 0, pending: int = 0) -> None:
    core.database.execute(
        "INSERT INTO balances VALUES (?, ?, ?) ON CONFLICT (account) DO UPDATE"
        " SET available = available + excluded.available, pending = pending + excluded.pending",
        account, available, pending,
    )  # fmt: skip


def _sum(amount: int) -> Body:
    return {"amount": amount, "currency": "usd", "source_types": {"card": amount}}
