"""Stripe's own example objects: what they show, ours show too."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from tests.simulator import openapi
from tests.simulator.conftest import Stage

FIXTURES = Path(__file__).parents[1] / "data" / "stripe" / "fixtures3.json.gz"
ABSENT = {  # fields of an example that Stripe shows in some circumstances only
    "charge": {"refunds"},  # when expanded
    "payment_intent": {"managed_payments"},
    "setup_intent": {"managed_payments"},
}
KINDS = (
    "account", "balance", "balance_transaction", "charge", "customer", "dispute", "event", "payment_intent",
    "payment_method", "payout", "refund", "setup_attempt", "setup_intent", "topup", "transfer", "transfer_reversal",
    "webhook_endpoint",
)  # fmt: skip


@pytest.fixture(scope="module")
def examples() -> dict[str, dict[str, Any]]:
    with gzip.open(FIXTURES, "rt") as file:
        return json.load(file)["resources"]


def _ours(stage: Stage) -> dict[str, dict[str, Any]]:
    """One of each, made by using them all."""
    intent, account = stage.lesson_paid()
    transfer = stage.api.charges.retrieve(intent.latest_charge).transfer
    stage.api.transfers.reversals.create(transfer, {"amount": 100})
    stage.api.refunds.create({"payment_intent": intent.id, "amount": 100})
    stage.control.post("disputes", payment_intent=intent.id, phase="opened")
    stage.api.payouts.create({"amount": 100, "currency": "usd"}, {"stripe_account": account})
    stage.api.webhook_endpoints.create({"url": "https://example.com/", "enabled_events": ["*"]})
    with stage.server.core.unit():
        found = {kind: next(stage.server.core.objects.find(kind)) for kind in KINDS if kind != "balance"}
    return found | {"balance": stage.api.balance.retrieve().to_dict()}


def test_ours_show_what_stripes_examples_show(stage: Stage, examples: dict[str, dict[str, Any]]) -> None:
    schemas = openapi.description()["components"]["schemas"]

    ours = _ours(stage)

    for kind in KINDS:
        known = schemas[kind]["properties"].keys()  # the examples are somewhat newer than the description
        expected = examples[kind].keys() & known - ABSENT.get(kind, set())
        assert expected - ours[kind].keys() == set(), kind


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"colour": "red"}, "topup.colour is unknown"),
        ({"amount": "5"}, "topup.amount is no integer but '5'"),
        ({"amount": None}, "topup.amount is null"),
        ({"status": "odd"}, "topup.status is 'odd'"),
        ({"metadata": {"a": 1}}, "topup.metadata.a is no string but 1"),
    ],
)
def test_the_walk_notices(stage: Stage, change: dict[str, Any], told: str) -> None:
    topup = stage.api.topups.create({"amount": 500, "currency": "usd"}).to_dict()
    assert openapi.faults_of_object(topup) == []

    [fault] = openapi.faults_of_object(topup | change)

    assert fault.startswith(told)


def test_the_walk_notices_what_is_missing(stage: Stage) -> None:
    topup = stage.api.topups.create({"amount": 500, "currency": "usd"}).to_dict()
    del topup["amount"]

    assert openapi.faults_of_object(topup) == ["topup.amount is missing"]
