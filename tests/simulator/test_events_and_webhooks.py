"""Events, in Stripe's shapes, and their delivery: pushed, queued, disordered, lost."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import stripe

from tests.simulator.conftest import Stage

SECRET = "whsec_test"


class Receiver:
    """A webhook endpoint that answers as told and remembers what it got."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, Any], str]] = []  # (event, signature header)
        self.answers: list[int] = []  # statuses to answer first; then 200
        self.on_event: Callable[[dict[str, Any]], None] = lambda event: None
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                payload = self.rfile.read(int(self.headers["Content-Length"])).decode()
                signature = self.headers["Stripe-Signature"]
                stripe.Webhook.construct_event(payload, signature, SECRET)  # raises for a wrong signature
                receiver.on_event(json.loads(payload))
                receiver.got.append((json.loads(payload), signature))
                self.send_response(receiver.answers.pop(0) if receiver.answers else 200)
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/stripe/webhook/"

    @property
    def types(self) -> list[str]:
        return [event["type"] for event, _ in self.got]

    def wait_for(self, count: int) -> None:
        deadline = time.monotonic() + 5
        while len(self.got) < count and time.monotonic() < deadline:
            time.sleep(0.005)
        assert len(self.got) >= count, self.types

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.stop()


HELD_CAPTURED_REVERSED_REFUNDED = [
    "payment_intent.created",
    "charge.succeeded",
    "payment_intent.amount_capturable_updated",
    "charge.captured",
    "transfer.created",
    "payment_intent.succeeded",
    "transfer.reversed",
    "refund.created",
    "charge.refunded",
]


def test_every_change_is_an_event(stage: Stage) -> None:
    before = len(stage.events())
    intent, account = stage.lesson_paid()
    transfer = stage.api.charges.retrieve(intent.latest_charge).transfer
    stage.api.transfers.reversals.create(transfer)
    stage.api.refunds.create({"payment_intent": intent.id})

    assert [
        kind for kind in stage.events()[before:] if not kind.startswith(("customer", "setup", "payment_method"))
    ] == (HELD_CAPTURED_REVERSED_REFUNDED)
    assert stage.events(account) == ["account.updated", "capability.updated", "payment.created", "charge.refunded"]


def test_an_event_shows_the_object_as_it_was_and_the_request_behind_it(stage: Stage) -> None:
    intent = stage.authorize(key="the-key")
    stage.capture(intent.id)

    [event] = stage.api.events.list({"type": "payment_intent.amount_capturable_updated"}).data

    assert event.data.object.status == "requires_capture"  # then; it is captured by now
    assert (event.api_version, event["request"].idempotency_key) == ("2026-05-27.dahlia", "the-key")
    assert event["request"].id.startswith("req_")
    assert stage.api.events.retrieve(event.id).type == event.type


def test_an_update_tells_what_was_before(stage: Stage) -> None:
    customer = stage.api.customers.create({"name": "Sam", "email": "a@example.com"}).id
    stage.api.customers.update(customer, {"name": "Samuel"})

    event = stage.api.events.list({"types": ["customer.updated", "nothing"]}).data[0]

    assert event.data.previous_attributes.to_dict() == {"name": "Sam"}


def test_events_are_listed_by_time(stage: Stage) -> None:
    stage.control.post("clock", standing_at=1_770_000_000)
    stage.api.customers.create()
    stage.control.post("clock", standing_at=1_770_000_100)
    stage.api.customers.create()

    late = stage.api.events.list({"created": {"gt": 1_770_000_000}, "type": "customer.*"})
    early = stage.api.events.list({"created": {"lte": 1_770_000_000}, "type": "customer.created"})

    assert [event.created for event in late.data] == [1_770_000_100]
    assert [event.created for event in early.data] == [1_770_000_000]


def test_pushed_events_arrive_signed_with_real_time(stage: Stage, receiver: Receiver) -> None:
    stage.control.post("clock", offset_seconds=400 * 24 * 60 * 60)
    stage.control.post("webhooks", mode="push", url=receiver.url, secret=SECRET)

    stage.api.customers.create()
    receiver.wait_for(1)

    event, signature = receiver.got[0]
    signed_at = int(signature.partition(",")[0].removeprefix("t="))
    assert abs(signed_at - time.time()) < 5
    assert event["created"] > time.time() + 399 * 24 * 60 * 60
    assert event["pending_webhooks"] == 1


def test_a_receiver_may_call_back_before_it_answers(stage: Stage, receiver: Receiver) -> None:
    fetched = []
    receiver.on_event = lambda event: fetched.append(stage.api.customers.retrieve(event["data"]["object"]["id"]).id)
    stage.control.post("webhooks", mode="push", url=receiver.url, secret=SECRET)

    customer = stage.api.customers.create()
    receiver.wait_for(1)

    assert fetched == [customer.id]


def test_a_failed_delivery_is_tried_again(stage: Stage, receiver: Receiver) -> None:
    receiver.answers = [500]
    stage.control.post("webhooks", mode="push", url=receiver.url, secret=SECRET)

    stage.api.customers.create()
    receiver.wait_for(2)

    assert receiver.got[0][0]["id"] == receiver.got[1][0]["id"]


def test_what_falls_due_happens_without_anybody_calling(stage: Stage, receiver: Receiver) -> None:
    stage.control.post("settings", hold_seconds=1)
    stage.control.post("webhooks", mode="push", url=receiver.url, secret=SECRET)
    stage.authorize()
    receiver.wait_for(9)

    assert receiver.types[-2:] == ["charge.expired", "payment_intent.canceled"]


def test_registered_endpoints_hear_what_they_asked_for(stage: Stage, receiver: Receiver) -> None:
    stage.control.post("webhooks", mode="queue")
    account = stage.instructor()
    ours = stage.api.webhook_endpoints.create({"url": receiver.url, "enabled_events": ["customer.created"]})
    theirs = stage.api.webhook_endpoints.create({"url": receiver.url, "enabled_events": ["*"], "connect": True})
    off = stage.api.webhook_endpoints.create({"url": receiver.url, "enabled_events": ["*"]})
    stage.api.webhook_endpoints.update(off.id, {"disabled": True})
    stage.control.post("webhooks/deliver", hand_over=True)

    stage.api.customers.create()
    stage.api.transfers.create({"amount": 100, "currency": "usd", "destination": account})

    heard = {(entry["endpoint"], entry["event"]["type"]) for entry in stage.control.get("webhooks/queue")}
    assert heard - {(endpoint, kind) for endpoint, kind in heard if endpoint == "control"} == {
        (ours.id, "customer.created"),
        (theirs.id, "payment.created"),
    }
    assert ours.secret.startswith("whsec_")
    assert not hasattr(stage.api.webhook_endpoints.retrieve(ours.id), "secret")
    assert len(stage.api.webhook_endpoints.list().data) == 3
    assert stage.api.webhook_endpoints.delete(ours.id).deleted is True


def test_a_connected_accounts_event_names_the_account(stage: Stage) -> None:
    account = stage.instructor()

    for event in stage.api.events.list({}, {"stripe_account": account}).data:
        assert event.account == account


# --- The queue ----------------------------------------------------------------------------------------------------


@pytest.fixture
def queued(stage: Stage, receiver: Receiver) -> Stage:
    """Five events wait in the queue."""
    stage.control.post("webhooks", mode="queue", url=receiver.url, secret=SECRET)
    for number in range(5):
        stage.api.customers.create({"name": str(number)})
    return stage


def _names(receiver: Receiver) -> str:
    return "".join(event["data"]["object"]["name"] for event, _ in receiver.got)


def test_the_queue_waits_until_it_is_delivered(queued: Stage, receiver: Receiver) -> None:
    waiting = [entry["event"]["data"]["object"]["name"] for entry in queued.control.get("webhooks/queue")]
    assert (waiting, receiver.got) == (["0", "1", "2", "3", "4"], [])

    some = queued.control.post("webhooks/deliver", limit=2)
    rest = queued.control.post("webhooks/deliver")

    assert (len(some), len(rest), _names(receiver)) == (2, 3, "01234")
    assert {line["result"] for line in some + rest} == {200}
    assert queued.control.get("webhooks/queue") == []
    assert {event.pending_webhooks for event in queued.api.events.list({"type": "customer.created"}).data} == {0}


def test_the_queue_can_be_disordered_doubled_and_lost(queued: Stage, receiver: Receiver) -> None:
    queued.control.post("webhooks/deliver", shuffle_seed=7, duplicate=1, drop=1)

    names = _names(receiver)
    assert len(names) == 8  # five, less one, twice
    assert sorted(names) != list(names)
    assert names[0::2] == names[1::2]
    assert queued.control.get("webhooks/queue") == []


def test_events_of_some_types_can_be_lost(queued: Stage, receiver: Receiver) -> None:
    queued.api.customers.update(queued.api.customers.list().data[0].id, {"name": "x"})

    queued.control.post("webhooks/deliver", drop=["customer.created"])

    assert receiver.types == ["customer.updated"]


def test_the_queue_can_be_handed_to_the_caller(queued: Stage, receiver: Receiver) -> None:
    handed = queued.control.post("webhooks/deliver", hand_over=True)

    for parcel in handed:
        stripe.Webhook.construct_event(parcel["payload"], parcel["headers"]["Stripe-Signature"], SECRET)
    assert (len(handed), receiver.got) == (5, [])
    assert queued.control.get("webhooks/queue") == []


def test_a_delivery_that_fails_stays_in_the_queue(queued: Stage, receiver: Receiver) -> None:
    receiver.answers = [500]

    report = queued.control.post("webhooks/deliver", limit=1)
    queued.control.post("webhooks/deliver")

    assert report[0]["result"] == 500
    assert sorted(_names(receiver)) == list("001234")
