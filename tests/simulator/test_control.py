"""The control API beside faults and webhooks: clock, settings, log, sums, reset."""

import time

import pytest
import requests

from tests.simulator.conftest import Stage

DAY = 24 * 60 * 60


def test_health(stage: Stage) -> None:
    assert stage.control.get("health")["status"] == "ok"


def test_the_clock_follows_the_wall_or_stands(stage: Stage) -> None:
    stage.control.post("clock", offset_seconds=5 * DAY)
    ahead = stage.api.customers.create().created
    stage.control.post("clock", standing_at=1_770_000_000.25)
    standing = [stage.api.customers.create().created for _ in range(2)]
    clock = stage.control.get("clock")
    stage.control.post("clock", offset_seconds=0)

    assert abs(ahead - 5 * DAY - time.time()) < 3
    assert standing == [1_770_000_000, 1_770_000_000]
    assert clock == {"standing_at": 1_770_000_000.25, "now": 1_770_000_000.25}
    assert abs(stage.api.customers.create().created - time.time()) < 3


def test_what_falls_due_on_the_way_happens_in_order(stage: Stage) -> None:
    stage.control.post("clock", standing_at=1_770_000_000)
    late = stage.authorize()
    stage.control.post("settings", hold_seconds=DAY)
    early = stage.authorize()

    stage.control.post("clock", standing_at=1_770_000_000 + 8 * DAY)

    ended = stage.api.events.list({"type": "payment_intent.canceled"}).data
    assert [(event.data.object.id, event.created) for event in reversed(ended)] == [
        (early.id, 1_770_000_000 + DAY),
        (late.id, 1_770_000_000 + 7 * DAY),
    ]


def test_settings_change_what_stripe_takes(stage: Stage) -> None:
    stage.control.post("settings", fee_basis_points=100, fee_fixed_cents=0, dispute_fee_cents=2_000)

    intent = stage.capture(stage.authorize().id, expand=["latest_charge.balance_transaction"])
    opened = stage.control.post("disputes", payment_intent=intent.id, phase="opened")

    assert intent.latest_charge.balance_transaction.fee == 134
    assert opened["balance_transactions"][0]["fee"] == 2_000
    assert stage.control.get("settings")["fee_basis_points"] == 100


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("settings", {"colour": 1}, 400),
        ("clock", {}, 400),
        ("disputes", {"payment_intent": "pi_x", "phase": "opened"}, 404),
        ("webhooks", {"mode": "loud"}, 400),
        ("nothing", {}, 404),
        ("payment_intents/pi_x/authenticate", {}, 404),
    ],
)
def test_mistakes_are_told(stage: Stage, path: str, body: dict, status: int) -> None:
    answer = requests.post(f"{stage.url}/_control/{path}", json=body, timeout=5)

    assert (answer.status_code, bool(answer.json()["error"]["message"])) == (status, True)


def test_the_log_tells_what_had_effect(stage: Stage) -> None:
    intent = stage.authorize(key="a")
    stage.capture(intent.id, key="b")
    stage.capture(intent.id, key="b")

    log = [
        (entry["call"], entry["idempotency_key"], entry["status"], entry["replayed"], entry["effect"])
        for entry in stage.control.get("requests")
        if entry["call"]
    ]
    assert log == [
        ("authorize", "a", 200, False, True),
        ("capture", "b", 200, False, True),
        ("capture", "b", 200, True, False),
    ]
    assert len(stage.control.get("requests", call="capture")) == 2
    stage.control.delete("requests")
    assert stage.control.get("requests") == []


def test_sums_by_group_and_metadata_agree_with_the_balances(stage: Stage) -> None:
    account = stage.instructor()
    share = {"destination": account, "amount": 10_560}
    paid = stage.capture(stage.authorize(transfer_group="b1", transfer_data=share, metadata={"booking": "1"}).id)
    stage.api.transfers.create({"amount": 500, "currency": "usd", "destination": account, "transfer_group": "b1"})
    transfer = stage.api.charges.retrieve(paid.latest_charge).transfer
    stage.api.transfers.reversals.create(transfer, {"amount": 1_000})
    stage.api.refunds.create({"payment_intent": paid.id, "amount": 2_000})
    held = stage.authorize(transfer_group="b2", metadata={"booking": "2"})
    void = stage.authorize(transfer_group="b3")
    stage.api.payment_intents.cancel(void.id)

    everything = stage.control.get("summary")
    one = stage.control.get("summary", transfer_group="b1")
    two = stage.control.get("summary", **{"metadata[booking]": "2"})

    sums = one["groups"]["b1"]
    assert list(one["groups"]) == ["b1"]
    assert {name: sums[name] for name in ("held", "captured", "refunded", "transferred", "reversed", "fees")} == {
        "held": 0, "captured": 13_440, "refunded": 2_000, "transferred": 11_060, "reversed": 1_000, "fees": 420,
    }  # fmt: skip
    assert (sums["payment_intents"], len(sums["transfers"])) == ([paid.id], 2)
    assert (two["groups"]["b2"]["held"], two["groups"]["b2"]["payment_intents"]) == (13_440, [held.id])
    assert (everything["groups"]["b3"]["held"], everything["groups"]["b3"]["refunded"]) == (0, 0)
    assert everything["balances"]["accounts"][account]["available"] == 10_060
    assert everything["balances"]["platform"]["available"] == stage.balance() == 100_000 + 13_020 - 10_060 - 2_000
    assert [hold["payment_intent"] for hold in stage.control.get("live_holds")] == [held.id]


def test_reset_forgets_everything(stage: Stage) -> None:
    stage.authorize()
    stage.control.post("clock", standing_at=1)
    stage.control.post("webhooks", mode="queue")
    stage.control.post("faults", call="any", fault="error_500", times="always")

    stage.control.post("reset")

    assert stage.api.payment_intents.list().data == []
    assert stage.balance() == 0
    assert stage.control.get("clock")["now"] > 1
    assert stage.api.customers.create().id.startswith("cus_")
    assert [entry["event"]["type"] for entry in stage.control.get("webhooks/queue")] == ["customer.created"]
