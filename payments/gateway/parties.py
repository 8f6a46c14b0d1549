"""Customers, saved cards and connected accounts (P2.1, P2.5)."""

import hashlib
import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from instainstru.money import DOLLARS
from payments.gateway import client
from payments.gateway.errors import said, said_of

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    payment_method_id: str
    brand: str
    last4: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CardSetup:
    """A SetupIntent: what the student's page needs to save a card, and how far that is."""

    id: str
    client_secret: str
    status: str
    begun_at: datetime  # by Stripe's clock, to the second
    url: str = ""  # where the bank wants the student to go
    payment_method_id: str = ""
    customer_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    id: str
    is_payable: bool
    requirements: list[str]


def create_customer(*, user_id: int, email: str, name: str) -> str:
    """Create the student's customer and return its id; the same user always gets the same one for a day."""
    body = {"email": email, "name": name, "metadata": {"user": str(user_id)}}
    return said(lambda: client.post("/v1/customers", body, key=_key_of(f"user-{user_id}-customer", body)))["id"]


def begin_card_setup(*, customer_id: str, key: str) -> CardSetup:
    """Begin saving a card for charges off session (P2.5)."""
    body = {"customer": customer_id, "usage": "off_session", "payment_method_types": ["card"]}
    return _setup(said(lambda: client.post("/v1/setup_intents", body, key=key)))


def confirm_card_setup(*, setup_id: str, payment_method: str, return_url: str, key: str) -> CardSetup:
    """Confirm a SetupIntent with a payment method; Stripe.js does this where real cards are typed."""
    body = {"payment_method": payment_method, "return_url": return_url}
    return _setup(said(lambda: client.post(f"/v1/setup_intents/{setup_id}/confirm", body, key=key)))


def card_setup(setup_id: str) -> CardSetup:
    """Return how far a SetupIntent is."""
    return _setup(said(lambda: client.get(f"/v1/setup_intents/{setup_id}")))


def card(payment_method_id: str) -> Card:
    """Return what the student may see of a saved card."""
    found = said(lambda: client.get(f"/v1/payment_methods/{payment_method_id}"))
    return Card(payment_method_id=found["id"], brand=found["card"]["brand"], last4=found["card"]["last4"])


def create_account(*, user_id: int, email: str, more: Json) -> Account:
    """Create an instructor's Express account, which receives transfers and nothing else (P2.1).

    `more` are further fields: when it is paid out.
    """
    body = {
        "type": "express",
        "country": "US",
        "email": email,
        "capabilities": {"transfers": {"requested": True}},
        "metadata": {"user": str(user_id)},
        **more,
    }
    return _account(said(lambda: client.post("/v1/accounts", body, key=_key_of(f"user-{user_id}-account", body))))


def account(account_id: str) -> Account:
    """Return whether an account can be paid and what Stripe still wants to know of it."""
    return _account(said(lambda: client.get(f"/v1/accounts/{account_id}")))


def onboarding_link(*, account_id: str, return_url: str, refresh_url: str, key: str) -> str:
    """Return the address of Stripe's onboarding page for an account."""
    body = {
        "account": account_id,
        "type": "account_onboarding",
        "return_url": return_url,
        "refresh_url": refresh_url,
    }
    return said(lambda: client.post("/v1/account_links", body, key=key))["url"]


def dashboard_link(account_id: str) -> str:
    """Return the address of an account's own pages at Stripe, good for one visit; onboarding must be finished."""
    # A link moves no money, and each visit wants a new one.
    return said(lambda: client.post(f"/v1/accounts/{account_id}/login_links", {}, key=secrets.token_hex(16)))["url"]


def platform_balance() -> int:
    """Return our own Stripe balance in cents, available and pending."""
    return _dollar_balance(said(lambda: client.get("/v1/balance")))


def account_balance(account_id: str) -> int:
    """Return a connected account's balance in cents, available and pending."""
    return _dollar_balance(said_of(account_id, lambda: client.get("/v1/balance", account=account_id)))


def _key_of(what: str, body: Json) -> str:
    """Who has a new address since an unanswered call means another request: Stripe would refuse it under its key."""
    return f"{what}-{hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:12]}"


def _setup(found: Json) -> CardSetup:
    redirect = (found.get("next_action") or {}).get("redirect_to_url") or {}
    return CardSetup(
        id=found["id"],
        client_secret=found["client_secret"],
        status=found["status"],
        url=redirect.get("url") or "",
        payment_method_id=found.get("payment_method") or "",
        customer_id=found.get("customer") or "",
        begun_at=datetime.fromtimestamp(found["created"], UTC),
    )


def _account(found: Json) -> Account:
    return Account(
        id=found["id"],
        is_payable=found["capabilities"].get("transfers") == "active",
        requirements=list((found.get("requirements") or {}).get("currently_due") or []),
    )


def _dollar_balance(found: Json) -> int:
    parts = (part for kind in ("available", "pending") for part in found[kind])
    return sum(part["amount"] for part in parts if part["currency"] == DOLLARS)
