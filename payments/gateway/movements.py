"""What moved at Stripe, whoever moved it: looked up when an event tells of it (design 6)."""

from dataclasses import dataclass
from typing import Any

from payments.gateway import client
from payments.gateway.errors import said

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """A PaymentIntent as it is now. What was charged is cents, of it `transferred` went on to the instructor."""

    id: str
    status: str
    reference: str  # of the payment that we made it for, or nothing
    charge_id: str = ""
    charged: int = 0
    fee: int = 0
    transfer_id: str = ""
    transferred: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """A refund to the card; one that came back from the bank does not stand any more. Cents."""

    id: str
    amount: int
    key: str  # that every refund of ours carries
    stands: bool
    failure: str = ""
    came_back_by: str = ""  # the balance transaction that brought it back


@dataclass(frozen=True, slots=True, kw_only=True)
class Reversal:
    """A transfer taken back, or part of it, in the transfer's currency; cents if that is dollars."""

    id: str
    amount: int
    key: str  # that every reversal of ours carries
    moved_by: str  # the balance transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """A transfer to an instructor. Cents if its currency is dollars: one made by hand may be in any other."""

    id: str
    amount: int
    currency: str
    destination: str
    key: str  # that every transfer of ours carries
    is_of_a_charge: bool  # made by a capture, not on its own
    moved_by: str  # the balance transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Payout:
    """Money on its way from an account at Stripe to its owner's bank; one that failed came back.

    Cents if its currency is dollars: an account may come to have money of another one.
    """

    id: str
    amount: int
    currency: str
    stands: bool
    moved_by: str  # the balance transaction
    came_back_by: str = ""  # the balance transaction that brought it back


def intent(intent_id: str) -> Intent:
    """Return an intent as it is now. Raises GatewayRefused or GatewayUnavailable, as everything here."""
    expand = ["latest_charge.balance_transaction", "latest_charge.transfer"]
    found = said(lambda: client.get(f"/v1/payment_intents/{intent_id}", expand=expand))
    charge: Json = found.get("latest_charge") or {}
    transfer: Json = charge.get("transfer") or {}
    return Intent(
        id=found["id"],
        status=found["status"],
        reference=(found.get("metadata") or {}).get("payment", ""),
        charge_id=charge.get("id", ""),
        charged=found["amount_received"],
        fee=(charge.get("balance_transaction") or {}).get("fee", 0),
        transfer_id=transfer.get("id", ""),
        transferred=transfer.get("amount", 0),
    )


def refunds_of(intent_id: str) -> list[Refund]:
    """Return every refund of what an intent charged, oldest first."""
    found = _everything("/v1/refunds", payment_intent=intent_id)
    return [
        Refund(
            id=refund["id"],
            amount=refund["amount"],
            key=_key(refund),
            stands=refund["status"] not in ("failed", "canceled"),
            failure=refund.get("failure_reason") or "",
            came_back_by=refund.get("failure_balance_transaction") or "",
        )
        for refund in found
        if (refund.get("destination_details") or {}).get("card", {}).get("type") != "reversal"  # a hold let go
    ]


def reversals_of(transfer_id: str) -> list[Reversal]:
    """Return every reversal of a transfer, oldest first."""
    found = _everything(f"/v1/transfers/{transfer_id}/reversals")
    return [
        Reversal(
            id=reversal["id"],
            amount=reversal["amount"],
            key=_key(reversal),
            moved_by=reversal.get("balance_transaction") or "",
        )
        for reversal in found
    ]


def transfer(transfer_id: str) -> Transfer:
    """Return a transfer as it is now."""
    found = said(lambda: client.get(f"/v1/transfers/{transfer_id}"))
    return Transfer(
        id=found["id"],
        amount=found["amount"],
        currency=found["currency"],
        destination=found["destination"],
        key=_key(found),
        is_of_a_charge=bool(found.get("source_transaction")),
        moved_by=found.get("balance_transaction") or "",
    )


def payout(payout_id: str, *, account: str = "") -> Payout:
    """Return a payout of a connected account, or of the platform's own, as it is now."""
    found = said(lambda: client.get(f"/v1/payouts/{payout_id}", account=account))
    return Payout(
        id=found["id"],
        amount=found["amount"],
        currency=found["currency"],
        stands=found["status"] not in ("failed", "canceled"),
        moved_by=found.get("balance_transaction") or "",
        came_back_by=found.get("failure_balance_transaction") or "",
    )


def _key(found: Json) -> str:
    return (found.get("metadata") or {}).get("key", "")


def _everything(path: str, **query: Any) -> list[Json]:
    return said(lambda: list(client.every(path, **query)))[::-1]
