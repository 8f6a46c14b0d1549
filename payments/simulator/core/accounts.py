"""The platform's own account, connected accounts, their capabilities and their onboarding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from payments.simulator.core import ledger
from payments.simulator.core.errors import invalid_request, missing
from payments.simulator.core.events import before, emit
from payments.simulator.core.lookup import change, empty_list, fetch_account, merged
from payments.simulator.core.objects import Body

if TYPE_CHECKING:
    from payments.simulator.core.core import Core

_LINK_LIFETIME = 300  # seconds, as at Stripe
_TO_ONBOARD = (
    "business_profile.url",
    "external_account",
    "individual.dob.day",
    "individual.first_name",
    "individual.last_name",
    "individual.ssn_last_4",
    "tos_acceptance.date",
)


def found_platform(core: Core) -> None:
    """Give a new simulator the platform's own account."""
    account_id = core.ids.new("acct_1", 15)
    core.database.set_fact("platform", account_id)
    account = _body(core, account_id, kind="standard", controller={"type": "account"})
    account |= {"charges_enabled": True, "details_submitted": True, "payouts_enabled": True}
    account["capabilities"] = {"card_payments": "active", "transfers": "active"}
    account["settings"]["dashboard"]["display_name"] = "Simulated platform"
    del account["external_accounts"]
    core.objects.add(account, account=account_id, requested=[])


def create(core: Core, params: dict[str, Any]) -> Body:
    """POST /v1/accounts: connected accounts that Stripe onboards, made with `type` or `controller`."""
    dashboard = params.get("controller", {}).get("stripe_dashboard", {}).get("type", "full")
    kind = params.get("type", {"express": "express", "full": "standard", "none": "custom"}[dashboard])
    account_id = core.ids.new("acct_1", 15)
    requested = [name for name, wish in params.get("capabilities", {}).items() if wish.get("requested")] or [
        "transfers"
    ]
    account = _body(core, account_id, kind=kind, controller=_controller(kind))
    account |= {
        "business_type": params.get("business_type"),
        "capabilities": dict.fromkeys(requested, "inactive"),
        "country": params.get("country", "US"),
        "email": params.get("email"),
        "metadata": merged({}, params.get("metadata", {})),
    }
    account["business_profile"] |= params.get("business_profile", {})
    account["requirements"] = _requirements(_TO_ONBOARD)
    core.objects.add(account, account=core.platform, requested=requested)
    _tell(core, account)
    return account


def retrieve_own(core: Core, params: dict[str, Any]) -> Body:
    """GET /v1/account: the account that the request speaks for."""
    return core.objects.must_get(core.request.account)


def retrieve(core: Core, params: dict[str, Any], account_id: str) -> Body:
    """GET /v1/accounts/{account}"""
    return fetch_account(core, account_id)


def update(core: Core, params: dict[str, Any], account_id: str) -> Body:
    """POST /v1/accounts/{account}"""
    account = fetch_account(core, account_id)
    former = before(account)
    change(account, params, "business_type email metadata")
    account["business_profile"] |= params.get("business_profile", {})
    for name, wish in params.get("capabilities", {}).items():
        _request(account, name, wish.get("requested", False))
    core.objects.save(account)
    _tell(core, account, former)
    return account


def delete(core: Core, params: dict[str, Any], account_id: str) -> Body:
    """DELETE /v1/accounts/{account}: only with nothing on its balance."""
    account = fetch_account(core, account_id)
    if any(ledger.balance_of(core, account_id)):
        raise invalid_request("You cannot delete an account with a balance that isn't zero.")
    account["_"]["deleted"] = True
    core.objects.save(account)
    return {"id": account_id, "object": "account", "deleted": True}


def create_link(core: Core, params: dict[str, Any]) -> Body:
    """POST /v1/account_links: the way to the onboarding page, which the simulator serves itself."""
    account = fetch_account(core, params["account"])
    for name in ("refresh_url", "return_url"):
        if name not in params:
            raise invalid_request(f"Missing required param: {name}.", code="parameter_missing", param=name)
    token = core.ids.letters(12)
    account["_"]["links"] = {token: params["return_url"]}  # a newer link replaces the older
    core.objects.save(account)
    return {
        "object": "account_link",
        "created": core.clock.stamp(),
        "expires_at": core.clock.stamp() + _LINK_LIFETIME,
        "url": f"{core.request.base_url}/_pages/onboarding/{account['id']}/{token}",
    }


def create_login_link(core: Core, params: dict[str, Any], account_id: str) -> Body:
    """POST /v1/accounts/{account}/login_links"""
    account = fetch_account(core, account_id)
    if account["type"] != "express":
        raise invalid_request("Login links can only be made for accounts with the Express dashboard.")
    if not account["details_submitted"]:
        raise invalid_request("Cannot create a login link for an account that has not completed onboarding.")
    return {
        "object": "login_link",
        "created": core.clock.stamp(),
        "url": f"{core.request.base_url}/_pages/express/{account_id}",
    }


def list_external(core: Core, params: dict[str, Any], account_id: str) -> Body:
    """GET /v1/accounts/{account}/external_accounts"""
    return fetch_account(core, account_id)["external_accounts"]


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
    _request(account, name, params.get("requested", True))
    core.objects.save(account)
    _tell(core, account, former)
    return _capability(account, name)


def onboard(core: Core, account: Body, *, done: bool = True) -> None:
    """The account's owner completes Stripe's onboarding (or, with `done` false, it is undone): all that was requested
    becomes active, and there is a bank account to pay out to."""
    former = before(account)
    status = "active" if done else "inactive"
    account["details_submitted"] = done
    account["capabilities"] = dict.fromkeys(account["_"]["requested"], status)
    account["requirements"] = _requirements(() if done else _TO_ONBOARD)
    account["external_accounts"]["data"] = [_bank_account(core, account)] if done else []
    if done:
        account["tos_acceptance"] = {"date": core.clock.stamp()}
    _conclude(core, account, former)


def set_capability(core: Core, account: Body, name: str, status: str) -> None:
    """Stripe grants a capability, takes it away (`inactive`) or looks into it (`pending`)."""
    former = before(account)
    if name not in account["_"]["requested"]:
        account["_"]["requested"].append(name)
    account["capabilities"][name] = status
    _conclude(core, account, former)


def _conclude(core: Core, account: Body, former: Body) -> None:
    """Derive what follows from the capabilities, and tell."""
    account["payouts_enabled"] = account["details_submitted"]
    account["charges_enabled"] = (
        account["details_submitted"] and account["capabilities"].get("card_payments") == "active"
    )
    core.objects.save(account)
    _tell(core, account, former)


def _tell(core: Core, account: Body, former: Body | None = None) -> None:
    """Events about an account are events of that account, though the platform owns it."""
    subject = account | {"_": {"account": account["id"]}}
    if former is not None:
        emit(core, "account.updated", subject, previously=former)
        changed = {n for n, s in account["capabilities"].items() if former["capabilities"].get(n) != s}
    else:
        changed = set()
    for name in sorted(changed):
        emit(core, "capability.updated", _capability(account, name) | {"_": {"account": account["id"]}})


def _request(account: Body, name: str, wanted: bool) -> None:
    requested = account["_"]["requested"]
    if wanted and name not in requested:
        requested.append(name)
        account["capabilities"][name] = "active" if account["details_submitted"] else "inactive"
    elif not wanted and name in requested:
        requested.remove(name)
        account["capabilities"].pop(name)


def _capability(account: Body, name: str) -> Body:
    return {
        "id": name,
        "object": "capability",
        "account": account["id"],
        "future_requirements": _requirements(()),
        "requested": name in account["_"]["requested"],
        "requested_at": account["created"],
        "requirements": account["requirements"],
        "status": account["capabilities"][name],
    }


def _controller(kind: str) -> Body:
    if kind == "standard":
        return {"type": "application", "is_controller": True, **_STANDARD}
    return {
        "type": "application",
        "is_controller": True,
        "fees": {"payer": "application_express" if kind == "express" else "application_custom"},
        "losses": {"payments": "application"},
        "requirement_collection": "stripe" if kind == "express" else "application",
        "stripe_dashboard": {"type": "express" if kind == "express" else "none"},
    }


_STANDARD = {
    "fees": {"payer": "account"},
    "losses": {"payments": "stripe"},
    "requirement_collection": "stripe",
    "stripe_dashboard": {"type": "full"},
}


def _requirements(due: tuple[str, ...]) -> Body:
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


def _bank_account(core: Core, account: Body) -> Body:
    return {
        "id": core.ids.new("ba_1", 23),
        "object": "bank_account",
        "account": account["id"],
        "account_holder_name": None,
        "account_holder_type": "individual",
        "account_type": None,
        "available_payout_methods": ["standard"],
        "bank_name": "STRIPE TEST BANK",
        "country": "US",
        "currency": "usd",
        "default_for_currency": True,
        "fingerprint": "1JWtPxqbdX5Gamtc",
        "future_requirements": {"currently_due": [], "errors": [], "past_due": [], "pending_verification": []},
        "last4": "6789",
        "metadata": {},
        "requirements": {"currently_due": [], "errors": [], "past_due": [], "pending_verification": []},
        "routing_number": "110000000",
        "status": "new",
    }


def _body(core: Core, account_id: str, *, kind: str, controller: Body) -> Body:
    return {
        "id": account_id,
        "object": "account",
        "business_profile": {
            "annual_revenue": None,
            "estimated_worker_count": None,
            "mcc": None,
            "minority_owned_business_designation": None,
            "name": None,
            "product_description": None,
            "support_address": None,
            "support_email": None,
            "support_phone": None,
            "support_url": None,
            "url": None,
        },
        "business_type": None,
        "capabilities": {},
        "charges_enabled": False,
        "controller": controller,
        "country": "US",
        "created": core.clock.stamp(),
        "default_currency": "usd",
        "details_submitted": False,
        "email": None,
        "external_accounts": empty_list(f"/v1/accounts/{account_id}/external_accounts"),
        "future_requirements": _requirements(()),
        "metadata": {},
        "payouts_enabled": False,
        "requirements": _requirements(()),
        "settings": {
            "bacs_debit_payments": {"display_name": None, "service_user_number": None},
            "branding": {"icon": None, "logo": None, "primary_color": None, "secondary_color": None},
            "card_issuing": {"tos_acceptance": {"date": None, "ip": None}},
            "card_payments": {
                "decline_on": {"avs_failure": False, "cvc_failure": False},
                "statement_descriptor_prefix": None,
                "statement_descriptor_prefix_kana": None,
                "statement_descriptor_prefix_kanji": None,
            },
            "dashboard": {"display_name": None, "timezone": "Etc/UTC"},
            "invoices": {"default_account_tax_ids": None, "hosted_payment_method_save": None},
            "payments": {
                "statement_descriptor": None,
                "statement_descriptor_kana": None,
                "statement_descriptor_kanji": None,
            },
            "payouts": {
                "debit_negative_balances": True,
                "schedule": {"delay_days": 2, "interval": "manual"},
                "statement_descriptor": None,
            },
            "sepa_debit_payments": {},
        },
        "tos_acceptance": {"date": None},
        "type": kind,
    }
