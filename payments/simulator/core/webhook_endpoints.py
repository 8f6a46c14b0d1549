"""Webhook endpoints, as the platform registers them with Stripe."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from payments.simulator.core.events import API_VERSION
from payments.simulator.core.lookup import change, fetch, merged
from payments.simulator.core.objects import Body

if TYPE_CHECKING:
    from payments.simulator.core.core import Core


def create(core: Core, params: dict[str, Any]) -> Body:
    """POST /v1/webhook_endpoints: the only answer that shows the secret."""
    secret = f"whsec_{core.ids.letters(32)}"
    endpoint = core.objects.add(
        {
            "id": core.ids.new("we_1", 23),
            "object": "webhook_endpoint",
            "api_version": params.get("api_version", API_VERSION),
            "application": None,
            "created": core.clock.stamp(),
            "description": params.get("description"),
            "enabled_events": params["enabled_events"],
            "livemode": False,
            "metadata": merged({}, params.get("metadata", {})),
            "status": "enabled",
            "url": params["url"],
        },
        account=core.request.account,
        secret=secret,
        connect=params.get("connect", False),
    )
    return endpoint | {"secret": secret}


def update(core: Core, params: dict[str, Any], endpoint_id: str) -> Body:
    """POST /v1/webhook_endpoints/{webhook_endpoint}"""
    endpoint = fetch(core, "webhook_endpoint", endpoint_id, param="webhook_endpoint")
    change(endpoint, params, "description enabled_events metadata url")
    if "disabled" in params:
        endpoint["status"] = "disabled" if params["disabled"] else "enabled"
    core.objects.save(endpoint)
    return endpoint


def delete(core: Core, params: dict[str, Any], endpoint_id: str) -> Body:
    """DELETE /v1/webhook_endpoints/{webhook_endpoint}"""
    fetch(core, "webhook_endpoint", endpoint_id, param="webhook_endpoint")
    core.objects.remove(endpoint_id)
    return {"id": endpoint_id, "object": "webhook_endpoint", "deleted": True}
