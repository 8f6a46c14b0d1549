"""One key, one effect: the first answer is replayed, whatever it was."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
import stripe

from tests.simulator.conftest import API_KEY, Stage


def _effects(stage: Stage, key: str) -> list[bool]:
    return [entry["effect"] for entry in stage.control.get("requests", key=key)]


def test_the_first_answer_is_replayed_byte_for_byte(stage: Stage) -> None:
    account = stage.instructor()
    params = {"amount": "700", "currency": "usd", "destination": account}
    headers = {"Authorization": f"Bearer {API_KEY}", "Idempotency-Key": "top-up-7"}

    first, second = (
        requests.post(f"{stage.url}/v1/transfers", data=params, headers=headers, timeout=5) for _ in range(2)
    )

    assert first.content == second.content
    assert stage.balance(account) == 700
    assert _effects(stage, "top-up-7") == [True, False]
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["Idempotent-Replayed"] == "true"
    assert second.headers["Original-Request"] == first.headers["Request-Id"] != second.headers["Request-Id"]
    assert {headers["Idempotency-Key"]} == {answer.headers["Idempotency-Key"] for answer in (first, second)}


def test_a_refusal_is_replayed_too_even_when_it_would_succeed_now(stage: Stage) -> None:
    account = stage.instructor()

    def pay(key: str) -> stripe.Transfer:
        params = {"amount": 100_001, "currency": "usd", "destination": account}
        return stage.api.transfers.create(params, {"idempotency_key": key})

    with pytest.raises(stripe.InvalidRequestError) as first:
        pay("k")
    stage.control.post("platform/fund", cents=1_000)
    with pytest.raises(stripe.InvalidRequestError) as second:
        pay("k")

    assert first.value.json_body == second.value.json_body
    assert pay("another").amount == 100_001


def test_a_declined_payment_is_one_intent(stage: Stage) -> None:
    customer, method = stage.customer("pm_card_chargeCustomerFail")

    declined = []
    for _ in range(2):
        with pytest.raises(stripe.CardError) as caught:
            stage.authorize(key="k", customer=customer, payment_method=method)
        declined.append(caught.value.error.payment_intent.id)

    assert declined[0] == declined[1]
    assert len(stage.api.payment_intents.list({"customer": customer}).data) == 1


@pytest.mark.parametrize("other", [{"amount": 200}, {"amount": 100, "metadata": {"a": "1"}}], ids=["amount", "more"])
def test_a_key_belongs_to_its_parameters(stage: Stage, other: dict) -> None:
    params = {"currency": "usd", "destination": stage.instructor()}
    stage.api.transfers.create(params | {"amount": 100}, {"idempotency_key": "k"})

    with pytest.raises(stripe.IdempotencyError) as caught:
        stage.api.transfers.create(params | other, {"idempotency_key": "k"})

    assert (caught.value.http_status, caught.value.error.type) == (400, "idempotency_error")
    assert "same parameters" in str(caught.value)


def test_a_key_belongs_to_its_path(stage: Stage) -> None:
    first, second = stage.authorize(), stage.authorize()
    stage.capture(first.id, key="k")

    with pytest.raises(stripe.IdempotencyError, match="same endpoint"):
        stage.capture(second.id, key="k")

    assert stage.api.payment_intents.retrieve(second.id).status == "requires_capture"


def test_a_key_belongs_to_one_account(stage: Stage) -> None:
    account = stage.instructor()
    stage.api.customers.create({"email": "a@example.com"}, {"idempotency_key": "k"})

    other = stage.api.customers.create({"email": "b@example.com"}, {"idempotency_key": "k", "stripe_account": account})

    assert other.email == "b@example.com"


def test_invalid_requests_leave_the_key_unused(stage: Stage) -> None:
    params = {"currency": "usd", "destination": stage.instructor()}
    with pytest.raises(stripe.InvalidRequestError, match="unknown parameter"):
        stage.api.transfers.create(params | {"amount": 100, "colour": "red"}, {"idempotency_key": "k"})

    assert stage.api.transfers.create(params | {"amount": 100}, {"idempotency_key": "k"}).amount == 100


def test_keys_age_by_real_time_not_by_the_simulators(stage: Stage) -> None:
    params = {"amount": 100, "currency": "usd", "destination": stage.instructor()}

    def pay() -> str:
        return stage.api.transfers.create(params, {"idempotency_key": "k"}).id

    first = pay()
    stage.control.post("clock", offset_seconds=30 * 24 * 60 * 60)
    replayed = pay()
    stage.control.post("settings", idempotency_key_seconds=0)
    time.sleep(0.01)
    anew = pay()

    assert first == replayed != anew


def test_keys_age_by_the_simulators_time_where_the_machines_travel_with_it(stage: Stage) -> None:
    params = {"amount": 100, "currency": "usd", "destination": stage.instructor()}

    def pay() -> str:
        return stage.api.transfers.create(params, {"idempotency_key": "k"}).id

    stage.control.post("settings", idempotency_keys_travel=1)
    first = pay()
    stage.control.post("clock", offset_seconds=23 * 60 * 60)
    replayed = pay()
    stage.control.post("clock", offset_seconds=25 * 60 * 60)

    assert first == replayed != pay()


def test_twenty_threads_with_one_key_have_one_effect(stage: Stage) -> None:
    intent = stage.authorize()
    together = threading.Barrier(20)

    def capture(_: int) -> str:
        together.wait()
        try:
            return stage.capture(intent.id, key="k").status
        except stripe.APIError as error:
            return error.error.code

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(capture, range(20)))

    assert "succeeded" in answers
    assert set(answers) <= {"succeeded", "idempotency_key_in_use"}
    assert _effects(stage, "k").count(True) == 1
    assert stage.balance() == 113_020


def test_twenty_threads_with_keys_of_their_own_have_one_effect_where_only_one_is_possible(stage: Stage) -> None:
    account = stage.instructor()

    def pay(number: int) -> bool:
        params = {"amount": 60_000, "currency": "usd", "destination": account}
        try:
            return bool(stage.api.transfers.create(params, {"idempotency_key": f"k{number}"}))
        except stripe.InvalidRequestError:
            return False

    with ThreadPoolExecutor(20) as pool:
        assert sum(pool.map(pay, range(20))) == 1

    assert (stage.balance(), stage.balance(account)) == (40_000, 60_000)


def test_a_key_in_flight_is_a_conflict(stage: Stage) -> None:
    intent = stage.authorize()
    stage.control.post("faults", call="capture", fault="latency", latency_ms=400)

    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(stage.capture, intent.id, "k")
        while not stage.server.core.keys_in_use:
            time.sleep(0.005)
        with pytest.raises(stripe.APIError) as caught:
            stage.capture(intent.id, key="k")

    assert (caught.value.http_status, caught.value.error.code) == (409, "idempotency_key_in_use")
    assert caught.value.headers["Stripe-Should-Retry"] == "true"
    assert slow.result().status == "succeeded"
    assert stage.capture(intent.id, key="k").status == "succeeded"
    assert _effects(stage, "k") == [False, True, False]


def test_gets_and_deletes_have_no_keys(stage: Stage) -> None:
    customer = stage.api.customers.create().id
    headers = {"Authorization": f"Bearer {API_KEY}", "Idempotency-Key": "k"}

    before = requests.get(f"{stage.url}/v1/customers/{customer}", headers=headers, timeout=5)
    stage.api.customers.update(customer, {"name": "Sam"})
    after = requests.get(f"{stage.url}/v1/customers/{customer}", headers=headers, timeout=5)

    assert (json.loads(before.content)["name"], json.loads(after.content)["name"]) == (None, "Sam")
