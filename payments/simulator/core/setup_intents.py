"""Setup intents: a card is saved for later payments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from payments.simulator.core import authentication, payment_methods
from payments.simulator.core.errors import StripeError, error_object, invalid_request, unexpected_state
from payments.simulator.core.events import emit
from payments.simulator.core.lookup import change, fetch, fetch_customer, merged
from payments.simulator.core.objects import Body

if TYPE_CHECKING:
    from payments.simulator.core.core import Core

_CONFIRMABLE = ("requires_payment_method", "requires_confirmation", "requires_action")


def create(core: Core, params: dict[str, Any]) -> Body:
    """POST /v1/setup_intents"""
    if "customer" in params:
        fetch_customer(core, params["customer"])
    intent_id = core.ids.new("seti_1", 23)
    intent = core.objects.add(
        {
            "id": intent_id,
            "object": "setup_intent",
            "application": None,
            "automatic_payment_methods": authentication.automatic_methods(params),
            "cancellation_reason": None,
            "client_secret": f"{intent_id}_secret_{core.ids.letters(31)}",
            "created": core.clock.stamp(),
            "customer": params.get("customer"),
            "customer_account": None,
            "description": params.get("description"),
            "excluded_payment_method_types": None,
            "flow_directions": None,
            "last_setup_error": None,
            "latest_attempt": None,
            "livemode": False,
            "mandate": None,
            "metadata": merged({}, params.get("metadata", {})),
            "next_action": None,
            "on_behalf_of": None,
            "payment_method": None,
            "payment_method_configuration_details": None,
            "payment_method_options": {
                "card": {"mandate_options": None, "network": None, "request_three_d_secure": "automatic"}
            },
            "payment_method_types": params.get("payment_method_types", ["card"]),
            "single_use_mandate": None,
            "status": "requires_payment_method",
            "usage": params.get("usage", "off_session"),
        },
        account=core.request.account,
    )
    emit(core, "setup_intent.created", intent)
    _choose_method(core, intent, params)
    if params.get("confirm"):
        _attempt(core, intent, params.get("return_url"))
    elif "return_url" in params:
        raise invalid_request("You may only specify `return_url` when `confirm` is true.", param="return_url")
    return intent


def update(core: Core, params: dict[str, Any], intent_id: str) -> Body:
    """POST /v1/setup_intents/{intent}"""
    intent = fetch(core, "setup_intent", intent_id, param="intent")
    if "customer" in params:
        fetch_customer(core, params["customer"])
    change(intent, params, "customer description metadata")
    core.objects.save(intent)
    _choose_method(core, intent, params)
    return intent


def confirm(core: Core, params: dict[str, Any], intent_id: str) -> Body:
    """POST /v1/setup_intents/{intent}/confirm"""
    intent = fetch(core, "setup_intent", intent_id, param="intent")
    if intent["status"] not in _CONFIRMABLE:
        raise unexpected_state(
            f"You cannot confirm this SetupIntent because it has a status of {intent['status']}.", intent
        )
    _choose_method(core, intent, params)
    _attempt(core, intent, params.get("return_url"))
    return intent


def cancel(core: Core, params: dict[str, Any], intent_id: str) -> Body:
    """POST /v1/setup_intents/{intent}/cancel"""
    intent = fetch(core, "setup_intent", intent_id, param="intent")
    if intent["status"] not in _CONFIRMABLE:
        raise unexpected_state(
            f"You cannot cancel this SetupIntent because it has a status of {intent['status']}. Only a SetupIntent with"
            f" one of the following statuses may be canceled: {', '.join(_CONFIRMABLE)}.",
            intent,
        )
    intent["status"] = "canceled"
    intent["cancellation_reason"] = params.get("cancellation_reason")
    intent["next_action"] = None
    core.objects.save(intent)
    emit(core, "setup_intent.canceled", intent)
    return intent


def authenticate(core: Core, intent: Body, *, succeeds: bool) -> Body:
    """The cardholder confirms with 3-D Secure, or fails to."""
    authentication.require_waiting(intent)
    method = core.objects.must_get(intent["payment_method"])
    if succeeds:
        _succeed(core, intent, method)
    else:
        _fail(core, intent, method, authentication.failure(intent, method))
    return intent


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


def _attempt(core: Core, intent: Body, return_url: str | None) -> None:
    if intent["payment_method"] is None:
        raise unexpected_state(
            "You cannot confirm this SetupIntent because it's missing a payment method. To confirm the SetupIntent,"
            " specify a payment method attached to this customer.",
            intent,
        )
    authentication.require_return_url(intent, return_url)
    method = core.objects.must_get(intent["payment_method"])
    if decline := payment_methods.card_of(method).on_saving:
        error = error_object(
            "card_error",
            decline.message,
            code=decline.code,
            decline_code=decline.decline_code,
            payment_method=method,
        )
        _fail(core, intent, method, error)
        raise StripeError(
            402,
            "card_error",
            decline.message,
            code=decline.code,
            decline_code=decline.decline_code,
            payment_method=method,
            setup_intent=intent,
            keeps_effects=True,
        )
    if authentication.saving_wants_it(method):
        authentication.ask(core, intent, method, return_url)
        emit(core, "setup_intent.requires_action", intent)
    else:
        _succeed(core, intent, method)


def _succeed(core: Core, intent: Body, method: Body) -> None:
    method["_"]["set_up"] = True
    core.objects.save(method)
    if intent["customer"]:
        payment_methods.keep_for(core, method, intent["customer"])
    intent["status"] = "succeeded"
    intent["next_action"] = None
    intent["last_setup_error"] = None
    intent["latest_attempt"] = _record_attempt(core, intent, method, None)
    core.objects.save(intent)
    emit(core, "setup_intent.succeeded", intent)


def _fail(core: Core, intent: Body, method: Body, error: Body) -> None:
    intent["status"] = "requires_payment_method"
    intent["next_action"] = None
    intent["payment_method"] = None
    intent["last_setup_error"] = error
    intent["latest_attempt"] = _record_attempt(core, intent, method, error)
    core.objects.save(intent)
    emit(core, "setup_intent.setup_failed", intent)


def _record_attempt(core: Core, intent: Body, method: Body, error: Body | None) -> str:
    card = method["card"]
    attempt = core.objects.add(
        {
            "id": core.ids.new("setatt_1", 23),
            "object": "setup_attempt",
            "application": None,
            "created": core.clock.stamp(),
            "customer": intent["customer"],
            "customer_account": None,
            "flow_directions": None,
            "livemode": False,
            "on_behalf_of": None,
            "payment_method": method["id"],
            "payment_method_details": {
                "card": {
                    "brand": card["brand"],
                    "checks": card["checks"],
                    "country": card["country"],
                    "exp_month": card["exp_month"],
                    "exp_year": card["exp_year"],
                    "fingerprint": card["fingerprint"],
                    "funding": card["funding"],
                    "last4": card["last4"],
                    "network": card["brand"],
                    "three_d_secure": None,
                    "wallet": None,
                },
                "type": "card",
            },
            "setup_error": error,
            "setup_intent": intent["id"],
            "status": "failed" if error else "succeeded",
            "usage": intent["usage"],
        },
        account=intent["_"]["account"],
    )
    return attempt["id"]
