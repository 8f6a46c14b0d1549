"""Onboarding: the links to it, and what it does to an account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from payments.simulator.core.capabilities import conclude, requirements
from payments.simulator.core.errors import invalid_request
from payments.simulator.core.events import before
from payments.simulator.core.lookup import fetch_account
from payments.simulator.core.objects import Body

if TYPE_CHECKING:
    from payments.simulator.core.core import Core

_LINK_LIFETIME = 300  # seconds, as at Stripe
TO_ONBOARD = (
    "business_profile.url",
    "external_account",
    "individual.dob.day",
    "individual.first_name",
    "individual.last_name",
    "individual.ssn_last_4",
    "tos_acceptance.date",
)


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


def onboard(core: Core, account: Body, *, done: bool = True) -> None:
    """The account's owner completes Stripe's onboarding (or, with `done` false, it is undone): all that was requested
    becomes active, and there is a bank account to pay out to."""
    former = before(account)
    status = "active" if done else "inactive"
    account["details_submitted"] = done
    account["capabilities"] = dict.fromkeys(account["_"]["requested"], status)
    account["requirements"] = requirements(() if done else TO_ONBOARD)
    account["external_accounts"]["data"] = [_bank_account(core, account)] if done else []
    if done:
        account["tos_acceptance"] = {"date": core.clock.stamp()}
    conclude(core, account, former)


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
