"""Keeping dj-stripe's tables in step with Stripe, for staff to look at (design 6).

dj-stripe stores an object inside a transaction, and asks Stripe for whatever the object refers to and is not stored
yet; a call inside a transaction is refused here. So everything is fetched first, in our own way, and stored from the
ground up: by the time that an object is stored, what it refers to is there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.db import models
from djstripe import models as mirrored
from djstripe.models.base import StripeModel

from payments.gateway import client
from payments.gateway.errors import said

Json = dict[str, Any]

_PATHS: dict[type[StripeModel], str] = {
    mirrored.Account: "/v1/accounts/{}",
    mirrored.BalanceTransaction: "/v1/balance_transactions/{}",
    mirrored.Charge: "/v1/charges/{}",
    mirrored.Customer: "/v1/customers/{}",
    mirrored.Dispute: "/v1/disputes/{}",
    mirrored.PaymentIntent: "/v1/payment_intents/{}",
    mirrored.PaymentMethod: "/v1/payment_methods/{}",
    mirrored.Payout: "/v1/payouts/{}",
    mirrored.Refund: "/v1/refunds/{}",
    mirrored.SetupIntent: "/v1/setup_intents/{}",
    mirrored.Transfer: "/v1/transfers/{}",
}
MIRRORED = tuple(_PATHS)
_KINDS: dict[str, type[StripeModel]] = {
    "account": mirrored.Account,
    "charge": mirrored.Charge,
    "dispute": mirrored.Dispute,
    "payment_intent": mirrored.PaymentIntent,
    "payout": mirrored.Payout,
    "refund": mirrored.Refund,
    "setup_intent": mirrored.SetupIntent,
    "transfer": mirrored.Transfer,
}


class _Told(dict[str, Any]):
    """An object as dj-stripe wants it: a dictionary that knows which connected account it was fetched from."""

    stripe_account: str | None = None


class _Page(dict[str, Any]):
    """A list as dj-stripe wants it: it goes on to the next page by itself, which here is no more needed."""

    def auto_paging_iter(self) -> Iterator[Json]:
        return iter(self["data"])


def is_mirrored(kind: str) -> bool:
    """Return whether objects of a kind, such as `charge`, have a table there."""
    return kind in _KINDS


def mirror(kind: str, object_id: str, *, account: str = "") -> None:
    """Store an object as it is at Stripe now, and whatever it refers to that is not stored yet.

    No transaction may be open. Raises GatewayRefused or GatewayUnavailable.
    """
    _know_ourselves()
    if account:
        _store_missing(mirrored.Account, account, account="")
    _store(_KINDS[kind], object_id, account=account)


def _know_ourselves() -> None:
    """Store our own account and the key that opens it; without them dj-stripe asks for them in its transactions."""
    key, _ = mirrored.APIKey.objects.get_or_create_by_api_key(settings.STRIPE_SECRET_KEY)
    if key.djstripe_owner_account is not None:
        return
    found = said(lambda: client.get("/v1/account"))
    key.djstripe_owner_account, _ = mirrored.Account.objects.get_or_create(id=found["id"])
    key.save()
    mirrored.Account.sync_from_stripe_data(_Told(found), api_key=settings.STRIPE_SECRET_KEY)


def _store(model: type[StripeModel], object_id: str, *, account: str, above: frozenset[str] = frozenset()) -> None:
    on = "" if model is mirrored.Account else account  # an account is fetched by the platform
    found = _Told(said(lambda: client.get(_PATHS[model].format(object_id), account=on)))
    found.stripe_account = account or None
    above |= {object_id}
    if model is mirrored.Transfer:
        found["reversals"] = _reversals_of(object_id)
    for field in model._meta.concrete_fields:
        if isinstance(field, models.ForeignKey) and isinstance(referred := found.get(field.name), str):
            if field.related_model not in _PATHS or referred in above:
                found[field.name] = None  # a bank account, or a circle: what refers back to us
            else:
                _store_missing(field.related_model, referred, account=account, above=above)
    model.sync_from_stripe_data(found, api_key=settings.STRIPE_SECRET_KEY)


def _reversals_of(transfer_id: str) -> _Page:
    """Fetch a transfer's reversals, which dj-stripe stores with it, and store what they refer to."""
    path = f"/v1/transfers/{transfer_id}/reversals"
    data = said(lambda: list(client.every(path)))
    for reversal in data:
        _store_missing(mirrored.BalanceTransaction, reversal["balance_transaction"], account="")
    return _Page(object="list", url=path, has_more=False, data=data)


def _store_missing(
    model: type[StripeModel], object_id: str, *, account: str, above: frozenset[str] = frozenset()
) -> None:
    if not model.objects.filter(id=object_id).exists():
        _store(model, object_id, account=account, above=above)
