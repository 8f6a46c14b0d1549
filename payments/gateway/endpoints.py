"""Where Stripe sends its events: the webhook endpoints that are set up there."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from payments.gateway import client
from payments.gateway.errors import said

Json = dict[str, Any]
MARK = (
    "instainstru"  # the metadata by which we know an endpoint as ours: Stripe does not tell whether it is for Connect
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """An endpoint as it is at Stripe. `purpose` is ours, empty for one that we did not set up."""

    id: str
    url: str
    types: frozenset[str]
    api_version: str
    is_enabled: bool
    purpose: str
    secret: str = ""  # told once, when it is made


def endpoints() -> list[Endpoint]:
    """Return every endpoint. Raises GatewayRefused or GatewayUnavailable, as everything here."""
    return [_endpoint(found) for found in said(lambda: list(client.every("/v1/webhook_endpoints")))]


def create_endpoint(*, url: str, types: Iterable[str], purpose: str, connect: bool) -> Endpoint:
    """Set an endpoint up, for our own account's events or with `connect` for those of connected accounts."""
    body = {
        "url": url,
        "enabled_events": sorted(types),
        "api_version": settings.STRIPE_API_VERSION,
        "connect": connect,
        "metadata": {MARK: purpose},
    }
    # No money moves, and the same endpoint may be wanted anew on the day that it was deleted.
    return _endpoint(said(lambda: client.post("/v1/webhook_endpoints", body, key=secrets.token_hex(16))))


def update_endpoint(endpoint_id: str, *, url: str, types: Iterable[str]) -> Endpoint:
    """Let an endpoint send these types there; its API version and whose events it sends can't be changed."""
    body = {"url": url, "enabled_events": sorted(types), "disabled": False}
    path = f"/v1/webhook_endpoints/{endpoint_id}"
    return _endpoint(said(lambda: client.post(path, body, key=secrets.token_hex(16))))


def delete_endpoint(endpoint_id: str) -> None:
    said(lambda: client.delete(f"/v1/webhook_endpoints/{endpoint_id}"))


def _endpoint(found: Json) -> Endpoint:
    return Endpoint(
        id=found["id"],
        url=found["url"],
        types=frozenset(found["enabled_events"]),
        api_version=found["api_version"] or "",
        is_enabled=found["status"] == "enabled",
        purpose=(found.get("metadata") or {}).get(MARK, ""),
        secret=found.get("secret") or "",
    )
