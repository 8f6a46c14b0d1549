"""The configured SDK, one per process, and the two verbs that everything here is said with."""

import functools
import os
from collections.abc import Callable, Iterator
from typing import Any

import stripe
from django.conf import settings

from payments.gateway.http import GuardedClient

Json = dict[str, Any]


def configure_sdk() -> None:
    """Set up the SDK's module-wide defaults, which dj-stripe uses, the same way as our own client."""
    stripe.api_key = settings.STRIPE_SECRET_KEY
    stripe.api_version = settings.STRIPE_API_VERSION
    stripe.max_network_retries = 0
    stripe.default_http_client = GuardedClient()
    if settings.STRIPE_API_BASE:
        stripe.api_base = stripe.connect_api_base = stripe.upload_api_base = settings.STRIPE_API_BASE


def post(path: str, body: Json, *, key: str, account: str = "") -> Json:
    """POST under an idempotency key and return the object. Raises stripe.StripeError."""
    return _request("post", path, body, idempotency_key=key, **_on(account))


def get(path: str, *, account: str = "", **query: Any) -> Json:
    """GET an object or a list. Raises stripe.StripeError."""
    return _request("get", path, query, **_on(account))


def every(
    path: str, *, account: str = "", tell: Callable[[int], None] = lambda read: None, **query: Any
) -> Iterator[Json]:
    """GET a whole list, page by page, newest first; `tell` hears how many it has read. Raises stripe.StripeError."""
    last: Json = {}
    read = 0
    while True:
        page = get(path, account=account, limit=100, **query, **last)
        tell(read := read + len(page["data"]))
        yield from page["data"]
        if not page["has_more"]:
            return
        last = {"starting_after": page["data"][-1]["id"]}


def delete(path: str) -> Json:
    """DELETE an object. Raises stripe.StripeError."""
    return _request("delete", path, {})


def _request(method: str, path: str, body: Json, **options: Any) -> Json:
    return _client(os.getpid(), settings.STRIPE_API_BASE).raw_request(method, path, **body, **options).data


def _on(account: str) -> Json:
    return {"stripe_account": account} if account else {}


@functools.lru_cache(maxsize=2)
def _client(pid: int, base: str) -> stripe.StripeClient:
    """One client per process: a fork must not share its parent's connections."""
    return stripe.StripeClient(
        settings.STRIPE_SECRET_KEY,
        stripe_version=settings.STRIPE_API_VERSION,
        max_network_retries=0,
        http_client=GuardedClient(),
        base_addresses={"api": base, "connect": base, "files": base} if base else None,
    )
