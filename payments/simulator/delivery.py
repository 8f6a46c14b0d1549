"""Webhooks on their way: a thread that pushes them, or by hand from the queue.

Nothing is sent while the core is locked: the receiver may well call the simulator before it answers. Signatures carry
real time, whatever the simulator's clock says, because receivers check their age against their own.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import random
import threading
from dataclasses import dataclass
from urllib.parse import urlsplit

from payments.simulator.core import Core
from payments.simulator.core.events import OWN_ENDPOINT
from payments.simulator.core.objects import Body, public

_TIMEOUT = 10  # seconds for a receiver to answer
_BACKOFF = (0.5, 2, 8, 30)  # seconds before each further attempt; then it has failed


@dataclass(frozen=True, slots=True)
class Parcel:
    """One event for one endpoint, as it is sent: `payload` must stay byte for byte, as it is signed."""

    number: int
    event: str
    type: str
    endpoint: str
    attempts: int
    url: str | None
    secret: str
    payload: str

    def headers(self, now: float) -> dict[str, str]:
        """The headers that go with the payload, signed as of that real time."""
        signed = f"{int(now)}.{self.payload}"
        signature = hmac.new(self.secret.encode(), signed.encode(), hashlib.sha256).hexdigest()
        return {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": f"t={int(now)},v1={signature}",
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        }


class Delivery:
    """The thread, and what the control API asks of it. It also lets happen what falls due while nobody calls."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="simulator-webhooks", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End after the delivery that is under way."""
        self._ended.set()
        self._core.committed.set()
        self._thread.join()

    def queue(self) -> list[Parcel]:
        """What is still to be delivered, oldest first."""
        with self._core.unit():
            return [self._parcel(*row) for row in self._core.webhooks.owed()]

    def deliver(
        self,
        *,
        limit: int | None = None,
        shuffle_seed: int | None = None,
        duplicate: int = 0,
        drop: int | list[str] = 0,
        hand_over: bool = False,
    ) -> list[Body]:
        """Deliver from the queue, and tell what came of each.

        `drop` loses the first so many, or those of these types; `duplicate` sends each so many times more;
        `hand_over` gives payload and headers to the caller, who delivers them, and counts them as delivered.
        """
        parcels = self.queue()
        if shuffle_seed is not None:
            random.Random(shuffle_seed).shuffle(parcels)
        report = []
        for place, parcel in enumerate(parcels[:limit]):
            if place < drop if isinstance(drop, int) else parcel.type in drop:
                self._record(parcel, "dropped")
                report.append(_line(parcel, "dropped"))
                continue
            hand = self._hand_over if hand_over else self._send_and_record
            report.extend(hand(parcel) for _ in range(1 + duplicate))
        return report

    def _run(self) -> None:
        core = self._core
        while True:
            core.committed.wait(self._until_next())
            core.committed.clear()
            if self._ended.is_set():
                return
            with core.lock:
                due = core.schedule.next_instant()
                if due is not None and due <= core.clock.now():
                    with core.unit():
                        pass  # opening it lets happen what is due
                parcels = self._due_to_push()
            for parcel in parcels:
                if not self._ended.is_set():
                    self._send_and_record(parcel)

    def _until_next(self) -> float | None:
        """Seconds until there is something to do of itself; None if only a request can change that."""
        core = self._core
        with core.lock:
            instants = []
            due = core.schedule.next_instant()
            if due is not None and "standing_at" not in core.clock.setting:
                instants.append(due - core.clock.now())
            attempt = core.webhooks.next_attempt_at() if core.webhooks.mode == "push" else None
            if attempt is not None:
                instants.append(attempt - core.clock.wall())
        return max(0.0, min(instants)) if instants else None

    def _due_to_push(self) -> list[Parcel]:
        core = self._core
        if core.webhooks.mode != "push":
            return []
        return [self._parcel(*row) for row in core.webhooks.owed(due_by=core.clock.wall(), limit=50)]

    def _parcel(self, number: int, event_id: str, endpoint_id: str, attempts: int) -> Parcel:
        core = self._core
        event = core.objects.peek(event_id) or {}
        url, secret = core.webhooks.url, core.webhooks.secret
        if endpoint_id != OWN_ENDPOINT:
            endpoint = core.objects.peek(endpoint_id)  # gone if it was deleted meanwhile
            url, secret = (endpoint["url"], endpoint["_"]["secret"]) if endpoint else (None, "")
        payload = json.dumps(public(event))
        return Parcel(number, event_id, event.get("type", ""), endpoint_id, attempts, url, secret, payload)

    def _send_and_record(self, parcel: Parcel) -> Body:
        status = _send(parcel, self._core.clock.wall()) if parcel.url else None
        self._record(parcel, "delivered" if status and 200 <= status < 300 else "again")
        return _line(parcel, status)

    def _hand_over(self, parcel: Parcel) -> Body:
        self._record(parcel, "delivered")
        headers = parcel.headers(self._core.clock.wall())
        return _line(parcel, "handed over") | {"payload": parcel.payload, "headers": headers}

    def _record(self, parcel: Parcel, result: str) -> None:
        core = self._core
        with core.unit():
            if result != "again":
                core.webhooks.settle(parcel.number, result)
            elif parcel.attempts < len(_BACKOFF) and parcel.url:
                core.webhooks.postpone(parcel.number, next_at=core.clock.wall() + _BACKOFF[parcel.attempts])
            else:
                core.webhooks.settle(parcel.number, "failed")
            event = core.objects.get(parcel.event)
            if result == "delivered" and event and event["pending_webhooks"]:
                event["pending_webhooks"] -= 1
                core.objects.save(event)


def _send(parcel: Parcel, now: float) -> int | None:
    """POST it; the status of the answer, or None if there was none."""
    address = urlsplit(parcel.url or "")
    kind = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
    connection = kind(address.hostname or "", address.port, timeout=_TIMEOUT)
    path = (address.path or "/") + (f"?{address.query}" if address.query else "")
    try:
        connection.request("POST", path, parcel.payload, parcel.headers(now))
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def _line(parcel: Parcel, result: str | int | None) -> Body:
    return {"event": parcel.event, "type": parcel.type, "endpoint": parcel.endpoint, "result": result}
