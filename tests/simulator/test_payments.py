"""Authorize, capture, cancel: the money's way from a card."""

import pytest
import stripe

from tests.simulator.conftest import Stage

DAY = 24 * 60 * 60


def test_a_hold_takes_nothing_yet_and_says_until_when_it_lives(stage: Stage) -> None:
    intent = stage.authorize(metadata={"booking": "7"})

    charge = stage.api.charges.retrieve(intent.latest_charge)
    assert (intent.status, intent.amount_capturable, intent.amount_received) == ("requires_capture", 13_440, 0)
    assert (charge.paid, charge.captured, charge.balance_transaction) == (True, False, None)
    assert charge.payment_method_details.card.capture_before == charge.created + 7 * DAY
    assert charge.metadata.to_dict() == {"booking": "7"}
    assert stage.balance() == 100_000


def test_capturing_a_destination_charge_pays_the_destination_its_share(stage: Stage) -> None:
    account = stage.instructor()
    intent = stage.authorize(transfer_data={"destination": account, "amount": 10_560})

    captured = stage.capture(intent.id, expand=["latest_charge.balance_transaction", "latest_charge.transfer"])

    charge = captured.latest_charge
    transaction, transfer = charge.balance_transaction, charge.transfer
    assert (captured.status, captured.amount_received) == ("succeeded", 13_440)
    assert (transaction.amount, transaction.fee, transaction.net) == (13_440, 420, 13_020)  # 2.9 % + 30, half up
    assert (transfer.amount, transfer.destination, transfer.source_transaction) == (10_560, account, charge.id)
    assert transfer.destination_payment.startswith("py_")
    assert transfer.transfer_group == captured.transfer_group == charge.transfer_group
    assert stage.balance() == 100_000 + 13_020 - 10_560
    assert stage.balance(account) == 10_560


def test_the_share_may_be_set_anew_at_capture(stage: Stage) -> None:
    account = stage.instructor()
    intent = stage.authorize(transfer_data={"destination": account, "amount": 10_560})

    captured = stage.capture(intent.id, amount_to_capture=10_000, transfer_data={"amount": 9_000})

    assert (captured.amount_received, stage.balance(account)) == (10_000, 9_000)


@pytest.mark.parametrize(("amount", "fee"), [(50, 31), (1_000, 59), (1_017, 59), (1_018, 60), (13_440, 420)], ids=str)
def test_the_fee_is_rounded_half_up(stage: Stage, amount: int, fee: int) -> None:
    intent = stage.authorize(amount=amount)

    captured = stage.capture(intent.id, expand=["latest_charge.balance_transaction"])

    assert captured.latest_charge.balance_transaction.fee == fee


def test_a_plain_charge_knows_its_fee_at_once(stage: Stage) -> None:
    intent = stage.authorize(capture_method="automatic", expand=["latest_charge.balance_transaction"])

    assert (intent.status, intent.latest_charge.balance_transaction.net) == ("succeeded", 13_020)


def test_stripes_default_books_the_charge_a_moment_later(stage: Stage) -> None:
    account = stage.instructor()
    customer, card = stage.customer()
    intent = stage.api.payment_intents.create(
        {
            "amount": 13_440,
            "currency": "usd",
            "customer": customer,
            "payment_method": card,
            "confirm": True,
            "off_session": True,
            "transfer_data": {"destination": account},
            "expand": ["latest_charge"],
        }
    )

    later = stage.api.charges.retrieve(intent.latest_charge.id, {"expand": ["balance_transaction"]})

    assert intent.capture_method == "automatic_async"
    assert intent.latest_charge.balance_transaction is None
    assert later.balance_transaction.fee == 420
    assert stage.balance(account) == 13_440


def test_cancelling_frees_the_hold(stage: Stage) -> None:
    intent = stage.authorize()

    cancelled = stage.api.payment_intents.cancel(intent.id, {"cancellation_reason": "requested_by_customer"})

    charge = stage.api.charges.retrieve(intent.latest_charge, {"expand": ["refunds"]})
    assert (cancelled.status, cancelled.amount_capturable) == ("canceled", 0)
    assert cancelled.cancellation_reason == "requested_by_customer"
    assert (charge.captured, charge.refunded) == (False, True)
    assert [refund.balance_transaction for refund in charge.refunds.data] == [None]
    assert stage.control.get("live_holds") == []


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ("cancel", "cancel"),
        ("cancel", "capture"),
        ("capture", "cancel"),
        ("capture", "capture"),
        ("capture", "confirm"),
    ],
)
def test_what_is_over_is_over(stage: Stage, first: str, then: str) -> None:
    intent = stage.authorize()
    getattr(stage.api.payment_intents, first)(intent.id)

    with pytest.raises(stripe.InvalidRequestError) as caught:
        getattr(stage.api.payment_intents, then)(intent.id)

    assert caught.value.code == "payment_intent_unexpected_state"
    assert caught.value.error.payment_intent.id == intent.id
    assert caught.value.error.payment_intent.status in ("canceled", "succeeded")


def test_a_hold_lapses_when_the_clock_reaches_its_end(stage: Stage) -> None:
    stage.control.post("clock", standing_at=1_770_000_000)
    intent = stage.authorize()

    stage.control.post("clock", standing_at=1_770_000_000 + 7 * DAY - 1)
    before = stage.api.payment_intents.retrieve(intent.id).status
    stage.control.post("clock", standing_at=1_770_000_000 + 30 * DAY)
    after = stage.api.payment_intents.retrieve(intent.id)

    assert before == "requires_capture"
    assert (after.status, after.cancellation_reason) == ("canceled", "automatic")
    assert after.canceled_at == 1_770_000_000 + 7 * DAY  # at its own instant, not when it was noticed
    assert {"payment_intent.canceled", "charge.expired"} <= set(stage.events())
    with pytest.raises(stripe.InvalidRequestError) as caught:
        stage.capture(intent.id)
    assert caught.value.code == "payment_intent_unexpected_state"


def test_off_session_visa_holds_are_shorter_only_when_asked_for(stage: Stage) -> None:
    usual = stage.authorize()
    stage.control.post("settings", hold_seconds_off_session_visa=410_400)
    shorter = stage.authorize()
    mastercard = stage.authorize("pm_card_mastercard")

    lives = [
        charge.payment_method_details.card.capture_before - charge.created
        for charge in (stage.api.charges.retrieve(i.latest_charge) for i in (usual, shorter, mastercard))
    ]
    assert lives == [7 * DAY, 410_400, 7 * DAY]


def test_an_intent_can_be_made_changed_and_confirmed_step_by_step(stage: Stage) -> None:
    account = stage.instructor()
    customer, card = stage.customer()
    intent = stage.api.payment_intents.create(
        {
            "amount": 5_000,
            "currency": "usd",
            "customer": customer,
            "capture_method": "manual",
            "transfer_data": {"destination": account, "amount": 4_000},
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        }
    )
    statuses = [intent.status]
    changed = {"payment_method": card, "amount": 6_000, "transfer_data": {"amount": 4_500}, "metadata": {"a": "1"}}
    statuses.append(stage.api.payment_intents.update(intent.id, changed).status)
    statuses.append(stage.api.payment_intents.confirm(intent.id).status)
    statuses.append(stage.capture(intent.id).status)

    assert statuses == ["requires_payment_method", "requires_confirmation", "requires_capture", "succeeded"]
    assert stage.balance(account) == 4_500


def test_an_authorized_intent_keeps_its_terms_but_takes_metadata(stage: Stage) -> None:
    intent = stage.authorize()

    noted = stage.api.payment_intents.update(intent.id, {"metadata": {"note": "x"}})
    with pytest.raises(stripe.InvalidRequestError) as caught:
        stage.api.payment_intents.update(intent.id, {"amount": 1_000})

    assert noted.metadata.to_dict() == {"note": "x"}
    assert caught.value.code == "payment_intent_unexpected_state"


@pytest.mark.parametrize(
    ("changes", "code", "param"),
    [
        ({"amount": 49}, "amount_too_small", "amount"),
        ({"currency": "eur"}, None, "currency"),
        ({"transfer_data": {"destination": "acct_missing"}}, "resource_missing", "transfer_data[destination]"),
    ],
)
def test_impossible_intents_are_refused(stage: Stage, changes: dict, code: str | None, param: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        stage.authorize(**changes)

    assert (caught.value.code, caught.value.param) == (code, param)


def test_a_share_above_the_charge_is_refused(stage: Stage) -> None:
    account = stage.instructor()

    with pytest.raises(stripe.InvalidRequestError) as caught:
        stage.authorize(transfer_data={"destination": account, "amount": 13_441})

    assert caught.value.param == "transfer_data[amount]"


def test_a_destination_must_be_able_to_receive(stage: Stage) -> None:
    account = stage.instructor()
    intent = stage.authorize(transfer_data={"destination": account, "amount": 100})
    stage.control.post(f"accounts/{account}", transfers="inactive")

    for attempt in (
        lambda: stage.authorize(transfer_data={"destination": account, "amount": 100}),
        lambda: stage.capture(intent.id),
        lambda: stage.api.transfers.create({"amount": 100, "currency": "usd", "destination": account}),
    ):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            attempt()
        assert caught.value.code == "insufficient_capabilities_for_transfer"
    assert stage.api.payment_intents.retrieve(intent.id).status == "requires_capture"


def test_an_on_session_payment_needs_a_page_to_return_to(stage: Stage) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="you must provide a `return_url`"):
        stage.authorize(off_session=False)

    assert stage.authorize(off_session=False, return_url="https://example.com/").status == "requires_capture"
    assert stage.authorize(off_session=False, payment_method_types=["card"]).status == "requires_capture"
