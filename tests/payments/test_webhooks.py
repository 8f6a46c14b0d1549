"""Events from Stripe: verified, kept once, answered at once, applied later (design 6)."""

import hmac
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connections
from django.test import Client

from instainstru import clock
from payments import operations, readers, tasks
from payments.models import ChangeAtStripe, Operation, Payee, Payment, StripeEvent
from payments.policy.states import BookingStatus, PaymentStatus
from tests.stage import Stage

NOTHING = b'{"id": "evt_1", "type": "customer.created", "data": {"object": {"id": "cus_1"}}}'
FIVE_MINUTES = 300


def signed(payload: bytes, *, seconds_ahead: float = 0, secret: str = "") -> str:
    """Sign as Stripe does, at the machine's time."""
    signed_at = int(clock.wall().timestamp() + seconds_ahead)
    digest = hmac.new(
        (secret or settings.STRIPE_WEBHOOK_SECRETS[0]).encode(), f"{signed_at}.".encode() + payload, "sha256"
    )
    return f"t={signed_at},v1={digest.hexdigest()}"


def deliver(payload: bytes, signature: str) -> int:
    answer = Client().post(
        "/stripe/webhook", payload, content_type="application/json", headers={"Stripe-Signature": signature}
    )
    return answer.status_code


REFUSED: dict[str, tuple[bytes, Callable[[bytes], str]]] = {
    "unsigned": (NOTHING, lambda payload: ""),
    "forged": (NOTHING, lambda payload: signed(payload, secret="whsec_somebody_elses")),
    "changed after it was signed": (NOTHING + b" ", lambda payload: signed(NOTHING)),
    "older than five minutes": (NOTHING, lambda payload: signed(payload, seconds_ahead=-FIVE_MINUTES - 5)),
    "signed in the future": (NOTHING, lambda payload: signed(payload, seconds_ahead=FIVE_MINUTES + 5)),
    "no time in the signature": (NOTHING, lambda payload: signed(payload).split(",")[1]),
    "a time of more digits than a number may have": (NOTHING, lambda payload: f"t={'9' * 5_000},v1=ab"),
    "a time of another script": (NOTHING, lambda payload: signed(payload).replace("t=", "t=٣,t=")),
    "a time that is none": (NOTHING, lambda payload: "t=now,v1=ab"),
    "no ASCII where the digest stands": (NOTHING, lambda payload: signed(payload) + ",v1=é"),
    "no ASCII alone": (NOTHING, lambda payload: f"{signed(payload).split(',')[0]},v1=é"),
    "commas alone": (NOTHING, lambda payload: ",,="),
    "no JSON": (b"no JSON", signed),
    "JSON without a bottom": (b'{"a":' * 100_000, signed),
    "an event that is too deep": (
        b'{"id": "evt_1", "type": "a", "data": {"object": {"a": ' + b"[" * 3_000 + b"]" * 3_000 + b"}}}",
        signed,
    ),
    "no event": (b"[1, 2]", signed),
    "an event without an object": (b'{"id": "evt_1", "type": "customer.created"}', signed),
    "no UTF-8": (b"\xff\xfe", signed),
    "an event whose object is none": (b'{"id": "evt_1", "type": "customer.created", "data": {"object": 7}}', signed),
    "an event whose data is none": (b'{"id": "evt_1", "type": "customer.created", "data": []}', signed),
    "an event whose id is nothing": (b'{"id": "", "type": "customer.created", "data": {"object": {}}}', signed),
    "an event whose id is longer than any": (
        b'{"id": "evt_%s", "type": "customer.created", "data": {"object": {}}}' % (b"1" * 255),
        signed,
    ),
    "an event of an account that is none": (
        b'{"id": "evt_1", "type": "account.updated", "account": 7, "data": {"object": {}}}',
        signed,
    ),
    "an event without a real id": (b'{"id": 7, "type": "customer.created", "data": {"object": {}}}', signed),
}


@pytest.mark.django_db
@pytest.mark.parametrize(("payload", "signature_of"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_stripes_or_not_of_now_is_400_and_leaves_nothing(payload, signature_of):
    assert deliver(payload, signature_of(payload)) == 400
    assert not StripeEvent.objects.exists()


ODD: dict[str, dict[str, Any]] = {  # what an event of Stripe's may bring that a column or PostgreSQL does not take
    "an id as long as Stripe's may be": {"data": {"object": {"id": "cus_" + "1" * 251}}},
    "an id that is longer": {"data": {"object": {"id": "cus_" + "1" * 300}}},
    "an id that is no text": {"data": {"object": {"id": [7]}}},
    "an id with a NUL": {"data": {"object": {"id": "cus_\0" + "1" * 80}}},
    "NULs everywhere": {"data": {"object": {"id": "cus_1", "a\0b": ["c\0", {"d": "\0"}]}}},
    "half of a surrogate pair": {"data": {"object": {"id": "cus_1", "name": "\ud83d"}}},
    "a number that is none": {"data": {"object": {"id": "cus_1", "balance": float("nan")}}},
    "a number beyond all": {"data": {"object": {"id": "cus_1", "balance": float("inf")}}},
    "a kind that is no text": {"data": {"object": {"id": "cus_1", "object": ["customer"]}}},
    "no object": {"data": {}},
    "a type longer than any": {"type": "customer." + "x" * 300},
    "a time that is none": {"created": "yesterday"},
    "a time beyond the calendar": {"created": 10**15},
    "an account as long as Stripe's may be": {"account": "acct_" + "1" * 250},
}


@pytest.mark.django_db
@pytest.mark.parametrize("oddity", ODD.values(), ids=ODD)
def test_what_stripe_signed_is_kept_however_odd_it_is(oddity):
    """It is answered with 200, or Stripe would send it for days; of a type that nobody reads it is done with."""
    payload = json.dumps(json.loads(NOTHING) | oddity).encode()

    assert deliver(payload, signed(payload)) == 200
    assert deliver(payload, signed(payload)) == 200

    event = StripeEvent.objects.get()
    tasks.apply_event(event_pk=event.pk)
    event.refresh_from_db()
    assert event.applied_at is not None


@pytest.mark.django_db
def test_what_postgresql_does_not_take_is_left_out_of_what_is_kept():
    told = {"id": "cus_\0" + "1" * 80, "a\0b": ["c\0", 7, None, True, 1.5], "half": "\ud83d!", "whole": "\U0001f600"}
    payload = json.dumps(json.loads(NOTHING) | {"data": {"object": told}}).encode()

    deliver(payload, signed(payload))

    event = StripeEvent.objects.get()
    assert event.object_id == "cus_" + "1" * 80
    kept_of_it = {"id": event.object_id, "ab": ["c", 7, None, True, 1.5], "half": "?!", "whole": "\U0001f600"}
    assert event.payload["data"]["object"] == kept_of_it


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["get", "put", "delete"])
def test_events_are_posted(method):
    assert getattr(Client(), method)("/stripe/webhook").status_code == 405


@pytest.mark.django_db(transaction=True)
def test_an_event_delivered_by_twenty_threads_is_kept_once():
    def deliver_it(_: int) -> int:
        try:
            return deliver(NOTHING, signed(NOTHING))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(20) as threads:
        answers = set(threads.map(deliver_it, range(20)))

    assert answers == {200}
    assert StripeEvent.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_stripe_is_answered_before_the_work(stage: Stage, settings):
    """The request keeps the event and asks Stripe nothing: it is answered while Stripe can't be reached."""
    booking = waiting_for_the_bank(stage)
    settings.STRIPE_API_BASE = "http://127.0.0.1:1"

    assert deliver(capturable(booking.payment), signed(capturable(booking.payment))) == 200

    booking.payment.refresh_from_db()
    assert booking.payment.status == PaymentStatus.PAYMENT_METHOD_REQUIRED
    assert StripeEvent.objects.get().next_try_at is not None


@pytest.mark.rule("P8.8")
@pytest.mark.django_db(transaction=True)
def test_an_event_delivered_and_applied_by_twenty_threads_has_its_effect_once(stage: Stage):
    booking = stage.book()
    stage.travel_to(booking.ends_at + timedelta(hours=25))
    intent_id = Payment.objects.get(pk=booking.payment_id).intent_id
    refund = stage.simulator.refund_in_dashboard(intent_id, cents=2_000)
    told = {"id": refund, "object": "refund", "payment_intent": intent_id}
    payload = json.dumps({"id": "evt_1", "type": "refund.created", "data": {"object": told}}).encode()

    def deliver_and_apply(_: int) -> int:
        try:
            status = deliver(payload, signed(payload))
            tasks.apply_event(event_pk=StripeEvent.objects.get(event_id="evt_1").pk)
            return status
        finally:
            connections.close_all()

    with ThreadPoolExecutor(20) as threads:
        assert set(threads.map(deliver_and_apply, range(20))) == {200}

    event = StripeEvent.objects.get()
    assert (event.applied_at is not None, event.attempts) == (True, 1)
    assert ChangeAtStripe.objects.count() == 1
    assert Payment.objects.get(pk=booking.payment_id).refunded_to_card_cents == 2_000
    assert stage.disorder() == []


@pytest.mark.django_db(transaction=True)
def test_two_events_about_one_refund_applied_at_once_have_one_effect(stage: Stage):
    booking = stage.book()
    stage.travel_to(booking.ends_at + timedelta(hours=25))
    intent_id = Payment.objects.get(pk=booking.payment_id).intent_id
    refund = stage.simulator.refund_in_dashboard(intent_id, cents=2_000)
    told = {"id": refund, "object": "refund", "payment_intent": intent_id}
    events = [
        kept(json.dumps({"id": f"evt_{number}", "type": "refund.created", "data": {"object": told}}).encode())
        for number in range(8)
    ]

    def apply(event: StripeEvent) -> bool:
        try:
            return operations.apply_event(event, now=clock.now())
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(events)) as threads:
        assert all(threads.map(apply, events))

    assert ChangeAtStripe.objects.count() == 1
    assert stage.disorder() == []


@pytest.mark.django_db
def test_each_endpoints_secret_is_good(settings):
    settings.STRIPE_WEBHOOK_SECRETS = ["whsec_account", "whsec_connect"]

    for secret in ("whsec_account", "whsec_connect"):
        assert deliver(NOTHING, signed(NOTHING, secret=secret)) == 200
    assert deliver(NOTHING, signed(NOTHING, secret="whsec_account,whsec_connect")) == 400


@pytest.mark.rule("P5.2")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("times", [1, 3])
def test_a_student_who_never_comes_back_from_the_bank_is_confirmed_all_the_same(stage: Stage, times):
    booking = waiting_for_the_bank(stage)
    event = kept(capturable(booking.payment))

    for _ in range(times):
        operations.replay_event(event)
        assert operations.apply_event(StripeEvent.objects.get(pk=event.pk), now=clock.now())

    booking.refresh_from_db()
    assert booking.status == BookingStatus.CONFIRMED
    assert booking.payment.authorized_cents == 13_440
    assert Operation.objects.filter(kind="confirm_authorization").count() == 1
    assert stage.disorder() == []


@pytest.mark.django_db(transaction=True)
def test_an_event_that_meets_an_operation_is_tried_again_later(stage: Stage):
    booking = waiting_for_the_bank(stage)
    payment = booking.payment
    event = kept(capturable(payment))
    Operation.objects.create(
        payment=payment,
        number=99,
        kind="expire",
        policy_version=payment.policy_version,
        rule="P5.2",
        plan={},
        digest="",
        party="system",
        accepted_at=clock.now(),
    )

    assert not operations.apply_event(event, now=clock.now())

    event.refresh_from_db()
    assert (event.attempts, event.failure) == (1, "operation_in_progress")
    assert event.next_try_at > clock.wall()


@pytest.mark.django_db(transaction=True)
def test_an_account_that_loses_the_right_to_be_paid_is_noticed(stage: Stage):
    payee = Payee.objects.get(user=stage.instructor)
    event = kept(
        json.dumps({"id": "evt_2", "type": "account.updated", "data": {"object": {"id": payee.account_id}}}).encode()
    )
    stage.simulator.change_account(payee.account_id, transfers="inactive")

    assert operations.apply_event(event, now=clock.now())

    payee.refresh_from_db()
    assert not payee.is_payable


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("ours", [True, False], ids=["live", "test"])
@pytest.mark.parametrize("theirs", [True, False], ids=["live event", "test event"])
def test_an_event_of_the_other_of_stripes_two_worlds_is_kept_and_does_nothing(stage: Stage, settings, ours, theirs):
    """A live endpoint for connected accounts gets both, so that the answer is 200: a 400 would shut the endpoint."""
    booking = waiting_for_the_bank(stage)
    settings.STRIPE_LIVE_MODE = ours
    payload = json.dumps(json.loads(capturable(booking.payment)) | {"livemode": theirs}).encode()
    acts = ours == theirs

    assert deliver(payload, signed(payload)) == 200
    event = StripeEvent.objects.get()
    assert operations.wants_mirroring(event) is acts
    tasks.apply_event(event_pk=event.pk)

    booking.refresh_from_db()
    assert booking.status == (BookingStatus.CONFIRMED if acts else BookingStatus.PENDING)
    event.refresh_from_db()
    assert (event.next_try_at, event.applied_at is not None) == (None, True)
    assert bool(event.failure) is not acts


@pytest.mark.django_db
def test_replaying_an_event_of_the_other_world_still_does_nothing(monkeypatch):
    monkeypatch.setitem(readers._READERS, "customer.created", [too_early])
    event = kept(json.dumps(json.loads(NOTHING) | {"livemode": True}).encode())
    assert operations.apply_event(event, now=clock.now())

    operations.replay_event(event)

    event.refresh_from_db()
    assert operations.apply_event(event, now=clock.now())


@pytest.mark.django_db
def test_a_type_that_nobody_reads_is_kept_and_ignored():
    assert operations.apply_event(kept(NOTHING), now=clock.now())
    assert StripeEvent.objects.get().applied_at is not None


@pytest.mark.django_db
def test_an_event_whose_task_was_lost_is_swept_up(monkeypatch):
    started: list[int] = []
    monkeypatch.setattr(tasks.apply_event, "delay", lambda *, event_pk: started.append(event_pk))
    event = kept(NOTHING)

    tasks.sweep_unapplied_events()
    operations.apply_event(event, now=clock.now())
    tasks.sweep_unapplied_events()

    assert started == [event.pk]


@pytest.mark.django_db
def test_an_event_that_waits_in_the_queue_is_not_swept_again_until_its_claim_ends_or_it_was_tried(monkeypatch):
    """Else a backlog feeds itself: sweeps start tasks quicker than workers end them, and payments wait behind."""
    started: list[int] = []
    monkeypatch.setattr(tasks.apply_event, "delay", lambda *, event_pk: started.append(event_pk))
    event = kept(NOTHING)
    kept_event = StripeEvent.objects.filter(pk=event.pk)

    tasks.sweep_unapplied_events()
    tasks.sweep_unapplied_events()
    assert started == [event.pk]

    kept_event.update(claimed_until=clock.wall())
    tasks.sweep_unapplied_events()
    assert started == [event.pk] * 2

    monkeypatch.setitem(readers._READERS, "customer.created", [too_early])
    assert not operations.apply_event(kept_event.get(), now=clock.now())
    kept_event.update(next_try_at=clock.wall())
    tasks.sweep_unapplied_events()
    assert started == [event.pk] * 3


def too_early(event: StripeEvent, **_: object) -> None:
    raise readers.NotYet("Its booking is being made.")


def waiting_for_the_bank(stage: Stage):
    """A booking whose student confirmed at the bank and closed the window."""
    stage.use_card("requires_3ds")
    booking = stage.book(hours_ahead=20)
    stage.simulator.finish_3ds(booking.payment.pending_intent_id)
    return booking


def capturable(payment: Payment) -> bytes:
    intent = {"id": payment.pending_intent_id, "object": "payment_intent"}
    return json.dumps(
        {"id": "evt_9", "type": "payment_intent.amount_capturable_updated", "data": {"object": intent}}
    ).encode()


def kept(payload: bytes) -> StripeEvent:
    event = json.loads(payload)
    return StripeEvent.objects.create(
        event_id=event["id"],
        type=event["type"],
        object_id=event["data"]["object"]["id"],
        payload=event,
        received_at=clock.wall(),
        next_try_at=clock.wall(),
    )
