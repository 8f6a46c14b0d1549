"""Payment intents: making, changing and confirming them.

What confirming does to the card is in `authorization`, taking the money in `captures`, letting go in `cancellations`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from payments.simulator.core import authentication, authorization, payment_methods, transfers
from payments.simulator.core.errors import dollars, invalid_request, unexpected_state
from payments.simulator.core.events import emit
from payments.simulator.core.lookup import change, fetch, fetch_customer, merged, only_usd
from payments.simulator.core.objects import Body

if TYPE_CHECKING:
    from payments.simulator.core.core import Core

CONFIRMABLE = ("requires_payment_method", "requires_confirmation", "requires_action")
LEAST_CENTS = 50  # Stripe refuses smaller charges in usd
_CONFIRM_ONLY = ("off_session", "return_url", "error_on_requires_action")


def create(core: Core, params: dict[str, Any]) -> Body:
    """POST /v1/payment_intents"""
    if core.request.account != core.platform:
        raise invalid_request("This simulator makes no direct charges on connected accounts.")
    _check_amount(params["amount"])
    only_usd(params)
    if not params.get("confirm"):
        for name in _CONFIRM_ONLY:
            if name in params:
                raise invalid_request(f"You cannot provide `{name}` unless `confirm` is true.", param=name)
    if "customer" in params:
        fetch_customer(core, params["customer"])
    share = params.get("transfer_data")
    if share:
        transfers.require_payable(core, share["destination"], param="transfer_data[destination]")
        _check_share(share, params["amount"])
    intent_id = core.ids.new("pi_3", 23)
    three_d_secure = params.get("payment_method_options", {}).get("card", {}).get("request_three_d_secure")
    intent = core.objects.add(
        {
            "id": intent_id,
            "object": "payment_intent",
            "amount": params["amount"],
            "amount_capturable": 0,
            "amount_details": {"tip": {}},
            "amount_received": 0,
            "application": None,
            "application_fee_amount": None,
            "automatic_payment_methods": authentication.automatic_methods(params),
            "canceled_at": None,
            "cancellation_reason": None,
            "capture_method": params.get("capture_method", "automatic_async"),
            "client_secret": f"{intent_id}_secret_{core.ids.letters(25)}",
            "confirmation_method": params.get("confirmation_method", "automatic"),
            "created": core.clock.stamp(),
            "currency": "usd",
            "customer": params.get("customer"),
            "customer_account": None,
            "description": params.get("description"),
            "excluded_payment_method_types": None,
            "last_payment_error": None,
            "latest_charge": None,
            "livemode": False,
            "metadata": merged({}, params.get("metadata", {})),
            "next_action": None,
            "on_behalf_of": None,
            "payment_method": None,
            "payment_method_configuration_details": None,
            "payment_method_options": {
                "card": {
                    "installments": None,
                    "mandate_options": None,
                    "network": None,
                    "request_three_d_secure": three_d_secure or "automatic",
                }
            },
            "payment_method_types": params.get("payment_method_types", ["card"]),
            "processing": None,
            "receipt_email": params.get("receipt_email"),
            "review": None,
            "setup_future_usage": params.get("setup_future_usage"),
            "shipping": params.get("shipping"),
            "statement_descriptor": params.get("statement_descriptor"),
            "statement_descriptor_suffix": params.get("statement_descriptor_suffix"),
            "status": "requires_payment_method",
            "transfer_data": share,
            "transfer_group": params.get("transfer_group") or (f"group_{intent_id}" if share else None),
        },
        account=core.request.account,
    )
    emit(core, "payment_intent.created", intent)
    _choose_method(core, intent, params)
    if params.get("confirm"):
        _confirm(core, intent, params)
    return intent


def update(core: Core, params: dict[str, Any], intent_id: str) -> Body:
    """POST /v1/payment_intents/{intent}"""
    intent = fetch(core, "payment_intent", intent_id, param="intent")
    terms = {"amount", "payment_method", "customer", "transfer_data"} & params.keys()
    if terms and intent["status"] not in CONFIRMABLE:
        name = min(terms)
        raise unexpected_state(
            f"This PaymentIntent's {name} could not be updated because it has a status of {intent['status']}. You may"
            f" only update the {name} of a PaymentIntent with one of the following statuses: {', '.join(CONFIRMABLE)}.",
            intent,
        )
    if "amount" in params:
        _check_amount(params["amount"])
        intent["amount"] = params["amount"]
    if "transfer_data" in params:
        if intent["transfer_data"] is None:
            raise invalid_request(
                "transfer_data cannot be added to a PaymentIntent without one.", param="transfer_data"
            )
        _check_share(params["transfer_data"], intent["amount"])
        intent["transfer_data"] |= params["transfer_data"]
    if "customer" in params:
        fetch_customer(core, params["customer"])
    change(intent, params, "customer description metadata receipt_email setup_future_usage transfer_group")
    core.objects.save(intent)
    _choose_method(core, intent, params)
    return intent


def confirm(core: Core, params: dict[str, Any], intent_id: str) -> Body:
    """POST /v1/payment_intents/{intent}/confirm"""
    intent = fetch(core, "payment_intent", intent_id, param="intent")
    if intent["status"] == "succeeded":
        raise unexpected_state(
            "You cannot confirm this PaymentIntent because it has already succeeded after being previously confirmed.",
            intent,
        )
    if intent["status"] not in CONFIRMABLE:
        raise unexpected_state(
            f"You cannot confirm this PaymentIntent because it has a status of {intent['status']}. Only a PaymentIntent"
            f" with one of the following statuses may be confirmed: {', '.join(CONFIRMABLE)}.",
            intent,
        )
    change(intent, params, "capture_method receipt_email setup_future_usage")
    _choose_method(core, intent, params)
    _confirm(core, intent, params)
    return intent


def _confirm(core: Core, intent: Body, params: dict[str, Any]) -> None:
    if intent["payment_method"] is None:
        raise unexpected_state(
            "You cannot confirm this PaymentIntent because it's missing a payment method. You can either update the"
            " PaymentIntent with a payment method and then confirm it again, or confirm it again directly with a"
            " payment method or ConfirmationToken.",
            intent,
        )
    off_session = bool(params.get("off_session"))
    if not off_session:
        authentication.require_return_url(intent, params.get("return_url"))
    authorization.authorize(
        core,
        intent,
        off_session=off_session,
        return_url=params.get("return_url"),
        error_on_requires_action=params.get("error_on_requires_action", False),
    )


def _choose_method(core: Core, intent: Body, params: dict[str, Any]) -> None:
    if "payment_method_data" in params:
        method = payment_methods.from_data(core, params["payment_method_data"])
    elif "payment_method" in params:
        method = payment_methods.usable(
            core, params["payment_method"], customer=intent["customer"], param="payment_method"
        )
    else:
        return
    intent["payment_method"] = method["id"]
    intent["status"] = "requires_confirmation"
    core.objects.save(intent)


def _check_amount(amount: int) -> None:
    if amount < LEAST_CENTS:
        raise invalid_request(
            f"Amount must be at least {dollars(LEAST_CENTS)} usd", code="amount_too_small", param="amount"
        )


def _check_share(share: dict[str, Any], amount: int) -> None:
    if "amount" in share and not 1 <= share["amount"] <= amount:
        raise invalid_request(
            f"The transfer amount must be between 1 cent and the charge amount of {dollars(amount)}.",
            param="transfer_data[amount]",
        )
