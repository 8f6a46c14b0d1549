"""Payment methods: cards, new or saved for a customer."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from payments.simulator.core import cards
from payments.simulator.core.cards import Card
from payments.simulator.core.errors import StripeError, invalid_request, missing
from payments.simulator.core.events import before, emit
from payments.simulator.core.lookup import change, fetch, fetch_customer, merged
from payments.simulator.core.objects import Body

if TYPE_CHECKING:
    from payments.simulator.core.core import Core

_BLANK_ADDRESS = {
    "city": None,
    "country": None,
    "line1": None,
    "line2": None,
    "postal_code": None,
    "state": None,
}


def create(core: Core, params: dict[str, Any]) -> Body:
    """POST /v1/payment_methods"""
    return from_data(core, params)


def from_data(core: Core, data: dict[str, Any]) -> Body:
    """A payment method from a card's number or token, as in `payment_method_data`, too."""
    if data.get("type") != "card":
        raise invalid_request("This simulator only knows payment methods of type card.", param="type")
    given = data.get("card") or {}
    if "token" in given:
        card = cards.named(given["token"], "tok_")
        if card is None:
            raise invalid_request(f"No such token: '{given['token']}'", code="resource_missing", param="card[token]")
        expiry = None
    else:
        card, expiry = _card_with_number(core, given)
    return _add(
        core, card, expiry=expiry, billing=data.get("billing_details") or {}, metadata=data.get("metadata") or {},
        allow_redisplay=data.get("allow_redisplay", "unspecified"),
    )  # fmt: skip


def update(core: Core, params: dict[str, Any], method_id: str) -> Body:
    """POST /v1/payment_methods/{payment_method}"""
    method = fetch(core, "payment_method", method_id, param="payment_method")
    former = before(method)
    change(method, params, "metadata allow_redisplay")
    method["billing_details"] |= params.get("billing_details", {})
    method["card"] |= params.get("card", {})
    core.objects.save(method)
    emit(core, "payment_method.updated", method, previously=former)
    return method


def attach(core: Core, params: dict[str, Any], method_id: str) -> Body:
    """POST /v1/payment_methods/{payment_method}/attach"""
    if "customer" not in params:
        raise invalid_request("Missing required param: customer.", code="parameter_missing", param="customer")
    customer = fetch_customer(core, params["customer"])
    return save_for(core, method_id, customer, param="payment_method", status=404)


def detach(core: Core, params: dict[str, Any], method_id: str) -> Body:
    """POST /v1/payment_methods/{payment_method}/detach"""
    method = fetch(core, "payment_method", method_id, param="payment_method")
    if method["customer"] is None:
        raise invalid_request(
            "The payment method you provided is not attached to a customer so detachment is impossible."
        )
    part(core, method)
    return method


def retrieve_of_customer(core: Core, params: dict[str, Any], customer_id: str, method_id: str) -> Body:
    """GET /v1/customers/{customer}/payment_methods/{payment_method}"""
    method = fetch(core, "payment_method", method_id, param="payment_method")
    if method["customer"] != customer_id:
        raise missing("PaymentMethod", method_id, param="payment_method")
    return method


def save_for(core: Core, method_id: str, customer: Body, *, param: str, status: int = 400) -> Body:
    """Attach a method to a customer, with the issuer's leave. A shared test id makes a fresh copy."""
    method = resolve(core, method_id, param=param, status=status)
    if method["customer"] not in (None, customer["id"]):
        raise invalid_request("The payment method you provided has already been attached to a customer.")
    refuse_worn_out(method)
    if decline := card_of(method).on_saving:
        raise StripeError(402, "card_error", decline.message, code=decline.code, decline_code=decline.decline_code)
    keep_for(core, method, customer["id"])
    return method


def keep_for(core: Core, method: Body, customer: str) -> None:
    """Attach a method whose issuer agreed; nothing happens if it is attached already."""
    if method["customer"] is None:
        method["customer"] = customer
        core.objects.save(method)
        emit(core, "payment_method.attached", method)


def part(core: Core, method: Body) -> None:
    """Detach a method. It can never be used again."""
    former = before(method)
    customer = core.objects.must_get(method["customer"])
    if customer["invoice_settings"]["default_payment_method"] == method["id"]:
        customer["invoice_settings"]["default_payment_method"] = None
        core.objects.save(customer)
    method["customer"] = None
    method["_"]["worn_out"] = True
    core.objects.save(method)
    emit(core, "payment_method.detached", method, previously=former)


def resolve(core: Core, method_id: str, *, param: str, status: int = 400) -> Body:
    """The method of that id, or a fresh one if the id is shared by everybody, as `pm_card_visa` is."""
    if card := cards.named(method_id, "pm_card_"):
        return _add(core, card)
    return fetch(core, "payment_method", method_id, param=param, status=status)


def usable(core: Core, method_id: str, *, customer: str | None, param: str) -> Body:
    """A method that may pay for that customer, or for nobody in particular.

    Raises StripeError when it belongs to someone else, or was detached.
    """
    method = resolve(core, method_id, param=param)
    refuse_worn_out(method)
    if method["customer"] is None or method["customer"] == customer:
        return method
    if customer is None:
        message = (
            f"The provided PaymentMethod belongs to the Customer {method['customer']}."
            " Please include the Customer in the `customer` parameter."
        )
    else:
        message = f"The provided PaymentMethod cannot be used with {customer}: it belongs to another Customer."
    raise invalid_request(message, param=param)


def refuse_worn_out(method: Body) -> None:
    """Detached methods are never used again."""
    if method["_"].get("worn_out"):
        raise invalid_request(
            "This PaymentMethod was previously used without being attached to a Customer or was detached from a"
            " Customer, and may not be used again.",
        )


def card_of(method: Body) -> Card:
    """The test card behind a method."""
    card = cards.numbered(method["_"]["number"])
    if card is None:
        raise LookupError(method["id"])
    return card


def list_for_customer(core: Core, params: dict[str, Any], customer: str) -> dict[str, str]:
    """What filters the list of one customer's methods. Raises if there is no such customer."""
    fetch_customer(core, customer, param="id", status=404)
    return {"customer": customer} | ({"type": params["type"]} if "type" in params else {})


def _card_with_number(core: Core, given: dict[str, Any]) -> tuple[Card, tuple[int, int]]:
    card = cards.numbered(given.get("number", ""))
    if card is None:
        raise StripeError(
            402,
            "card_error",
            "Your card number is incorrect." if given.get("number") else "Could not find payment information.",
            code="incorrect_number",
            param="number",
        )
    year = given["exp_year"] + (2000 if given["exp_year"] < 100 else 0)
    today = datetime.fromtimestamp(core.clock.now(), UTC)
    if not 1 <= given["exp_month"] <= 12:
        raise StripeError(
            402,
            "card_error",
            "Your card's expiration month is invalid.",
            code="invalid_expiry_month",
            param="exp_month",
        )
    if (year, given["exp_month"]) < (today.year, today.month):
        raise StripeError(
            402, "card_error", "Your card's expiration year is invalid.", code="invalid_expiry_year", param="exp_year"
        )
    return card, (given["exp_month"], year)


def _add(
    core: Core,
    card: Card,
    *,
    expiry: tuple[int, int] | None = None,
    billing: Body | None = None,
    metadata: dict[str, str] | None = None,
    allow_redisplay: str = "unspecified",
) -> Body:
    month, year = expiry or (12, datetime.fromtimestamp(core.clock.now(), UTC).year + 4)
    billing = billing or {}
    return core.objects.add(
        {
            "id": core.ids.new("pm_1", 23),
            "object": "payment_method",
            "allow_redisplay": allow_redisplay,
            "billing_details": {
                "address": _BLANK_ADDRESS | (billing.get("address") or {}),
                "email": billing.get("email") or None,
                "name": billing.get("name") or None,
                "phone": billing.get("phone") or None,
                "tax_id": None,
            },
            "card": {
                "brand": card.brand,
                "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
                "country": "US",
                "display_brand": card.brand,
                "exp_month": month,
                "exp_year": year,
                "fingerprint": hashlib.sha256(card.number.encode()).hexdigest()[:16],
                "funding": card.funding,
                "generated_from": None,
                "last4": card.last4,
                "networks": {"available": [card.brand], "preferred": None},
                "regulated_status": "unregulated",
                "three_d_secure_usage": {"supported": True},
                "wallet": None,
            },
            "created": core.clock.stamp(),
            "customer": None,
            "customer_account": None,
            "livemode": False,
            "metadata": merged({}, metadata or {}),
            "type": "card",
        },
        account=core.request.account,
        number=card.number,
        set_up=False,
    )
