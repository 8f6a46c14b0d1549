"""Customers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from payments.simulator.core import payment_methods
from payments.simulator.core.events import before, emit
from payments.simulator.core.lookup import change, fetch_customer, merged
from payments.simulator.core.objects import Body

if TYPE_CHECKING:
    from payments.simulator.core.core import Core

_CHANGEABLE = "address description email metadata name phone preferred_locales shipping tax_exempt"


def create(core: Core, params: dict[str, Any]) -> Body:
    """POST /v1/customers"""
    customer = core.objects.add(
        {
            "id": core.ids.new("cus_", 14),
            "object": "customer",
            "address": None,
            "balance": 0,
            "created": core.clock.stamp(),
            "currency": None,
            "customer_account": None,
            "default_source": None,
            "delinquent": False,
            "description": None,
            "discount": None,
            "email": None,
            "invoice_prefix": core.ids.letters(8).upper(),
            "invoice_settings": {
                "custom_fields": None,
                "default_payment_method": None,
                "footer": None,
                "rendering_options": None,
            },
            "livemode": False,
            "metadata": merged({}, params.pop("metadata", {})),
            "name": None,
            "next_invoice_sequence": 1,
            "phone": None,
            "preferred_locales": [],
            "shipping": None,
            "tax_exempt": "none",
            "test_clock": None,
        },
        account=core.request.account,
    )
    if "payment_method" in params:
        payment_methods.save_for(core, params["payment_method"], customer, param="payment_method")
    _apply(core, customer, params)
    emit(core, "customer.created", customer)
    return customer


def retrieve(core: Core, params: dict[str, Any], customer_id: str) -> Body:
    """GET /v1/customers/{customer}; of a deleted one, that it was deleted."""
    customer = core.objects.get(customer_id)
    if customer and customer["object"] == "customer" and customer["_"].get("deleted"):
        return _tombstone(customer)
    return fetch_customer(core, customer_id, param="id", status=404)


def update(core: Core, params: dict[str, Any], customer_id: str) -> Body:
    """POST /v1/customers/{customer}"""
    customer = fetch_customer(core, customer_id, param="id", status=404)
    former = before(customer)
    _apply(core, customer, params)
    emit(core, "customer.updated", customer, previously=former)
    return customer


def delete(core: Core, params: dict[str, Any], customer_id: str) -> Body:
    """DELETE /v1/customers/{customer}: the saved cards go with the customer."""
    customer = fetch_customer(core, customer_id, param="id", status=404)
    for method in list(core.objects.find("payment_method", customer=customer_id)):
        payment_methods.part(core, method)
    customer["_"]["deleted"] = True
    core.objects.save(customer)
    emit(core, "customer.deleted", customer)
    return _tombstone(customer)


def _apply(core: Core, customer: Body, params: dict[str, Any]) -> None:
    change(customer, params, _CHANGEABLE)
    default = params.get("invoice_settings", {}).get("default_payment_method")
    if default:
        param = "invoice_settings[default_payment_method]"
        method = payment_methods.usable(core, default, customer=customer["id"], param=param)
        customer["invoice_settings"]["default_payment_method"] = method["id"]
    core.objects.save(customer)


def _tombstone(customer: Body) -> Body:
    return {"id": customer["id"], "object": "customer", "deleted": True}
