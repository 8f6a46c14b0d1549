"""How every command of finance ends when it was asked wrongly, or Stripe does not take our key: 2, and a sentence."""

from collections.abc import Callable

import pytest

from payments import readers
from payments.models import Payee, StripeEvent
from tests.payments.commands.conftest import calls
from tests.stage import Stage

ASKS_STRIPE = (
    ("payouts", "audit"),
    ("payouts", "audit", "--json"),
    ("funding", "forecast", "--json"),
    ("reconcile", "--json"),
    ("backfill_events", "--json"),
    ("verify_books", "--stripe", "--json"),
    ("stripe_webhook_endpoint", "--dry-run"),
    ("replay_events", "evt_1", "--json"),
)


@pytest.mark.parametrize("command", ASKS_STRIPE, ids=" ".join)
def test_a_key_that_stripe_does_not_take_ends_with_2_and_a_sentence(
    stage: Stage, configured: Callable[..., None], command: tuple[str, ...]
) -> None:
    account = Payee.objects.get(user=stage.instructor).account_id
    StripeEvent.objects.create(
        event_id="evt_1", type="account.updated", object_id=account, payload={}, received_at="2026-03-02T00:00Z",
        given_up_at="2026-03-02T00:00Z",
    )  # fmt: skip
    configured(STRIPE_SECRET_KEY="sk_live_of_somebody_else")

    told = calls(*command)

    assert (told.code, told.text) == (2, "")
    assert "Stripe does not take our key, STRIPE_SECRET_KEY: Invalid API Key provided" in told.refusal


@pytest.mark.parametrize("instant", ["0001-01-01", "0001-01-01T00:00+14:00", "9999-12-31", "9999-12-31T23:59-12:00"])
@pytest.mark.parametrize(
    "command",
    [
        ("reconcile", "--since"),
        ("backfill_events", "--since"),
        ("credits", "liability", "--at"),
        ("payouts", "due", "--until"),
    ],
    ids=" ".join,
)
def test_an_instant_beyond_all_that_we_know_is_asked_wrongly(
    stage: Stage, command: tuple[str, ...], instant: str
) -> None:
    told = calls(*command, instant)

    assert told.text == ""
    assert "is too far away" in told.refusal


@pytest.mark.parametrize("month", ["9999-12", "0001-01", "2999-12", "2026-13"])
def test_a_month_beyond_all_that_we_know_is_asked_wrongly(stage: Stage, month: str) -> None:
    told = calls("payouts", "statement", "--instructor", stage.instructor.email, "--month", month)

    assert told.text == ""
    assert "is no month" in told.refusal or "has not begun" in told.refusal


def test_an_event_whose_reader_breaks_down_is_reported_and_the_others_are_replayed(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reads(event: StripeEvent, **_: object) -> None:
        if event.event_id == "evt_1":
            raise ZeroDivisionError("by nothing")

    monkeypatch.setitem(readers._READERS, "account.updated", [reads])
    for event_id in ("evt_1", "evt_2"):
        StripeEvent.objects.create(
            event_id=event_id, type="account.updated", object_id="acct_1", payload={},
            received_at="2026-03-02T00:00Z", given_up_at="2026-03-02T00:00Z",
        )  # fmt: skip

    told = calls("replay_events", "--given-up", "--json")

    assert told.code == 1
    assert told.json == {
        "dry_run": False, "applied": ["evt_2"], "failed": {"evt_1": "ZeroDivisionError: by nothing"},
    }  # fmt: skip
