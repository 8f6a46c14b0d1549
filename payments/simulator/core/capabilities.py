"""Capabilities: what a connected account may do, and what follows from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from payments.simulator.core.errors import missing
from payments.simulator.core.events import before, emit
from payments.simulator.core.lookup import empty_list, fetch_account
from payments.simulator.core.objects import Body

if TYPE_CHECKING:
    from payments.simulator.core.core import Core


def list_capabilities(core: Core, params: dict[str, Any], account_id: str) -> Body:
    """GET /v1/accounts/{account}/capabilities"""
    account = fetch_account(core, account_id)
    data = [_capability(account, name) for name in account["capabilities"]]
    return empty_list(f"/v1/accounts/{account_id}/capabilities") | {"data": data}


def retrieve_capability(core: Core, params: dict[str, Any], account_id: str, name: str) -> Body:
    """GET /v1/accounts/{account}/capabilities/{capability}"""
    account = fetch_account(core, account_id)
    if name not in account["capabilities"]:
        raise missing("capability", name, param="capability")
    return _capability(account, name)


def update_capability(core: Core, params: dict[str, Any], account_id: str, name: str) -> Body:
    """POST /v1/accounts/{account}/capabilities/{capability}"""
    account = fetch_account(core, account_id)
    former = before(account)
    request(account, name, params.get("requested", True))
    core.objects.save(account)
    tell(core, account, former)
    return _capability(account, name)


def set_capability(core: Core, account: Body, name: str, status: str) -> None:
    """Stripe grants a capability, takes it away (`inactive`) or looks into it (`pending`)."""
    former = before(account)
    if name not in account["_"]["requested"]:
        account["_"]["requested"].append(name)
    account["capabilities"][name] = status
    conclude(core, account, former)


def request(account: Body, name: str, wanted: bool) -> None:
    """The platform asks for a capability, or no longer does."""
    requested = account["_"]["requested"]
    if wanted and name not in requested:
        requested.append(name)
        account["capabilities"][name] = "active" if account["details_submitted"] else "inactive"
    elif not wanted and name in requested:
        requested.remove(name)
        account["capabilities"].pop(name)


def conclude(core: Core, account: Body, former: Body) -> None:
    """Derive what follows from the capabilities, and tell."""
    account["payouts_enabled"] = account["details_submitted"]
    account["charges_enabled"] = (
        account["details_submitted"] and account["capabilities"].get("card_payments") == "active"
    )
    core.objects.save(account)
    tell(core, account, former)


def tell(core: Core, account: Body, former: Body) -> None:
    """Events about a connected account are events of that account, though the platform owns it."""
    owner = {"_": {"account": account["id"]}}
    emit(core, "account.updated", account | owner, previously=former)
    for name, status in account["capabilities"].items():
        if former["capabilities"].get(name) != status:
            emit(core, "capability.updated", _capability(account, name) | owner)


def requirements(due: tuple[str, ...]) -> Body:
    """What Stripe still wants to know of an account."""
    return {
        "alternatives": [],
        "current_deadline": None,
        "currently_due": list(due),
        "disabled_reason": "requirements.past_due" if due else None,
        "errors": [],
        "eventually_due": list(due),
        "past_due": list(due),
        "pending_verification": [],
    }


def _capability(account: Body, name: str) -> Body:
    return {
        "id": name,
        "object": "capability",
        "account": account["id"],
        "future_requirements": requirements(()),
        "requested": name in account["_"]["requested"],
        "requested_at": account["created"],
        "requirements": account["requirements"],
        "status": account["capabilities"][name],
    }
