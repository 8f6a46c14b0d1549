"""Faults on order: what each does to each kind of call, and what remains of it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import stripe

from tests.simulator.conftest import Stage


@dataclass(frozen=True)
class Kind:
    """One kind of call that faults know: how to prepare it, make it, and tell whether it had effect."""

    prepare: Callable[[Stage], Any]
    act: Callable[[Stage, Any, str], Any]
    happened: Callable[[Stage, Any], bool]
    refusal: tuple[int, str, str]  # status, type and code that `refuse` answers


def _intent(stage: Stage, intent: Any) -> Any:
    return stage.api.payment_intents.retrieve(intent.id)


def _transfer_of(stage: Stage, paid: Any) -> str:
    return stage.api.charges.retrieve(paid[0].latest_charge).transfer


KINDS = {
    "authorize": Kind(
        prepare=lambda stage: stage.customer(),
        act=lambda stage, saved, key: stage.authorize(key=key, customer=saved[0], payment_method=saved[1]),
        happened=lambda stage, saved: stage.control.get("live_holds") != [],
        refusal=(402, "card_error", "card_declined"),
    ),
    "charge": Kind(
        prepare=lambda stage: stage.customer(),
        act=lambda stage, saved, key: stage.authorize(
            key=key, customer=saved[0], payment_method=saved[1], capture_method="automatic"
        ),
        happened=lambda stage, saved: stage.balance() > 100_000,
        refusal=(402, "card_error", "card_declined"),
    ),
    "capture": Kind(
        prepare=lambda stage: stage.authorize(),
        act=lambda stage, intent, key: stage.capture(intent.id, key=key),
        happened=lambda stage, intent: _intent(stage, intent).status == "succeeded",
        refusal=(402, "card_error", "card_declined"),
    ),
    "void": Kind(
        prepare=lambda stage: stage.authorize(),
        act=lambda stage, intent, key: stage.api.payment_intents.cancel(intent.id, {}, {"idempotency_key": key}),
        happened=lambda stage, intent: _intent(stage, intent).status == "canceled",
        refusal=(400, "invalid_request_error", "processing_error"),
    ),
    "payout": Kind(
        prepare=lambda stage: stage.instructor(),
        act=lambda stage, account, key: stage.api.transfers.create(
            {"amount": 100, "currency": "usd", "destination": account}, {"idempotency_key": key}
        ),
        happened=lambda stage, account: stage.balance(account) == 100,
        refusal=(400, "invalid_request_error", "balance_insufficient"),
    ),
    "reverse": Kind(
        prepare=lambda stage: stage.lesson_paid(),
        act=lambda stage, paid, key: stage.api.transfers.reversals.create(
            _transfer_of(stage, paid), {}, {"idempotency_key": key}
        ),
        happened=lambda stage, paid: stage.balance(paid[1]) == 0,
        refusal=(400, "invalid_request_error", "balance_insufficient"),
    ),
    "refund": Kind(
        prepare=lambda stage: stage.capture(stage.authorize().id),
        act=lambda stage, intent, key: stage.api.refunds.create(
            {"payment_intent": intent.id}, {"idempotency_key": key}
        ),
        happened=lambda stage, intent: stage.api.charges.retrieve(intent.latest_charge).refunded,
        refusal=(400, "invalid_request_error", "balance_insufficient"),
    ),
    "account": Kind(
        prepare=lambda stage: stage.instructor(),
        act=lambda stage, account, key: stage.api.accounts.update(
            account, {"settings": {"payouts": {"schedule": {"interval": "manual"}}}}, {"idempotency_key": key}
        ),
        happened=lambda stage, account: (
            stage.api.accounts.retrieve(account).settings.payouts.schedule.interval == "manual"
        ),
        refusal=(400, "invalid_request_error", "payouts_not_allowed"),
    ),
}

every_kind = pytest.mark.parametrize("call", KINDS)


@every_kind
def test_refuse_is_a_definite_no_kept_under_its_key(stage: Stage, call: str) -> None:
    kind = KINDS[call]
    subject = kind.prepare(stage)
    stage.control.post("faults", call=call, fault="refuse")

    answers = []
    for _ in range(2):
        with pytest.raises(stripe.StripeError) as caught:
            kind.act(stage, subject, "k")
        answers.append((caught.value.http_status, caught.value.error.type, caught.value.error.code))

    assert answers == [kind.refusal, kind.refusal]
    assert not kind.happened(stage, subject)
    kind.act(stage, subject, "another key")
    assert kind.happened(stage, subject)


@every_kind
def test_lost_answer_takes_effect_once(stage: Stage, call: str) -> None:
    kind = KINDS[call]
    subject = kind.prepare(stage)
    stage.control.post("faults", call=call, fault="lost_answer", times=2)

    for _ in range(2):  # the second time it breaks the replay
        with pytest.raises(stripe.APIConnectionError):
            kind.act(stage, subject, "k")
    happened = kind.happened(stage, subject)
    kind.act(stage, subject, "k")

    log = stage.control.get("requests", key="k")
    assert happened
    assert stage.http.last_headers["idempotent-replayed"] == "true"
    assert [(entry["status"], entry["effect"], entry["replayed"]) for entry in log] == [
        (None, True, False),
        (None, False, True),
        (200, False, True),
    ]
    assert [entry["fault"] for entry in log] == ["lost_answer", "lost_answer", None]
    assert {entry["call"] for entry in log} == {call}


@every_kind
@pytest.mark.parametrize("fault", ["error_500", "timeout_before", "error_429"])
def test_faults_before_have_no_effect_and_are_not_kept(stage: Stage, call: str, fault: str) -> None:
    kind = KINDS[call]
    subject = kind.prepare(stage)
    stage.control.post("faults", call=call, fault=fault, times=2)

    for _ in range(2):
        with pytest.raises((stripe.APIError, stripe.APIConnectionError, stripe.RateLimitError)) as caught:
            kind.act(stage, subject, "k")
    happened = kind.happened(stage, subject)
    kind.act(stage, subject, "k")

    assert caught.value.http_status == {"error_500": 500, "timeout_before": None, "error_429": 429}[fault]
    assert not happened
    assert kind.happened(stage, subject)
    assert [entry["effect"] for entry in stage.control.get("requests", key="k")] == [False, False, True]


@every_kind
def test_a_stored_500_is_replayed_for_ever(stage: Stage, call: str) -> None:
    kind = KINDS[call]
    subject = kind.prepare(stage)
    stage.control.post("faults", call=call, fault="stored_500")

    for _ in range(3):
        with pytest.raises(stripe.APIError) as caught:
            kind.act(stage, subject, "k")
        assert (caught.value.http_status, caught.value.headers["Stripe-Should-Retry"]) == (500, "false")

    assert not kind.happened(stage, subject)
    kind.act(stage, subject, "another key")
    assert kind.happened(stage, subject)


@every_kind
def test_a_replay_can_be_hit_by_a_fault_before(stage: Stage, call: str) -> None:
    kind = KINDS[call]
    subject = kind.prepare(stage)
    kind.act(stage, subject, "k")
    stage.control.post("faults", call=call, fault="error_500")
    stage.control.post("faults", call=call, fault="refuse")

    with pytest.raises(stripe.APIError):
        kind.act(stage, subject, "k")
    kind.act(stage, subject, "k")

    assert [order["fault"] for order in stage.control.get("faults")] == ["refuse"]  # replays use none up


def test_an_ordered_decline_leaves_the_intent_wanting_another_card(stage: Stage) -> None:
    stage.control.post("faults", call="authorize", fault="refuse", decline_code="lost_card")

    with pytest.raises(stripe.CardError) as caught:
        stage.authorize()

    assert caught.value.error.decline_code == "lost_card"
    assert caught.value.error.payment_intent.status == "requires_payment_method"


def test_a_refused_capture_shows_the_intent_whose_hold_lives_on(stage: Stage) -> None:
    intent = stage.authorize()
    stage.control.post("faults", call="capture", fault="refuse")

    with pytest.raises(stripe.CardError) as caught:
        stage.capture(intent.id)

    assert caught.value.error.payment_intent.status == "requires_capture"
    assert [hold["payment_intent"] for hold in stage.control.get("live_holds")] == [intent.id]


@pytest.mark.parametrize("call", ["authorize", "capture", "payout"])
def test_a_refusal_can_be_the_accounts_fault(stage: Stage, call: str) -> None:
    kind = KINDS[call]
    subject = kind.prepare(stage)
    stage.control.post("faults", call=call, fault="refuse", code="account_invalid")

    with pytest.raises(stripe.InvalidRequestError) as caught:
        kind.act(stage, subject, "k")

    assert (caught.value.http_status, caught.value.code) == (400, "account_invalid")


def test_an_invalid_request_uses_no_fault_up(stage: Stage) -> None:
    intent = stage.authorize()
    stage.api.payment_intents.cancel(intent.id)
    stage.control.post("faults", call="capture", fault="refuse")

    with pytest.raises(stripe.InvalidRequestError) as caught:
        stage.capture(intent.id)

    assert caught.value.code == "payment_intent_unexpected_state"
    assert len(stage.control.get("faults")) == 1


def test_faults_strike_in_order_as_often_as_told(stage: Stage) -> None:
    intent = stage.authorize()
    stage.control.post("faults", call="capture", fault="refuse", times=2)
    stage.control.post("faults", call="any", fault="error_500")
    seen = []
    for attempt in range(4):
        try:
            seen.append(stage.capture(intent.id, key=f"k{attempt}").status)
        except stripe.StripeError as error:
            seen.append(str(error.http_status))

    assert seen == ["402", "402", "500", "succeeded"]


def test_always_lasts_until_none(stage: Stage) -> None:
    intent = stage.authorize()
    stage.control.post("faults", call="capture", fault="refuse", times="always")
    stage.control.post("faults", call="authorize", fault="refuse", times="always")
    for _ in range(3):
        with pytest.raises(stripe.CardError):
            stage.capture(intent.id)

    stage.control.post("faults", call="capture", fault="none")

    assert stage.capture(intent.id).status == "succeeded"
    with pytest.raises(stripe.CardError):
        stage.authorize()
    stage.control.delete("faults")
    assert stage.authorize().status == "requires_capture"


def test_a_fault_can_be_for_one_customer_object_or_booking(stage: Stage) -> None:
    first, second = stage.authorize(metadata={"booking": "1"}), stage.authorize(metadata={"booking": "2"})
    third = stage.authorize()
    stage.control.post("faults", call="capture", fault="refuse", match={"metadata": {"booking": "1"}})
    stage.control.post("faults", call="capture", fault="refuse", match={"customer": second.customer})
    stage.control.post("faults", call="void", fault="refuse", match={"id": third.id})

    assert stage.capture(third.id).status == "succeeded"
    for intent in (first, second):
        with pytest.raises(stripe.CardError):
            stage.capture(intent.id)
    assert stage.api.payment_intents.cancel(first.id).status == "canceled"
    assert [order["call"] for order in stage.control.get("faults")] == ["void"]


def test_reads_fail_only_when_reads_are_meant(stage: Stage) -> None:
    stage.control.post("faults", call="any", fault="error_500", times="always")
    stage.api.balance.retrieve()
    stage.control.post("faults", call="read", fault="timeout_before")

    with pytest.raises(stripe.APIConnectionError):
        stage.api.balance.retrieve()
    stage.api.balance.retrieve()


def test_an_unknown_fault_is_refused(stage: Stage) -> None:
    with pytest.raises(AssertionError, match="call is one of"):
        stage.control.post("faults", call="capture", fault="explode")


def test_the_sdks_own_retry_finds_the_effect(stage: Stage, make_client: Callable[..., Any]) -> None:
    client, _ = make_client(stage.url, max_network_retries=1)
    account = stage.instructor()
    stage.control.post("faults", call="payout", fault="lost_answer")

    transfer = client.v1.transfers.create({"amount": 100, "currency": "usd", "destination": account})

    assert transfer.amount == 100
    assert stage.balance(account) == 100


def test_a_delay_comes_beside_another_fault(stage: Stage) -> None:
    intent = stage.authorize()
    stage.control.post("faults", call="any", fault="latency", latency_ms=60, times="always")
    stage.control.post("faults", call="capture", fault="refuse")
    begun = time.monotonic()

    with pytest.raises(stripe.CardError):
        stage.capture(intent.id)

    assert time.monotonic() - begun > 0.06
