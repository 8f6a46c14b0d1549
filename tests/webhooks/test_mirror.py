"""dj-stripe's tables follow our own apply, best effort, and staff look at them (design 6)."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from djstripe import models as mirrored
from kombu.exceptions import OperationalError

from instainstru.accounts.models import User
from payments import operations as payments
from payments import tasks
from payments.gateway import client
from payments.models import Payee, StripeEvent
from tests.factories import UserFactory
from tests.rules.standing import payment_of
from tests.stage import Stage
from tests.webhooks.conftest import Post

MIRRORED = ["Account", "Charge", "PaymentIntent", "Payout", "Refund", "SetupIntent", "Transfer"]


@pytest.fixture
def applied(stage: Stage, post: Post) -> list[StripeEvent]:
    """Events about one object of every kind, applied."""
    booking = stage.book()
    stage.travel_to(booking.ends_at + timedelta(days=4))
    stage.use_card("ok")
    stage.simulator.refund_in_dashboard(payment_of(booking).intent_id, cents=100, reverse_transfer=True)
    account = Payee.objects.get(user=stage.instructor).account_id
    client.post("/v1/payouts", {"amount": 1_000, "currency": "usd"}, key="payout", account=account)
    stage.simulator.change_account(account, transfers="pending")
    post.deliver()
    return list(StripeEvent.objects.order_by("id"))


def test_what_events_are_about_is_copied_with_all_that_it_refers_to(stage: Stage, applied: list[StripeEvent]):
    for _ in range(2):
        assert {payments.mirror_object(event) for event in applied if payments.wants_mirroring(event)} <= {""}

    booking_charge = mirrored.Charge.objects.get(customer__isnull=False)
    assert booking_charge.customer.id == booking_charge.payment_intent.customer.id
    assert booking_charge.balance_transaction.amount == 13_440
    assert mirrored.PaymentMethod.objects.filter(id=booking_charge.payment_method.id).exists()
    assert booking_charge.refunds.get().amount == 100
    assert mirrored.Transfer.objects.count() == 1
    payout = mirrored.Payout.objects.get()
    assert payout.djstripe_owner_account.id == Payee.objects.get(user=stage.instructor).account_id
    assert mirrored.SetupIntent.objects.exists()


def test_staff_look_at_the_copies(applied: list[StripeEvent]):
    for event in applied:
        if payments.wants_mirroring(event):
            payments.mirror_object(event)
    boss: User = UserFactory(as_superuser=True)
    browser = Client()
    browser.force_login(boss)

    for name in MIRRORED:
        row, pages = getattr(mirrored, name).objects.first(), f"admin:djstripe_{name.lower()}"
        assert browser.get(reverse(f"{pages}_changelist")).status_code == 200, name
        assert browser.get(reverse(f"{pages}_change", args=[row.pk])).status_code == 200, name


def test_it_never_holds_up_what_is_ours(stage: Stage, applied: list[StripeEvent], settings, monkeypatch):
    monkeypatch.setattr("payments.operations.mirroring.SETTLES_IN", timedelta(milliseconds=1))
    event = next(event for event in applied if event.type == "charge.refunded" and not event.account_id)
    settings.STRIPE_API_BASE = "http://127.0.0.1:1"

    tasks.mirror_object(event_pk=event.pk)

    assert payments.mirror_object(event).startswith("GatewayUnavailable")
    assert not mirrored.Charge.objects.exists()


def test_a_burst_about_one_object_is_one_look(stage: Stage, applied: list[StripeEvent], monkeypatch):
    started: list[int] = []
    monkeypatch.setattr(tasks.mirror_object, "apply_async", lambda *, kwargs, countdown: started.append(countdown))
    about = [event for event in applied if event.type.startswith("payment_intent.")]
    assert len({event.object_id for event in about}) < len(about)

    for event in about:
        payments.replay_event(event)
        tasks.apply_event(event_pk=event.pk)

    assert len(started) == len({event.object_id for event in about})


def test_without_a_broker_events_are_applied_all_the_same(stage: Stage, applied: list[StripeEvent], monkeypatch):
    def no_broker(**_: object) -> None:
        raise OperationalError

    monkeypatch.setattr(tasks.mirror_object, "apply_async", no_broker)
    event = next(event for event in applied if event.type == "charge.refunded")
    payments.replay_event(event)

    tasks.apply_event(event_pk=event.pk)

    event.refresh_from_db()
    assert event.applied_at
