"""The platform's own account, and the connected ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from payments.simulator.core import ledger, payout_schedules
from payments.simulator.core.capabilities import request, requirements, tell
from payments.simulator.core.errors import invalid_request, missing
from payments.simulator.core.events import before
from payments.simulator.core.faults import strike
from payments.simulator.core.lookup import change, empty_list, fetch_account, merged
from payments.simulator.core.objects import Body
from payments.simulator.core.onboarding import TO_ONBOARD

if TYPE_CHECKING:
    from payments.simulator.core.core import Core


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
    account["settings"]["payouts"]["schedule"] = dict(payout_schedules.BY_DEFAULT)
    payout_schedules.change_schedule(account, params.get("settings", {}))
    account["requirements"] = requirements(TO_ONBOARD)
    core.objects.add(account, account=core.platform, requested=requested)
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
    strike(core, "account")
    former = before(account)
    change(account, params, "business_type email metadata")
    payout_schedules.change_schedule(account, params.get("settings", {}))
    account["business_profile"] |= params.get("business_profile", {})
    for name, wish in params.get("capabilities", {}).items():
        request(account, name, wish.get("requested", False))
    core.objects.save(account)
    tell(core, account, former)
    return account


def delete(core: Core, params: dict[str, Any], account_id: str) -> Body:
    """DELETE /v1/accounts/{account}: only with nothing on its balance."""
    account = fetch_account(core, account_id)
    if any(ledger.balance_of(core, account_id)):
        raise invalid_request("You cannot delete an account with a balance that isn't zero.")
    account["_"]["deleted"] = True
    core.objects.save(account)
    return {"id": account_id, "object": "account", "deleted": True}


def list_external(core: Core, params: dict[str, Any], account_id: str) -> Body:
    """GET /v1/accounts/{account}/external_accounts"""
    found = fetch_account(core, account_id)["external_accounts"]
    return found | {"data": [each for each in found["data"] if each["object"] == params.get("object", each["object"])]}


def retrieve_external(core: Core, params: dict[str, Any], account_id: str, bank_id: str) -> Body:
    """GET /v1/accounts/{account}/external_accounts/{id}"""
    for bank in fetch_account(core, account_id)["external_accounts"]["data"]:
        if bank["id"] == bank_id:
            return bank
    raise missing("external account", bank_id, param="id")


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
        "future_requirements": requirements(()),
        "metadata": {},
        "payouts_enabled": False,
        "requirements": requirements(()),
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
                "schedule": dict(payout_schedules.MANUAL),
                "statement_descriptor": None,
            },
            "sepa_debit_payments": {},
        },
        "tos_acceptance": {"date": None},
        "type": kind,
    }
