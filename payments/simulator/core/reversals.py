"""Transfer reversals: money comes back from a connected account, if it is still there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from payments.simulator.core import faults, ledger
from payments.simulator.core.errors import dollars, insufficient_balance, invalid_request, missing
from payments.simulator.core.events import emit
from payments.simulator.core.lookup import change, fetch, merged, positive
from payments.simulator.core.objects import Body, public

if TYPE_CHECKING:
    from payments.simulator.core.core import Core


def create(core: Core, params: dict[str, Any], transfer_id: str) -> Body:
    """POST /v1/transfers/{id}/reversals"""
    transfer = fetch(core, "transfer", transfer_id, param="id")
    left = transfer["amount"] - transfer["amount_reversed"]
    if left == 0:
        raise invalid_request(f"The transfer {transfer_id} is already fully reversed.")
    amount = positive(params.get("amount", left))
    if amount > left:
        raise invalid_request(
            f"Reversal amount ({dollars(amount)}) is greater than unreversed amount on transfer ({dollars(left)})",
            param="amount",
        )
    faults.strike(core, "reverse")
    return take_back(core, transfer, amount, metadata=params.get("metadata", {}), description=params.get("description"))


def list_of_transfer(core: Core, params: dict[str, Any], transfer_id: str) -> dict[str, str]:
    """What filters the list of one transfer's reversals. Raises if there is no such transfer."""
    fetch(core, "transfer", transfer_id, param="id")
    return {"transfer": transfer_id}


def retrieve(core: Core, params: dict[str, Any], transfer_id: str, reversal_id: str) -> Body:
    """GET /v1/transfers/{transfer}/reversals/{id}"""
    reversal = fetch(core, "transfer_reversal", reversal_id, param="id")
    if reversal["transfer"] != transfer_id:
        raise missing("transfer reversal", reversal_id, param="id")
    return reversal


def update(core: Core, params: dict[str, Any], transfer_id: str, reversal_id: str) -> Body:
    """POST /v1/transfers/{transfer}/reversals/{id}"""
    reversal = retrieve(core, params, transfer_id, reversal_id)
    change(reversal, params, "metadata")
    core.objects.save(reversal)
    return reversal


def take_back(
    core: Core,
    transfer: Body,
    amount: int,
    *,
    metadata: dict[str, str] | None = None,
    description: str | None = None,
    source_refund: str | None = None,
) -> Body:
    """Reverse so much of a transfer, which has that much left.

    Raises StripeError if the connected account does not have it.
    """
    account = transfer["destination"]
    if ledger.available(core, account) < amount:
        raise insufficient_balance(
            f"The connected account {account} has insufficient available funds for a reversal of {dollars(amount)}."
        )
    reversal_id = core.ids.new("trr_1", 23)
    transaction = ledger.post(
        core,
        account=core.platform,
        kind="transfer_refund",
        reporting_category="transfer_reversal",
        source=reversal_id,
        amount=amount,
        description=description,
    )
    reversal = core.objects.add(
        {
            "id": reversal_id,
            "object": "transfer_reversal",
            "amount": amount,
            "balance_transaction": transaction["id"],
            "created": core.clock.stamp(),
            "currency": "usd",
            "destination_payment_refund": _departure(core, transfer, amount)["id"],
            "metadata": merged({}, metadata or {}),
            "source_refund": source_refund,
            "transfer": transfer["id"],
        },
        account=core.platform,
    )
    transfer["amount_reversed"] += amount
    transfer["reversed"] = transfer["amount_reversed"] == transfer["amount"]
    embedded = transfer["reversals"]["data"]
    embedded.insert(0, public(reversal))
    transfer["reversals"]["has_more"] = len(embedded) > 10
    del embedded[10:]
    core.objects.save(transfer)
    emit(core, "transfer.reversed", transfer)
    return reversal


def _departure(core: Core, transfer: Body, amount: int) -> Body:
    """The refund that the connected account sees."""
    payment = core.objects.must_get(transfer["destination_payment"])
    account, refund_id = transfer["destination"], core.ids.new("pyr_1", 23)
    transaction = ledger.post(
        core,
        account=account,
        kind="payment_refund",
        reporting_category="refund",
        source=refund_id,
        amount=-amount,
    )
    payment["amount_refunded"] += amount
    payment["refunded"] = payment["amount_refunded"] == payment["amount"]
    core.objects.save(payment)
    refund = core.objects.add(
        {
            "id": refund_id,
            "object": "refund",
            "amount": amount,
            "balance_transaction": transaction["id"],
            "charge": payment["id"],
            "created": core.clock.stamp(),
            "currency": "usd",
            "metadata": {},
            "payment_intent": None,
            "reason": None,
            "receipt_number": None,
            "source_transfer_reversal": None,
            "status": "succeeded",
            "transfer_reversal": None,
        },
        account=account,
    )
    emit(core, "charge.refunded", payment)
    return refund
