"""Calls are kept below Stripe's limit, by reserved slots that every process shares, and never polled for."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from django.test import override_settings

from payments.gateway import pace

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
RATE, GAP, BURST = 10, 0.1, 10  # calls a second, seconds between two, calls that a quiet time has saved up
CAPTURE = "https://api.stripe.com/v1/payment_intents/pi_{}/capture"


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch, db: None) -> Iterator[list[float]]:
    """The naps that calls took; the wall stands, so that only their slots part them."""
    taken: list[float] = []
    monkeypatch.setattr(pace, "wall", lambda: NOON)
    monkeypatch.setattr(pace, "time", SimpleNamespace(sleep=taken.append))
    with override_settings(STRIPE_CALLS_PER_SECOND=RATE):
        yield taken


def test_after_a_burst_each_call_waits_for_a_slot_of_its_own(naps: list[float]) -> None:
    for number in range(BURST + 5):
        pace.wait_for_turn("post", CAPTURE.format(number))

    assert naps == pytest.approx([GAP, 2 * GAP, 3 * GAP, 4 * GAP], abs=1e-3)  # one more is the slot of now


def test_what_was_saved_up_is_no_more_than_a_burst(naps: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    pace.wait_for_turn("post", CAPTURE.format(1))
    monkeypatch.setattr(pace, "wall", lambda: NOON + timedelta(hours=1))

    for number in range(BURST + 2):
        pace.wait_for_turn("post", CAPTURE.format(number))

    assert naps == pytest.approx([GAP], abs=1e-3)


def test_each_endpoint_has_a_pace_of_its_own_whatever_the_object(naps: list[float]) -> None:
    for number in range(BURST + 1):
        pace.wait_for_turn("post", CAPTURE.format(number))

    pace.wait_for_turn("post", "https://api.stripe.com/v1/transfers")
    pace.wait_for_turn("get", "https://api.stripe.com/v1/transfers?limit=100")
    assert naps == []
    pace.wait_for_turn("POST", CAPTURE.format("another"))

    assert naps == pytest.approx([GAP], abs=1e-3)


def test_nobody_waits_longer_than_a_request_can_bear(naps: list[float]) -> None:
    for number in range(BURST + 1 + 60):
        pace.wait_for_turn("post", CAPTURE.format(number))

    assert max(naps) == pace.LONGEST_WAIT  # then Stripe may say 429, which is repeated (P10.4)


def test_without_redis_calls_go_through_at_once(naps: list[float], settings) -> None:
    settings.CACHES = {"default": settings.CACHES["default"] | {"LOCATION": "redis://127.0.0.1:1/0"}}  # nobody there

    for number in range(3 * BURST):
        pace.wait_for_turn("post", CAPTURE.format(number))

    assert naps == []
