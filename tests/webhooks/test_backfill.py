"""Events that never came are found in Stripe's list and taken in, by a sweep or by hand (design 6)."""

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from instainstru import clock
from payments import operations as payments
from payments import tasks
from payments.gateway.errors import GatewayRefused, GatewayUnavailable
from payments.models import EventMark, Payee, StripeEvent
from payments.operations.backfill import OVERLAP
from tests.stage import Stage, make_service
from tests.webhooks.conftest import Post


def backfilled(**how: Any) -> tuple[str, ...]:
    return payments.backfill_events(now=clock.now(), **how).missing


def test_what_is_missing_is_taken_in_oldest_first_and_once(stage: Stage, post: Post):
    stage.book()
    told = [event["id"] for event in post.waiting() if not event.get("account")]

    assert set(told) <= set(backfilled())

    assert backfilled() == ()
    kept = list(StripeEvent.objects.order_by("id").values_list("created_at", flat=True))
    assert kept == sorted(kept)
    assert StripeEvent.objects.due(at=clock.wall()).count() == len(kept)


def test_a_dry_run_takes_nothing_in(stage: Stage):
    missing = backfilled(dry_run=True)

    assert missing
    assert not StripeEvent.objects.exists()
    assert not EventMark.objects.exists()
    assert backfilled() == missing


def test_more_than_one_page_is_read(stage: Stage, monkeypatch: pytest.MonkeyPatch):
    for _ in range(12):
        stage.use_card("ok")  # a setup intent each, with its events
    listed = payments.backfill_events(now=clock.now())

    assert listed.looked_at == len(listed.missing) == StripeEvent.objects.count() > 20


def test_it_goes_on_from_where_it_was_complete(stage: Stage, post: Post):
    backfilled()
    first = EventMark.objects.get(account_id="")
    stage.travel(hours=2)
    stage.use_card("ok")

    again = payments.backfill_events(now=clock.now())

    assert again.since == first.complete_until - OVERLAP
    assert EventMark.objects.get(account_id="").complete_until > first.complete_until


def test_a_look_at_a_later_time_marks_nothing_as_complete(stage: Stage):
    backfilled()
    before = EventMark.objects.get(account_id="").complete_until
    stage.travel(hours=2)
    stage.use_card("ok")
    stage.travel(hours=2)

    assert backfilled(since=clock.now()) == ()
    assert EventMark.objects.get(account_id="").complete_until == before
    assert backfilled()


def test_connected_accounts_are_asked_each_for_itself(stage: Stage):
    account = Payee.objects.get(user=stage.instructor).account_id
    stage.simulator.make_unpayable(account)

    assert payments.accounts_to_backfill(limit=1) == ["", account]
    assert backfilled(account_id=account)
    event = StripeEvent.objects.filter(account_id=account).latest("id")
    assert (event.type, event.object_id) == ("account.updated", account)
    assert payments.apply_event(event, now=clock.now())
    assert not Payee.objects.get(user=stage.instructor).is_payable


def test_the_sweep_asks_for_the_platform_and_for_those_not_asked_for_longest(stage: Stage, monkeypatch):
    asked: list[str] = []
    monkeypatch.setattr(tasks.backfill_events, "delay", lambda *, account_id: asked.append(account_id))

    tasks.sweep_missed_events()

    assert asked == payments.accounts_to_backfill()
    for account_id in asked:
        tasks.backfill_events(account_id=account_id)
    assert StripeEvent.objects.filter(account_id="").exists()
    assert EventMark.objects.count() == len(asked)


def test_accounts_that_do_not_answer_take_their_turn_and_hold_up_nobody(stage: Stage):
    gone = Payee.objects.get(user=stage.instructor)
    Payee.objects.filter(pk=gone.pk).update(account_id="acct_of_nobody")
    other = make_service(stage.simulator).instructor.user

    tasks.backfill_events(account_id="acct_of_nobody")

    account_id = Payee.objects.get(user=other).account_id
    assert payments.accounts_to_backfill(limit=1) == ["", account_id]
    assert not EventMark.objects.exists()
    with pytest.raises(GatewayRefused):
        backfilled(account_id="acct_of_nobody")
    with pytest.raises(SystemExit, match="2"):
        call_command("backfill_events", "--json", stdout=(out := StringIO()))
    told = json.loads(out.getvalue())
    assert [each["account"] for each in told["not_answered"]] == ["acct_of_nobody"]
    assert [each["account"] for each in told["accounts"]] == [None, account_id]


def test_stripes_silence_marks_nothing_as_complete(stage: Stage, settings):
    settings.STRIPE_API_BASE = "http://127.0.0.1:1"

    with pytest.raises(GatewayUnavailable):
        backfilled()
    tasks.backfill_events(account_id="")
    with pytest.raises(SystemExit, match="2"):
        call_command("backfill_events", stdout=(out := StringIO()))
    assert "Our own account: not answered: " in out.getvalue()
    assert not EventMark.objects.exists()


def test_the_command_says_what_it_does_not_understand():
    with pytest.raises(CommandError, match="'yesterday' is no instant"):
        call_command("backfill_events", "--since", "yesterday")


def test_the_command_tells_what_it_found(stage: Stage, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("payments.management.progress.TELL_EVERY", timedelta(0))
    call_command("backfill_events", "--dry-run", "--json", stdout=(out := StringIO()), stderr=(progress := StringIO()))
    assert "2 of 2 accounts, " in progress.getvalue()
    told = json.loads(out.getvalue())
    assert told["dry_run"] is True
    assert told["accounts"][0]["account"] is None
    assert not StripeEvent.objects.exists()

    later = (clock.now() + timedelta(hours=1)).isoformat()
    call_command("backfill_events", "--since", later, stdout=(out := StringIO()))
    assert "0 events of 2 accounts: 0 missing." in out.getvalue()
    call_command("backfill_events", stdout=(out := StringIO()))
    assert "was missing and is taken in" in out.getvalue()
    assert StripeEvent.objects.exists()
