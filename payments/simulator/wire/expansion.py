"""`expand[]`: ids in an answer replaced by the objects that they name."""

from __future__ import annotations

from typing import Any

from payments.simulator.core import Core
from payments.simulator.core.errors import invalid_request
from payments.simulator.core.lookup import empty_list
from payments.simulator.core.objects import Body, public

_DEEPEST = 4

# Lists that an object has only when asked for.
_HIDDEN_LISTS = {
    "charge": ("refunds",),
    "customer": ("sources", "subscriptions", "tax_ids"),
}


def expand(core: Core, answer: Body, paths: list[str]) -> Body:
    """The answer with these paths expanded. Raises StripeError for a path that leads nowhere."""
    answer = public(answer)
    for path in paths:
        parts = path.split(".")
        if len(parts) > _DEEPEST:
            raise invalid_request("You cannot expand more than 4 levels of a property.", param="expand")
        _expand(core, answer, parts, path)
    return answer


def _expand(core: Core, body: Body, parts: list[str], path: str) -> None:
    name, rest = parts[0], parts[1:]
    if body.get("object") == "list" and name == "data":
        if not rest:
            return
        for member in body["data"]:
            _expand(core, member, rest, path)
        return
    if name in _HIDDEN_LISTS.get(body.get("object", ""), ()) and name not in body:
        body[name] = _hidden_list(core, body, name)
    if name not in body:
        if _optional(body, name):
            return
        raise invalid_request(f"This property cannot be expanded ({path}).", param="expand")
    value: Any = body[name]
    if isinstance(value, str):
        found = core.objects.get(value) or _bank_account(core, value)
        if found is None:
            raise invalid_request(f"This property cannot be expanded ({path}).", param="expand")
        value = body[name] = public(found)
    elif isinstance(value, dict):
        value = body[name] = dict(value)
    if rest and isinstance(value, dict):
        _expand(core, value, rest, path)


def _bank_account(core: Core, bank_id: str) -> Body | None:
    """Where the account that the request speaks for is paid out to."""
    banks = core.objects.must_get(core.request.account).get("external_accounts", {}).get("data", [])
    return next((bank for bank in banks if bank["id"] == bank_id), None)


def _hidden_list(core: Core, body: Body, name: str) -> Body:
    plural = f"/v1/{body['object']}s/{body['id']}/{name}"
    if name != "refunds":
        return empty_list(plural)
    return empty_list(plural) | {"data": [public(refund) for refund in core.objects.find("refund", charge=body["id"])]}


def _optional(body: Body, name: str) -> bool:
    """Fields that Stripe leaves out while they are empty, and that may be expanded all the same."""
    return (body.get("object"), name) in {("charge", "transfer"), ("refund", "failure_balance_transaction")}
