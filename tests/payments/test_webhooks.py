"""Events from Stripe: verified, kept once, answered at once, applied later (design 6)."""

import hmac
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.conf import settings
from django.db import connections
from django.test import Client

from instainstru import clock
from payments import operations, tasks
from payments.models import Operation, Payee, Payment, StripeEvent
from payments.policy.states import BookingStatus, PaymentStatus
from tests.stage import Stage

NOTHING = b'{"id": "evt_1", "type": "customer.created", "data": {"object": {"id": "cus_1"}}}'
FIVE_MINUTES = 300


def signed(payload: bytes, *, seconds_ahead: float = 0, secret: str = "") -> str:
    """Sign as Stripe does, at the machine's time."""
    signed_at = int(clock.wall().timestamp() + seconds_ahead)
    digest = hmac.new((secret or settings.STRIPE_WEBHOOK_SECRET).encode(), f"{signed_at}.".encode() + payload, "sha256")
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
    "no JSON": (b"no JSON", signed),
    "no event": (b"[1, 2]", signed),
    "an event without an object": (b'{"id": "evt_1", "type": "customer.created"}', signed),
    "no UTF-8": (b"\xff\xfe", signed),
}


@pytest.mark.django_db
@pytest.mark.parametrize(("payload", "signature_of"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_stripes_or_not_of_now_is_400_and_leaves_nothing(payload, signature_of):
    assert deliver(payload, signature_of(payload)) == 400
    assert not StripeEvent.objects.exists()


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
def test_stripe_is_answered_before_the_work(stage: Stage, monkeypatch):
    """The request keeps the event and asks Stripe nothing; the task does."""
    booking = waiting_for_the_bank(stage)
    stage.simulator.forget_requests()
    monkeypatch.setattr(tasks.apply_event, "delay", lambda **_: None)

    assert deliver(capturable(booking.payment), signed(capturable(booking.payment))) == 200

    booking.payment.refresh_from_db()
    assert booking.payment.status == PaymentStatus.PAYMENT_METHOD_REQUIRED
    assert StripeEvent.objects.get().next_try_at is not None


@pytest.mark.rule("P5.2")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("times", [1, 3])
def test_a_student_who_never_comes_back_from_the_bank_is_confirmed_all_the_same(stage: Stage, times):
    booking = waiting_for_the_bank(stage)
    event = kept(capturable(booking.payment))

    for _ in range(times):
        StripeEvent.objects.update(applied_at=None)
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
