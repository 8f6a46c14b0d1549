"""Charges: one for every attempt to get money from a card."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from payments.simulator.core.cards import AUTHENTICATION_REQUIRED, Decline
from payments.simulator.core.events import before, emit
from payments.simulator.core.lookup import change, fetch
from payments.simulator.core.objects import Body

if TYPE_CHECKING:
    from payments.simulator.core.core import Core


def update(core: Core, params: dict[str, Any], charge_id: str) -> Body:
    """POST /v1/charges/{charge}"""
    charge = fetch(core, "charge", charge_id, param="charge")
    former = before(charge)
    change(charge, params, "description metadata receipt_email transfer_group")
    core.objects.save(charge)
    emit(core, "charge.updated", charge, previously=former)
    return charge


def record(
    core: Core,
    intent: Body,
    method: Body,
    *,
    decline: Decline | None = None,
    off_session: bool = False,
    authenticated: bool = False,
) -> Body:
    """A charge for what the card was asked: failed with a decline, else authorized and not yet captured."""
    charge_id = core.ids.new("ch_3", 23)
    share = intent["transfer_data"]
    hold_until = None
    if intent["capture_method"] == "manual" and decline is None:
        hold_until = core.clock.stamp() + _hold_seconds(core, method, off_session=off_session)
    return core.objects.add(
        {
            "id": charge_id,
            "object": "charge",
            "amount": intent["amount"],
            "amount_captured": 0,
            "amount_refunded": 0,
            "application": None,
            "application_fee": None,
            "application_fee_amount": None,
            "balance_transaction": None,
            "billing_details": method["billing_details"],
            "calculated_statement_descriptor": intent["statement_descriptor"] or "SIMULATOR",
            "captured": False,
            "created": core.clock.stamp(),
            "currency": "usd",
            "customer": intent["customer"],
            "description": intent["description"],
            "disputed": False,
            "failure_balance_transaction": None,
            "failure_code": decline and decline.code,
            "failure_message": decline and decline.message,
            "fraud_details": {},
            "livemode": False,
            "metadata": dict(intent["metadata"]),
            "on_behalf_of": None,
            "outcome": _outcome(decline),
            "paid": decline is None,
            "payment_intent": intent["id"],
            "payment_method": method["id"],
            "payment_method_details": {
                "card": _card_details(intent, method, hold_until, authenticated),
                "type": "card",
            },
            "receipt_email": intent["receipt_email"],
            "receipt_number": None,
            "receipt_url": f"https://pay.stripe.com/receipts/payment/{charge_id}" if decline is None else None,
            "refunded": False,
            "review": None,
            "shipping": intent["shipping"],
            "source_transfer": None,
            "statement_descriptor": intent["statement_descriptor"],
            "statement_descriptor_suffix": intent["statement_descriptor_suffix"],
            "status": "failed" if decline else "succeeded",
            "transfer_data": share and {"amount": share.get("amount"), "destination": share["destination"]},
            "transfer_group": intent["transfer_group"],
        },
        account=intent["_"]["account"],
        hold_until=hold_until,
        share=None,
    )


def _hold_seconds(core: Core, method: Body, *, off_session: bool) -> int:
    if off_session and method["card"]["brand"] == "visa":
        return core.settings.hold_seconds_off_session_visa or core.settings.hold_seconds
    return core.settings.hold_seconds


def _card_details(intent: Body, method: Body, hold_until: int | None, authenticated: bool) -> Body:
    card = method["card"]
    details = {
        "amount_authorized": intent["amount"],
        "authorization_code": None,
        "brand": card["brand"],
        "checks": card["checks"],
        "country": card["country"],
        "exp_month": card["exp_month"],
        "exp_year": card["exp_year"],
        "extended_authorization": {"status": "disabled"},
        "fingerprint": card["fingerprint"],
        "funding": card["funding"],
        "incremental_authorization": {"status": "unavailable"},
        "installments": None,
        "last4": card["last4"],
        "mandate": None,
        "multicapture": {"status": "unavailable"},
        "network": card["brand"],
        "network_token": {"used": False},
        "network_transaction_id": None,
        "overcapture": {"maximum_amount_capturable": intent["amount"], "status": "unavailable"},
        "regulated_status": card["regulated_status"],
        "three_d_secure": _THREE_D_SECURE if authenticated else None,
        "wallet": None,
    }
    if hold_until is not None:
        details["capture_before"] = hold_until
    return details


_THREE_D_SECURE = {
    "authentication_flow": "challenge",
    "electronic_commerce_indicator": "05",
    "exemption_indicator": None,
    "result": "authenticated",
    "result_reason": None,
    "transaction_id": None,
    "version": "2.2.0",
}


def _outcome(decline: Decline | None) -> Body:
    outcome = {
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": "approved_by_network",
        "reason": None,
        "risk_level": "normal",
        "risk_score": 20,
        "seller_message": "Payment complete.",
        "type": "authorized",
    }
    if decline:
        outcome |= {
            "network_status": "declined_by_network",
            "reason": decline.decline_code or decline.code,
            "seller_message": "The bank did not return any further details with this decline.",
            "type": "issuer_declined",
        }
        if decline is AUTHENTICATION_REQUIRED:
            outcome["seller_message"] = "The bank requires authentication for this payment."
    return outcome
