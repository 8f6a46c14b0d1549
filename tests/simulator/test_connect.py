"""Connected accounts: onboarding, transfers, reversals, payouts, and what their balances say."""

import pytest
import requests
import stripe

from tests.simulator.conftest import Stage

DAY = 24 * 60 * 60


# --- Accounts -----------------------------------------------------------------------------------------------------


def test_an_account_is_onboarded_on_stripes_page(stage: Stage) -> None:
    account = stage.api.accounts.create(
        {
            "controller": {
                "fees": {"payer": "application"},
                "losses": {"payments": "application"},
                "stripe_dashboard": {"type": "express"},
            },
            "capabilities": {"transfers": {"requested": True}, "card_payments": {"requested": True}},
            "email": "ines@example.com",
            "metadata": {"instructor": "3"},
        }
    )
    link = stage.api.account_links.create(
        {
            "account": account.id,
            "type": "account_onboarding",
            "refresh_url": "https://example.com/again",
            "return_url": "https://example.com/done",
        }
    )
    with pytest.raises(stripe.InvalidRequestError):
        stage.api.accounts.login_links.create(account.id)

    shown = requests.get(link.url, timeout=5)
    answer = requests.post(link.url, data={"complete": "1"}, allow_redirects=False, timeout=5)
    again = requests.post(link.url, data={"complete": "1"}, allow_redirects=False, timeout=5)

    done = stage.api.accounts.retrieve(account.id)
    assert (account.type, account.details_submitted, account.capabilities.transfers) == ("express", False, "inactive")
    assert account.requirements.disabled_reason == "requirements.past_due"
    assert "Complete" in shown.text
    assert (answer.status_code, answer.headers["Location"]) == (303, "https://example.com/done")
    assert again.status_code == 410
    assert (done.details_submitted, done.charges_enabled, done.payouts_enabled) == (True, True, True)
    assert (done.capabilities.transfers, done.requirements.currently_due) == ("active", [])
    assert requests.get(stage.api.accounts.login_links.create(account.id).url, timeout=5).status_code == 200
    assert stage.events(account.id) == ["account.updated", "capability.updated", "capability.updated"]


def test_accounts_are_changed_listed_and_deleted(stage: Stage) -> None:
    account, other = stage.instructor(), stage.instructor()
    changed = stage.api.accounts.update(account, {"metadata": {"a": "1"}, "business_profile": {"url": "https://a.b"}})
    requested = stage.api.accounts.capabilities.update(account, "card_payments", {"requested": True})

    assert (changed.metadata.to_dict(), changed.business_profile.url) == ({"a": "1"}, "https://a.b")
    assert (requested.id, requested.status) == ("card_payments", "active")
    assert [found.id for found in stage.api.accounts.capabilities.list(account).data] == ["transfers", "card_payments"]
    assert stage.api.accounts.capabilities.retrieve(account, "transfers").status == "active"
    assert stage.api.accounts.external_accounts.list(account).data[0].object == "bank_account"
    assert stage.api.accounts.delete(other).deleted is True
    assert [found.id for found in stage.api.accounts.list().data] == [account]


@pytest.mark.parametrize("use", ["path", "header"])
def test_a_strange_account_is_not_accessible(stage: Stage, use: str) -> None:
    with pytest.raises(stripe.PermissionError) as caught:
        if use == "path":
            stage.api.accounts.retrieve("acct_missing")
        else:
            stage.api.balance.retrieve({}, {"stripe_account": "acct_missing"})

    assert caught.value.error.code == "account_invalid"


def test_the_platform_sees_itself(stage: Stage) -> None:
    assert stage.api.accounts.retrieve_current().id == stage.control.get("health")["platform"]


# --- Transfers ----------------------------------------------------------------------------------------------------


def test_a_transfer_moves_money_and_is_found_by_its_group(stage: Stage) -> None:
    account, other = stage.instructor(), stage.instructor()
    sent = stage.api.transfers.create(
        {"amount": 9_120, "currency": "usd", "destination": account, "transfer_group": "booking-7",
         "metadata": {"step": "1"}, "description": "Top-up"},
    )  # fmt: skip
    stage.api.transfers.create({"amount": 50, "currency": "usd", "destination": other})

    payment = stage.api.charges.retrieve(sent.destination_payment, {}, {"stripe_account": account})
    assert (stage.balance(), stage.balance(account)) == (100_000 - 9_170, 9_120)
    assert [found.id for found in stage.api.transfers.list({"transfer_group": "booking-7"}).data] == [sent.id]
    assert [found.id for found in stage.api.transfers.list({"destination": account}).data] == [sent.id]
    assert (payment.id[:3], payment.amount, payment.source_transfer) == ("py_", 9_120, sent.id)


def test_a_transfer_needs_the_money(stage: Stage) -> None:
    account = stage.instructor()

    with pytest.raises(stripe.InvalidRequestError) as caught:
        stage.api.transfers.create({"amount": 100_001, "currency": "usd", "destination": account})

    assert (caught.value.http_status, caught.value.code) == (400, "balance_insufficient")
    assert (stage.balance(), stage.balance(account)) == (100_000, 0)


def test_a_charge_can_feed_transfers_up_to_what_it_took(stage: Stage) -> None:
    account = stage.instructor()
    charge = stage.capture(stage.authorize().id).latest_charge
    params = {"currency": "usd", "destination": account, "source_transaction": charge}

    fed = stage.api.transfers.create(params | {"amount": 13_000})
    with pytest.raises(stripe.InvalidRequestError, match="must not exceed the source amount"):
        stage.api.transfers.create(params | {"amount": 441})

    assert fed.transfer_group == stage.api.charges.retrieve(charge).transfer_group


@pytest.mark.parametrize("destination", ["acct_missing", "platform"])
def test_money_goes_to_connected_accounts_alone(stage: Stage, destination: str) -> None:
    if destination == "platform":
        destination = stage.api.accounts.retrieve_current().id

    with pytest.raises(stripe.InvalidRequestError) as caught:
        stage.api.transfers.create({"amount": 100, "currency": "usd", "destination": destination})

    assert (caught.value.code, caught.value.param) == ("resource_missing", "destination")


# --- Reversals ----------------------------------------------------------------------------------------------------


def test_a_transfer_is_reversed_in_parts_and_never_beyond(stage: Stage) -> None:
    intent, account = stage.lesson_paid()
    transfer = stage.api.charges.retrieve(intent.latest_charge).transfer
    reversals = stage.api.transfers.reversals

    first = reversals.create(transfer, {"amount": 560, "metadata": {"a": "1"}})
    with pytest.raises(stripe.InvalidRequestError) as too_much:
        reversals.create(transfer, {"amount": 10_001})
    rest = reversals.create(transfer)
    with pytest.raises(stripe.InvalidRequestError, match="is already fully reversed"):
        reversals.create(transfer)

    whole = stage.api.transfers.retrieve(transfer)
    assert (first.amount, rest.amount, too_much.value.param) == (560, 10_000, "amount")
    assert (whole.amount_reversed, whole.reversed) == (10_560, True)
    assert [found.id for found in whole.reversals.data] == [rest.id, first.id]
    assert [found.id for found in reversals.list(transfer).data] == [rest.id, first.id]
    assert reversals.retrieve(transfer, first.id).metadata.to_dict() == {"a": "1"}
    assert (stage.balance(), stage.balance(account)) == (113_020, 0)


def test_a_reversal_takes_only_what_the_account_still_has(stage: Stage) -> None:
    intent, account = stage.lesson_paid()
    transfer = stage.api.charges.retrieve(intent.latest_charge).transfer
    stage.api.payouts.create({"amount": 561, "currency": "usd"}, {"stripe_account": account})

    with pytest.raises(stripe.InvalidRequestError) as caught:
        stage.api.transfers.reversals.create(transfer, {"amount": 10_000})

    assert caught.value.code == "balance_insufficient"
    assert stage.api.transfers.retrieve(transfer).amount_reversed == 0
    assert stage.api.transfers.reversals.create(transfer, {"amount": 9_999}).amount == 9_999


# --- Payouts and balance transactions -----------------------------------------------------------------------------


def test_a_payout_leaves_at_once_and_arrives_later(stage: Stage) -> None:
    _, account = stage.lesson_paid()
    speaker = {"stripe_account": account}
    payout = stage.api.payouts.create({"amount": 10_000, "currency": "usd"}, speaker)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        stage.api.payouts.create({"amount": 10_000, "currency": "usd"}, speaker)

    stage.control.post("clock", offset_seconds=3 * DAY)

    assert (payout.status, stage.balance(account), caught.value.code) == ("pending", 560, "balance_insufficient")
    assert stage.api.payouts.retrieve(payout.id, {}, speaker).status == "paid"
    assert [found.id for found in stage.api.payouts.list({"status": "paid"}, speaker).data] == [payout.id]
    assert stage.api.payouts.list().data == []
    assert stage.events(account)[-2:] == ["payout.created", "payout.paid"]


@pytest.mark.parametrize("arrived", [False, True])
def test_a_payout_may_come_back_from_the_bank(stage: Stage, arrived: bool) -> None:
    _, account = stage.lesson_paid()
    speaker = {"stripe_account": account}
    payout = stage.api.payouts.create({"amount": 10_000, "currency": "usd"}, speaker)
    if arrived:
        stage.control.post("clock", offset_seconds=3 * DAY)

    stage.control.post(f"payouts/{payout.id}/fail")
    stage.control.post("clock", offset_seconds=6 * DAY)

    failed = stage.api.payouts.retrieve(payout.id, {"expand": ["failure_balance_transaction"]}, speaker)
    assert (failed.status, failed.failure_code, stage.balance(account)) == ("failed", "account_closed", 10_560)
    assert failed.failure_balance_transaction.amount == 10_000
    assert stage.events(account)[-1] == "payout.failed"


# --- Schedules of payouts -----------------------------------------------------------------------------------------

SCHEDULES = {  # what is asked for, one after the other, and the schedule then
    "a new account's": ([], {"delay_days": 2, "interval": "daily"}),
    "manual": ([{"interval": "manual"}], {"delay_days": 2, "interval": "manual"}),
    "weekly": (
        [{"interval": "weekly", "weekly_anchor": "friday"}],
        {"delay_days": 2, "interval": "weekly", "weekly_anchor": "friday"},
    ),
    "monthly, and later": (
        [{"interval": "monthly", "monthly_anchor": 31, "delay_days": 7}],
        {"delay_days": 7, "interval": "monthly", "monthly_anchor": 31},
    ),
    "the delay outlives a manual while": (
        [{"delay_days": 7}, {"interval": "manual"}, {"interval": "daily"}],
        {"delay_days": 7, "interval": "daily"},
    ),
    "an anchor goes with its interval": (
        [{"interval": "weekly", "weekly_anchor": "friday"}, {"interval": "daily", "delay_days": "minimum"}],
        {"delay_days": 2, "interval": "daily"},
    ),
}


def schedule(wanted: dict) -> dict:
    return {"settings": {"payouts": {"schedule": wanted}}}


@pytest.mark.parametrize(("asked", "expected"), SCHEDULES.values(), ids=SCHEDULES)
def test_an_account_keeps_the_schedule_that_it_was_given(stage: Stage, asked: list[dict], expected: dict) -> None:
    account = stage.instructor()

    for wanted in asked:
        stage.api.accounts.update(account, schedule(wanted))

    assert stage.api.accounts.retrieve(account).settings.payouts.schedule.to_dict() == expected
    assert stage.events(account).count("account.updated") == 1 + len(asked)


def test_an_account_may_be_opened_with_a_schedule(stage: Stage) -> None:
    asked = {"type": "express", "capabilities": {"transfers": {"requested": True}}} | schedule({"interval": "manual"})

    assert stage.api.accounts.create(asked).settings.payouts.schedule.interval == "manual"


WRONG_SCHEDULES = {
    "an interval that there is not": ({"interval": "yearly"}, "parameter_invalid"),
    "a week without its day": ({"interval": "weekly"}, "parameter_missing"),
    "a month without its day": ({"interval": "monthly"}, "parameter_missing"),
    "a day without its week": ({"interval": "daily", "weekly_anchor": "friday"}, None),
    "the 32nd": ({"interval": "monthly", "monthly_anchor": 32}, None),
    "sooner than Stripe pays out": ({"delay_days": 1}, None),
    "what Stripe does not know": ({"interval": "manual", "hour": 7}, "parameter_unknown"),
    "what only Stripe knows": ({"interval": "weekly", "weekly_payout_days": ["friday"]}, "simulator_unsupported"),
}


@pytest.mark.parametrize(("wanted", "code"), WRONG_SCHEDULES.values(), ids=WRONG_SCHEDULES)
def test_a_schedule_that_is_none_is_refused(stage: Stage, wanted: dict, code: str | None) -> None:
    account = stage.instructor()

    with pytest.raises(stripe.InvalidRequestError) as caught:
        stage.api.accounts.update(account, schedule(wanted))

    assert caught.value.error.code == code
    assert stage.api.accounts.retrieve(account).settings.payouts.schedule.interval == "daily"


def test_a_platform_does_not_decide_when_a_standard_account_is_paid_out(stage: Stage) -> None:
    account = stage.api.accounts.create({"type": "standard"}).id

    with pytest.raises(stripe.InvalidRequestError, match="does not have the required permissions"):
        stage.api.accounts.update(account, schedule({"interval": "manual"}))


def test_a_day_of_payouts_leaves_what_is_manual_where_it_is(stage: Stage) -> None:
    (_, held), (_, paid) = stage.lesson_paid(), stage.lesson_paid()
    nothing_there = stage.instructor()
    stage.api.accounts.update(held, schedule({"interval": "manual"}))
    before = stage.balance()

    (payout,) = stage.control.post("payouts/run")

    assert (payout["amount"], payout["automatic"]) == (10_560, True)
    assert [stage.balance(account) for account in (held, paid, nothing_there)] == [10_560, 0, 0]
    assert stage.balance() == before  # the platform's own money goes nowhere
    assert stage.control.post("payouts/run") == []
    with pytest.raises(stripe.InvalidRequestError, match="automatic payout"):
        stage.api.balance_transactions.list({"payout": payout["id"]}, {"stripe_account": paid})


def test_every_cent_has_a_balance_transaction(stage: Stage) -> None:
    intent, account = stage.lesson_paid()
    transfer = stage.api.charges.retrieve(intent.latest_charge).transfer
    stage.api.transfers.reversals.create(transfer, {"amount": 560})
    stage.api.refunds.create({"payment_intent": intent.id, "amount": 1_000})
    stage.api.topups.create({"amount": 500, "currency": "usd"})

    ours = stage.api.balance_transactions.list({"limit": 100}).data
    theirs = stage.api.balance_transactions.list({"limit": 100}, {"stripe_account": account}).data

    assert [(found.type, found.reporting_category, found.amount, found.net) for found in reversed(ours)] == [
        ("topup", "topup", 100_000, 100_000),
        ("charge", "charge", 13_440, 13_020),
        ("transfer", "transfer", -10_560, -10_560),
        ("transfer_refund", "transfer_reversal", 560, 560),
        ("refund", "refund", -1_000, -1_000),
        ("topup", "topup", 500, 500),
    ]
    assert [(found.type, found.reporting_category, found.amount) for found in reversed(theirs)] == [
        ("payment", "charge", 10_560),
        ("payment_refund", "refund", -560),
    ]
    assert stage.balance() == sum(found.net for found in ours)
    assert stage.balance(account) == sum(found.net for found in theirs)
    charge_rows = stage.api.balance_transactions.list({"source": intent.latest_charge}).data
    assert [found.type for found in charge_rows] == ["charge"]
    assert len(stage.api.balance_transactions.list({"type": "topup"}).data) == 2
    assert stage.api.balance_transactions.retrieve(ours[0].id).source == ours[0].source


def test_funds_can_be_made_to_wait(stage: Stage) -> None:
    stage.control.post("settings", funds_delay_seconds=2 * DAY)
    intent, account = stage.lesson_paid()

    before = stage.api.balance.retrieve({}, {"stripe_account": account})
    stage.control.post("clock", offset_seconds=2 * DAY + 60)
    after = stage.api.balance.retrieve({}, {"stripe_account": account})

    assert (before.available[0].amount, before.pending[0].amount) == (0, 10_560)
    assert (after.available[0].amount, after.pending[0].amount) == (10_560, 0)
    charge = stage.api.charges.retrieve(intent.latest_charge, {"expand": ["balance_transaction"]})
    assert charge.balance_transaction.status == "available"
