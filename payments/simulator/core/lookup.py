"""Finding the object that a request names, and changing what a request may change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from payments.simulator.core.errors import StripeError, invalid_request, missing
from payments.simulator.core.objects import Body

if TYPE_CHECKING:
    from payments.simulator.core.core import Core

_LABELS = {"payment_method": "PaymentMethod", "setup_intent": "setupintent", "transfer_reversal": "transfer reversal"}


def fetch(core: Core, kind: str, object_id: str, *, param: str, status: int = 404) -> Body:
    """The object of that kind and id in the account that the request speaks for.

    `status` is 404 when the path names it, 400 when a parameter does. Raises StripeError, `resource_missing`.
    """
    body = core.objects.get(object_id)
    if body is None or body["object"] != kind or body["_"]["account"] != core.request.account:
        raise missing(_LABELS.get(kind, kind), object_id, param=param, status=status)
    return body


def fetch_customer(core: Core, object_id: str, *, param: str = "customer", status: int = 400) -> Body:
    """A customer who was not deleted."""
    customer = fetch(core, "customer", object_id, param=param, status=status)
    if customer["_"].get("deleted"):
        raise missing("customer", object_id, param=param, status=status)
    return customer


def find_account(core: Core, object_id: str) -> Body | None:
    """A connected account that was not deleted."""
    account = core.objects.get(object_id)
    if account is None or account["object"] != "account" or account["_"].get("deleted"):
        return None
    return account


def fetch_account(core: Core, object_id: str) -> Body:
    """The account that a path or header names. Stripe does not tell whether it is missing or someone else's."""
    account = find_account(core, object_id)
    if account is None:
        raise StripeError(
            403,
            "invalid_request_error",
            f"The provided key 'sk_test_***' does not have access to account '{object_id}' (or that account does not"
            " exist). Application access may have been revoked.",
            code="account_invalid",
            stored=False,
        )
    return account


def only_usd(params: dict[str, Any]) -> None:
    """Refuse other currencies: this marketplace has one."""
    if params.get("currency", "usd").lower() != "usd":
        raise invalid_request("This simulator only moves usd.", param="currency")


def positive(amount: int, param: str = "amount") -> int:
    """An amount that is at least one cent."""
    if amount < 1:
        raise invalid_request(
            "This value must be greater than or equal to 1.", code="parameter_invalid_integer", param=param
        )
    return amount


def change(body: Body, params: dict[str, Any], names: str) -> None:
    """Copy those of the named parameters that were given; an empty string unsets. Metadata is merged key by key."""
    for name in names.split():
        if name not in params:
            continue
        if name == "metadata":
            body["metadata"] = merged(body.get("metadata") or {}, params["metadata"])
        else:
            body[name] = None if params[name] == "" else params[name]


def merged(old: dict[str, str], changes: dict[str, str] | str) -> dict[str, str]:
    """Metadata after an update: an empty value removes its key, an empty string instead of a map removes all."""
    if isinstance(changes, str):
        return {}
    together = {name: value for name, value in (old | changes).items() if value != ""}
    if len(together) > 50:
        raise invalid_request("Metadata can have up to 50 keys.", param="metadata")
    for name, value in together.items():
        if len(name) > 40 or len(value) > 500:
            raise invalid_request(
                "Metadata keys can be up to 40 characters long and values up to 500.", param=f"metadata[{name}]"
            )
    return together


def empty_list(url: str) -> Body:
    """A list with nothing in it yet."""
    return {"object": "list", "data": [], "has_more": False, "url": url}
