"""Money on its way back: refunds, and the bank's disputes."""

import pytest
import stripe

from tests.simulator.conftest import Stage


def test_refunds_never_exceed_what_was_captured(stage: Stage) -> None:
    intent = stage.capture(stage.authorize().id, amount_to_capture=10_000)

    part = stage.api.refunds.create({"payment_intent": intent.id, "amount": 4_000, "reason": "requested_by_customer"})
    with pytest.raises(stripe.InvalidRequestError) as too_much:
        stage.api.refunds.create({"payment_intent": intent.id, "amount": 6_001})
    rest = stage.api.refunds.create({"charge": intent.latest_charge, "metadata": {"a": "1"}})
    with pytest.raises(stripe.InvalidRequestError) as nothing_left:
        stage.api.refunds.create({"payment_intent": intent.id, "amount": 1})

    charge = stage.api.charges.retrieve(intent.latest_charge, {"expand": ["refunds"]})
    assert (part.amount, part.status, rest.amount) == (4_000, "succeeded", 6_000)
    assert too_much.value.param == "amount"
    assert "($60.01) is greater than unrefunded amount on charge ($60.00)" in str(too_much.value)
    assert nothing_left.value.code == "charge_already_refunded"
    assert (charge.amount_refunded, charge.refunded) == (10_000, True)
    assert [found.id for found in charge.refunds.data] == [rest.id, part.id]
    assert [found.id for found in stage.api.refunds.list({"payment_intent": intent.id}).data] == [rest.id, part.id]
    assert stage.balance() == 100_000 - 320  # the fee is not given back


def test_a_refund_can_reverse_its_share_of_the_transfer(stage: Stage) -> None:
    intent, account = stage.lesson_paid()

    half = stage.api.refunds.create({"payment_intent": intent.id, "amount": 6_720, "reverse_transfer": True})
    rest = stage.api.refunds.create({"payment_intent": intent.id, "reverse_transfer": True})

    reversal = stage.api.transfers.reversals.retrieve(
        stage.api.charges.retrieve(intent.latest_charge).transfer, half.transfer_reversal
    )
    assert (reversal.amount, reversal.source_refund) == (5_280, half.id)
    assert rest.transfer_reversal
    assert stage.balance(account) == 0


def test_a_refund_whose_reversal_is_refused_does_not_happen(stage: Stage) -> None:
    intent, account = stage.lesson_paid()
    stage.api.payouts.create({"amount": 10_560, "currency": "usd"}, {"stripe_account": account})

    with pytest.raises(stripe.InvalidRequestError) as caught:
        stage.api.refunds.create({"payment_intent": intent.id, "reverse_transfer": True})

    assert caught.value.code == "balance_insufficient"
    assert stage.api.charges.retrieve(intent.latest_charge).amount_refunded == 0


def test_a_refund_needs_the_platforms_money(stage: Stage) -> None:
    intent = stage.capture(stage.authorize().id)
    stage.api.payouts.create({"amount": stage.balance() - 100, "currency": "usd"})

    with pytest.raises(stripe.InvalidRequestError) as caught:
        stage.api.refunds.create({"payment_intent": intent.id})

    assert caught.value.code == "balance_insufficient"


def test_what_was_not_captured_is_not_refunded(stage: Stage) -> None:
    intent = stage.authorize()

    for params in ({"payment_intent": intent.id}, {"charge": intent.latest_charge}, {}):
        with pytest.raises(stripe.InvalidRequestError):
            stage.api.refunds.create(params)


def test_a_refund_may_fail_later(stage: Stage) -> None:
    intent = stage.capture(stage.authorize().id)
    refund = stage.api.refunds.create({"payment_intent": intent.id})

    stage.control.post(f"refunds/{refund.id}/fail")

    failed = stage.api.refunds.retrieve(refund.id, {"expand": ["failure_balance_transaction"]})
    charge = stage.api.charges.retrieve(intent.latest_charge)
    assert (failed.status, failed.failure_reason) == ("failed", "lost_or_stolen_card")
    assert failed.failure_balance_transaction.amount == 13_440
    assert (charge.amount_refunded, charge.refunded) == (0, False)
    assert stage.balance() == 113_020
    assert stage.events()[-3:] == ["charge.refund.updated", "refund.updated", "refund.failed"]
    assert stage.api.refunds.create({"payment_intent": intent.id}).amount == 13_440


def test_a_card_whose_refunds_fail(stage: Stage) -> None:
    intent = stage.capture(stage.authorize("pm_card_refundFail").id)

    refund = stage.api.refunds.create({"payment_intent": intent.id})

    assert (refund.status, stage.api.refunds.retrieve(refund.id).status) == ("succeeded", "failed")


def test_a_refund_from_the_dashboard_is_like_any_other(stage: Stage) -> None:
    intent = stage.capture(stage.authorize().id)

    made = stage.control.post("dashboard/refund", payment_intent=intent.id, amount=500)

    assert stage.api.refunds.retrieve(made["id"]).amount == 500
    event = stage.api.events.list({"type": "charge.refunded"}).data[0]
    assert (event["request"].id, event.data.object.amount_refunded) == (None, 500)


def test_a_reversal_from_the_dashboard_is_like_any_other(stage: Stage) -> None:
    _, account = stage.lesson_paid()
    transfer = stage.api.transfers.list({"destination": account}).data[0]

    made = stage.control.post("dashboard/reversal", transfer=transfer.id, amount=500)

    assert (made["amount"], stage.api.transfers.retrieve(transfer.id).amount_reversed) == (500, 500)
    event = stage.api.events.list({"type": "transfer.reversed"}).data[0]
    assert (event["request"].id, event.data.object.amount_reversed) == (None, 500)


# --- Disputes -----------------------------------------------------------------------------------------------------


def test_a_dispute_takes_the_money_and_a_fee_at_once(stage: Stage) -> None:
    intent, account = stage.lesson_paid()
    balance = stage.balance()

    opened = stage.control.post("disputes", payment_intent=intent.id, phase="opened", reason="product_not_received")

    dispute = stage.api.disputes.retrieve(opened["id"])
    [withdrawal] = dispute.balance_transactions
    assert (dispute.status, dispute.amount, dispute.reason) == ("needs_response", 13_440, "product_not_received")
    assert (withdrawal.amount, withdrawal.fee, withdrawal.net) == (-13_440, 1_500, -14_940)
    assert stage.api.charges.retrieve(intent.latest_charge).disputed is True
    assert stage.balance() == balance - 14_940
    assert stage.balance(account) == 10_560  # the platform bears it
    assert stage.events()[-2:] == ["charge.dispute.created", "charge.dispute.funds_withdrawn"]
    assert [found.id for found in stage.api.disputes.list({"payment_intent": intent.id}).data] == [dispute.id]


@pytest.mark.parametrize(("phase", "returned"), [("won", 13_440), ("lost", 0)])
def test_the_bank_decides(stage: Stage, phase: str, returned: int) -> None:
    intent = stage.capture(stage.authorize().id)
    stage.control.post("disputes", payment_intent=intent.id, phase="opened")
    balance = stage.balance()

    stage.control.post("disputes", payment_intent=intent.id, phase=phase)

    [dispute] = stage.api.disputes.list({"charge": intent.latest_charge}).data
    assert (dispute.status, stage.balance() - balance) == (phase, returned)
    assert "charge.dispute.closed" in stage.events()
    assert ("charge.dispute.funds_reinstated" in stage.events()) == (phase == "won")


@pytest.mark.parametrize("phase", ["opened", "lost", "won"])
def test_a_disputed_charge_is_refunded_only_after_a_victory(stage: Stage, phase: str) -> None:
    intent = stage.capture(stage.authorize().id)
    stage.control.post("disputes", payment_intent=intent.id, phase="opened")
    if phase != "opened":
        stage.control.post("disputes", payment_intent=intent.id, phase=phase)

    if phase == "won":
        assert stage.api.refunds.create({"payment_intent": intent.id}).amount == 13_440
    else:
        with pytest.raises(stripe.InvalidRequestError) as caught:
            stage.api.refunds.create({"payment_intent": intent.id})
        assert caught.value.code == "charge_disputed"


def test_evidence_is_staged_then_submitted(stage: Stage) -> None:
    intent = stage.capture(stage.authorize().id)
    opened = stage.control.post("disputes", payment_intent=intent.id, phase="opened")
    evidence = {"customer_name": "Sam Student", "uncategorized_text": "The lesson took place."}

    staged = stage.api.disputes.update(opened["id"], {"evidence": evidence, "submit": False})
    submitted = stage.api.disputes.update(opened["id"], {"evidence": {"product_description": "A lesson"}})

    assert (staged.status, staged.evidence.customer_name) == ("needs_response", "Sam Student")
    assert (submitted.status, submitted.evidence_details.submission_count) == ("under_review", 1)
    assert submitted.evidence.uncategorized_text == "The lesson took place."


def test_a_platform_may_accept_the_loss(stage: Stage) -> None:
    intent = stage.capture(stage.authorize().id)
    opened = stage.control.post("disputes", payment_intent=intent.id, phase="opened", amount=5_000)

    closed = stage.api.disputes.close(opened["id"])

    assert (closed.status, closed.amount) == ("lost", 5_000)
    with pytest.raises(stripe.InvalidRequestError):
        stage.api.disputes.close(opened["id"])


def test_a_card_that_disputes_at_once(stage: Stage) -> None:
    intent = stage.capture(stage.authorize("pm_card_createDispute").id)

    assert stage.api.disputes.list({"payment_intent": intent.id}).data[0].reason == "fraudulent"
