"""Taking the money of a hold, or of a charge without one, and sharing it with the destination."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from payments.simulator.core import disputes, faults, ledger, payment_methods, transfers
from payments.simulator.core.errors import invalid_request, unexpected_state
from payments.simulator.core.events import before, emit
from payments.simulator.core.lookup import change, fetch, positive
from payments.simulator.core.objects import Body

if TYPE_CHECKING:
    from payments.simulator.core.core import Core


def capture(core: Core, params: dict[str, Any], intent_id: str) -> Body:
    """POST /v1/payment_intents/{intent}/capture"""
    intent = fetch(core, "payment_intent", intent_id, param="intent")
    if intent["status"] != "requires_capture":
        raise unexpected_state(
            f"This PaymentIntent could not be captured because it has a status of {intent['status']}. Only a"
            " PaymentIntent with one of the following statuses may be captured: requires_capture.",
            intent,
        )
    if params.get("final_capture") is False:
        raise invalid_request("This simulator captures once.", param="final_capture")
    amount = intent["amount_capturable"]
    if "amount_to_capture" in params:
        amount = positive(params["amount_to_capture"], "amount_to_capture")
    if amount > intent["amount_capturable"]:
        raise invalid_request(
            "The amount to capture is greater than the amount that can be captured.",
            code="amount_too_large",
            param="amount_to_capture",
        )
    share = _share(intent, params, amount)
    if intent["transfer_data"]:
        transfers.require_payable(core, intent["transfer_data"]["destination"], param="transfer_data[destination]")
    faults.strike(core, "capture", payment_intent=intent)
    change(intent, params, "metadata statement_descriptor statement_descriptor_suffix")
    charge = core.objects.must_get(intent["latest_charge"])
    collect(core, intent, charge, amount=amount, share=share)
    return intent


def collect(core: Core, intent: Body, charge: Body, *, amount: int, share: int | None) -> None:
    """Take so much of an intent whose card agreed; the rest of a hold is released.

    `share`: what the destination gets, if not what the intent says. With `automatic_async` the charge is booked a
    moment later, as at Stripe: the answer does not have its balance transaction yet.
    """
    charge["captured"] = True
    charge["amount_captured"] = amount
    charge["_"]["share"] = share
    core.objects.save(charge)
    emit(core, "charge.captured" if intent["capture_method"] == "manual" else "charge.succeeded", charge)
    intent["status"] = "succeeded"
    intent["amount_capturable"] = 0
    intent["amount_received"] = amount
    core.objects.save(intent)
    if intent["capture_method"] == "automatic_async":
        core.schedule.add("charge_booked", charge["id"], at=core.clock.now())
    else:
        _book(core, charge)
    emit(core, "payment_intent.succeeded", intent)


def book_later(core: Core, charge_id: str) -> None:
    """Book a charge that was made with `automatic_async`."""
    charge = core.objects.must_get(charge_id)
    former = before(charge)
    _book(core, charge)
    emit(core, "charge.updated", charge, previously=former)


def _book(core: Core, charge: Body) -> None:
    amount = charge["amount_captured"]
    transaction = ledger.post(
        core,
        account=charge["_"]["account"],
        kind="charge",
        reporting_category="charge",
        source=charge["id"],
        amount=amount,
        fee_details=ledger.processing_fee(core, amount),
        description=charge["description"],
        delayed=True,
    )
    charge["balance_transaction"] = transaction["id"]
    if charge["transfer_data"]:
        share = charge["_"]["share"] or charge["transfer_data"]["amount"] or amount
        transfer = transfers.send(core, amount=share, destination=charge["transfer_data"]["destination"], charge=charge)
        charge["transfer"] = transfer["id"]
    core.objects.save(charge)
    method = core.objects.must_get(charge["payment_method"])
    if reason := payment_methods.card_of(method).dispute_reason:
        disputes.begin(core, charge, reason=reason)


def _share(intent: Body, params: dict[str, Any], amount: int) -> int | None:
    """What the destination gets. Raises StripeError when that is more than what is captured."""
    if "transfer_data" in params and intent["transfer_data"] is None:
        raise invalid_request("This PaymentIntent has no transfer_data to change.", param="transfer_data")
    share = params.get("transfer_data", {}).get("amount") or (intent["transfer_data"] or {}).get("amount")
    if share and not 1 <= share <= amount:
        raise invalid_request(
            "The transfer amount must not be greater than the amount that is captured.", param="transfer_data[amount]"
        )
    return share
