"""Events: what happened, as Stripe tells it, and to which webhook endpoints it is still owed."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

from payments.simulator.core.database import Database
from payments.simulator.core.objects import Body, public

if TYPE_CHECKING:
    from payments.simulator.core.core import Core

API_VERSION = "2026-05-27.dahlia"
OWN_ENDPOINT = "control"  # the endpoint given at the start or through the control API; it hears everything


def emit(core: Core, event_type: str, subject: Body, *, previously: Body | None = None) -> Body:
    """Record an event about an object as it is at this moment, and queue it for every endpoint that listens.

    `previously` is the object's former body; what differs is told as `previous_attributes`.
    """
    account = subject["_"]["account"]
    data: Body = {"object": public(subject)}  # no deeper copy is needed: `add` writes it out at once
    if previously is not None:
        data["previous_attributes"] = {
            name: value for name, value in previously.items() if name != "_" and subject.get(name) != value
        }
    event: Body = {
        "id": core.ids.new("evt_1", 23),
        "object": "event",
        "api_version": API_VERSION,
        "created": core.clock.stamp(),
        "data": data,
        "livemode": False,
        "pending_webhooks": 0,
        "request": {"id": core.request.id, "idempotency_key": core.request.idempotency_key},
        "type": event_type,
    }
    connected = account != core.platform
    if connected:
        event["account"] = account
    endpoints = list(_listening(core, event_type, connected)) if core.webhooks.mode != "off" else []
    event["pending_webhooks"] = len(endpoints)
    core.objects.add(event, account=account)
    core.webhooks.owe(event["id"], endpoints)
    return event


def before(subject: Body) -> Body:
    """A copy to compare with later, for events that tell what changed."""
    return deepcopy(subject)


def _listening(core: Core, event_type: str, connected: bool) -> list[str]:
    ids = [OWN_ENDPOINT] if core.webhooks.url or core.webhooks.mode == "queue" else []
    for endpoint in core.objects.find("webhook_endpoint"):
        hears = "*" in endpoint["enabled_events"] or event_type in endpoint["enabled_events"]
        if hears and endpoint["status"] == "enabled" and endpoint["_"]["connect"] == connected:
            ids.append(endpoint["id"])
    return ids


class Webhooks:
    """Where events go, how, and which are still owed. Sending them is the delivery thread's work."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def mode(self) -> str:
        """`push` at once, `queue` until asked for, or `off`: recorded, sent to nobody."""
        return self._setting["mode"]

    @property
    def url(self) -> str | None:
        return self._setting["url"]

    @property
    def secret(self) -> str:
        return self._setting["secret"]

    @property
    def _setting(self) -> dict[str, Any]:
        return self._database.fact("webhooks", {"mode": "off", "url": None, "secret": "whsec_simulator"})

    def configure(self, **changes: str | None) -> None:
        """Change `mode`, `url` or `secret`; what is None stays."""
        given = {name: value for name, value in changes.items() if value is not None}
        self._database.set_fact("webhooks", self._setting | given)

    def owe(self, event: str, endpoints: list[str]) -> None:
        """Queue an event for those endpoints."""
        for endpoint in endpoints:
            self._database.execute(
                "INSERT INTO deliveries (event, endpoint, next_at) VALUES (?, ?, 0)", event, endpoint
            )

    def owed(self, *, due_by: float | None = None, limit: int | None = None) -> list[tuple[int, str, str, int]]:
        """Deliveries still to be made, oldest first, as (number, event id, endpoint, attempts made)."""
        return self._database.execute(
            "SELECT seq, event, endpoint, attempts FROM deliveries"
            " WHERE state = 'pending' AND next_at <= ? ORDER BY seq LIMIT ?",
            float("inf") if due_by is None else due_by, -1 if limit is None else limit,
        ).fetchall()  # fmt: skip

    def next_attempt_at(self) -> float | None:
        """When the next delivery is due, in real time."""
        return self._database.execute("SELECT min(next_at) FROM deliveries WHERE state = 'pending'").fetchone()[0]

    def settle(self, number: int, state: str) -> None:
        """A delivery is over: `delivered`, `failed` or `dropped`."""
        self._database.execute("UPDATE deliveries SET state = ? WHERE seq = ?", state, number)

    def postpone(self, number: int, *, next_at: float) -> None:
        """A delivery failed and is tried again at that instant of real time."""
        self._database.execute(
            "UPDATE deliveries SET attempts = attempts + 1, next_at = ? WHERE seq = ?", next_at, number
        )
