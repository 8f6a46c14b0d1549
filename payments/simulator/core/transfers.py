"""Transfers: from the platform to a connected account, made by a captured charge or on their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from payments.simulator.core import faults, ledger
from payments.simulator.core.errors import dollars, insufficient_balance, invalid_request, missing
from payments.simulator.core.events import before, emit
from payments.simulator.core.lookup import change, empty_list, fetch, find_account, merged, only_usd, positive
from payments.simulator.core.objects import Body

if TYPE_CHECKING:
    from payments.simulator.core.core import Core


def create(core: Core, params: dict[str, Any]) -> Body:
    """POST /v1/transfers"""
    only_usd(params)
    if "amount" not in params:
        raise invalid_request("Missing required param: amount.", code="parameter_missing", param="amount")
    amount = positive(params["amount"])
    require_payable(core, params["destination"], param="destination")
    charge = None
    if "source_transaction" in params:
        charge = _source(core, params["source_transaction"], amount)
    faults.strike(core, "payout")
    if charge is None and ledger.available(core, core.request.account) < amount:
        raise insufficient_balance(
            "You have insufficient available funds in your Stripe account. Try adding funds directly to your available"
            " balance by creating Charges using the 4000000000000077 test card. See:"
            " https://stripe.com/docs/testing#available-balance"
        )
    return send(
        core,
        amount=amount,
        destination=params["destination"],
        charge=charge,
        description=params.get("description"),
        metadata=params.get("metadata", {}),
        transfer_group=params.get("transfer_group"),
    )


def update(core: Core, params: dict[str, Any], transfer_id: str) -> Body:
    """POST /v1/transfers/{transfer}"""
    transfer = fetch(core, "transfer", transfer_id, param="transfer")
    former = before(transfer)
    change(transfer, params, "description metadata")
    core.objects.save(transfer)
    emit(core, "transfer.updated", transfer, previously=former)
    return transfer


def require_payable(core: Core, destination: str, *, param: str) -> None:
    """Raises StripeError unless that connected account may receive transfers now."""
    account = find_account(core, destination)
    if account is None or destination == core.platform or core.request.account != core.platform:
        raise missing("destination", destination, param=param, status=400)
    if account["capabilities"].get("transfers") != "active":
        raise invalid_request(
            "Your destination account needs to have at least one of the following capabilities enabled: transfers,"
            " crypto_transfers, legacy_payments",
            code="insufficient_capabilities_for_transfer",
        )


def send(
    core: Core,
    *,
    amount: int,
    destination: str,
    charge: Body | None = None,
    description: str | None = None,
    metadata: dict[str, str] | None = None,
    transfer_group: str | None = None,
) -> Body:
    """Move money to a connected account whose right to receive it was checked.

    With a `charge` it is that charge's money, whatever else the platform has.
    """
    transfer_id = core.ids.new("tr_3" if charge else "tr_1", 23)
    group = transfer_group
    if charge:
        charge["transfer_group"] = group = group or charge["transfer_group"] or f"group_{charge['id']}"
        charge["_"]["transferred"] = charge["_"].get("transferred", 0) + amount
        core.objects.save(charge)
    transaction = ledger.post(
        core,
        account=core.platform,
        kind="transfer",
        reporting_category="transfer",
        source=transfer_id,
        amount=-amount,
        description=description,
    )
    transfer = core.objects.add(
        {
            "id": transfer_id,
            "object": "transfer",
            "amount": amount,
            "amount_reversed": 0,
            "balance_transaction": transaction["id"],
            "created": core.clock.stamp(),
            "currency": "usd",
            "description": description,
            "destination": destination,
            "destination_payment": None,
            "livemode": False,
            "metadata": merged({}, metadata or {}),
            "reversals": empty_list(f"/v1/transfers/{transfer_id}/reversals"),
            "reversed": False,
            "source_transaction": charge and charge["id"],
            "source_type": "card",
            "transfer_group": group,
        },
        account=core.platform,
    )
    payment = _arrival(core, transfer)
    transfer["destination_payment"] = payment["id"]
    core.objects.save(transfer)
    emit(core, "transfer.created", transfer)
    emit(core, "payment.created", payment)
    return transfer


def _source(core: Core, charge_id: str, amount: int) -> Body:
    charge = fetch(core, "charge", charge_id, param="source_transaction", status=400)
    if not charge["captured"]:
        raise invalid_request("You can only use a captured charge as a source transaction.", param="source_transaction")
    transferred = charge["_"].get("transferred", 0)
    if transferred + amount > charge["amount_captured"]:
        raise invalid_request(
            "Transfers using this transaction as a source must not exceed the source amount of"
            f" {dollars(charge['amount_captured'])}. (There is already a total transferred amount of"
            f" {dollars(transferred)}.)"
        )
    return charge


def _arrival(core: Core, transfer: Body) -> Body:
    """The payment that the connected account sees."""
    account, payment_id, amount = transfer["destination"], core.ids.new("py_1", 23), transfer["amount"]
    transaction = ledger.post(
        core,
        account=account,
        kind="payment",
        reporting_category="charge",
        source=payment_id,
        amount=amount,
        delayed=bool(transfer["source_transaction"]),
    )
    return core.objects.add(
        {
            "id": payment_id,
            "object": "charge",
            "amount": amount,
            "amount_captured": amount,
            "amount_refunded": 0,
            "application": None,
            "application_fee": None,
            "application_fee_amount": None,
            "balance_transaction": transaction["id"],
            "billing_details": {
                "address": {
                    "city": None,
                    "country": None,
                    "line1": None,
                    "line2": None,
                    "postal_code": None,
                    "state": None,
                },
                "email": None,
                "name": None,
                "phone": None,
                "tax_id": None,
            },
            "calculated_statement_descriptor": None,
            "captured": True,
            "created": core.clock.stamp(),
            "currency": "usd",
            "customer": None,
            "description": None,
            "disputed": False,
            "failure_balance_transaction": None,
            "failure_code": None,
            "failure_message": None,
            "fraud_details": {},
            "livemode": False,
            "metadata": {},
            "on_behalf_of": None,
            "outcome": None,
            "paid": True,
            "payment_intent": None,
            "payment_method": None,
            "payment_method_details": {"stripe_account": {}, "type": "stripe_account"},
            "receipt_email": None,
            "receipt_number": None,
            "receipt_url": None,
            "refunded": False,
            "review": None,
            "shipping": None,
            "source_transfer": transfer["id"],
            "statement_descriptor": None,
            "statement_descriptor_suffix": None,
            "status": "succeeded",
            "transfer_data": None,
            "transfer_group": None,
        },
        account=account,
    )
