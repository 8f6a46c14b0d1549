"""What staff see of Stripe's events and of changes made there, and what they may do about them."""

from datetime import timedelta
from io import StringIO
from json import loads

import pytest
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from instainstru import clock
from instainstru.accounts.models import User
from instainstru.admin.rights import sync_groups
from instainstru.models import StaffAction
from payments import operations as payments
from payments import readers
from payments.models import ChangeAtStripe, ReconciliationItem, StripeEvent
from payments.operations.events import RETRY_AFTER
from tests.admin.test_confirmation import confirm, sent_from, text_of
from tests.factories import UserFactory
from tests.rules.standing import payment_of, stands
from tests.stage import Stage
from tests.webhooks.conftest import Post
from tests.webhooks.test_changed_at_stripe import locked, settled

HOME = reverse("admin:index")


def browser_of(group: str) -> Client:
    sync_groups()
    member: User = UserFactory(as_staff=True)
    member.groups.add(Group.objects.get(name=group))
    client = Client()
    client.force_login(member)
    return client


@pytest.fixture
def given_up(db: None) -> StripeEvent:
    """An event that was tried as often as is declared."""
    return StripeEvent.objects.create(
        event_id="evt_lost", type="account.updated", object_id="acct_1", payload={}, received_at=clock.wall(),
        attempts=len(RETRY_AFTER) + 1, given_up_at=clock.wall(), failure="Stripe is away.",
    )  # fmt: skip


def replay_page(event: StripeEvent) -> str:
    return reverse("admin:payments_stripeevent_do", args=[event.pk, "replay"])


@pytest.mark.parametrize("group", ["Support", "Finance"])
def test_what_was_given_up_is_a_work_item_and_staff_replay_it_once(given_up: StripeEvent, group: str):
    browser = browser_of(group)
    assert "account.updated" in text_of(browser.get(HOME))
    row = reverse("admin:payments_stripeevent_change", args=[given_up.pk])
    assert replay_page(given_up) in browser.get(row).content.decode()
    page = browser.get(replay_page(given_up))
    assert "Stripe is away." in text_of(page)

    answers = [browser.post(replay_page(given_up), sent_from(page), follow=True) for _ in range(2)]

    assert "Applied." in text_of(answers[0])
    assert "Nothing was done twice" in text_of(answers[1])
    given_up.refresh_from_db()
    assert given_up.applied_at
    assert given_up.given_up_at is None
    action = StaffAction.objects.get()
    assert (action.action, action.subject, action.began) == ("replay", "evt_lost", "event:evt_lost")
    assert (action.before["state"], action.after["state"]) == ("failed", "queued")
    assert "account.updated" not in text_of(browser.get(HOME))


def test_an_event_of_the_longest_id_is_replayed_and_written_down(given_up: StripeEvent):
    longest = "evt_" + "1" * 251
    StripeEvent.objects.update(event_id=longest)

    assert "Applied." in text_of(confirm(browser_of("Finance"), replay_page(given_up)))

    action = StaffAction.objects.get()
    assert (action.subject, action.began) == (longest, f"event:{longest}")


@pytest.mark.parametrize(
    "name", ["stripe:re_1Sabcdefghijklmnopqrstuvw:failed", "stripe:" + "1" * 113], ids=["returned refund", "longest"]
)
def test_a_difference_is_closed_and_written_down_under_whatever_caused_the_entry(db: None, name: str):
    now = clock.now()
    item = ReconciliationItem.objects.create(
        kind="missing_at_stripe", name=name, booked_cents=2_000, moved_cents=0, happened_at=now, found_at=now,
        seen_at=now,
    )  # fmt: skip

    answer = confirm(
        browser_of("Finance"), reverse("admin:payments_reconciliationitem_do", args=[item.pk, "close-difference"])
    )

    assert "Closed." in text_of(answer)
    item.refresh_from_db()
    assert item.resolved_at is not None
    assert StaffAction.objects.get().subject == name


def test_staff_are_told_that_a_replay_came_to_nothing(given_up: StripeEvent, monkeypatch: pytest.MonkeyPatch):
    def away(event: StripeEvent, **_: object) -> None:
        raise readers.NotYet("Stripe is still away.")

    monkeypatch.setitem(readers._READERS, "account.updated", [away])

    answer = confirm(browser_of("Support"), replay_page(given_up))

    assert "It came to nothing: Stripe is still away." in text_of(answer)
    given_up.refresh_from_db()
    assert (given_up.attempts, given_up.next_try_at is not None) == (1, True)


def test_staff_are_told_that_an_event_of_stripes_other_mode_does_nothing(given_up: StripeEvent):
    StripeEvent.objects.update(payload={"livemode": True})

    answer = confirm(browser_of("Support"), replay_page(given_up))

    assert "live or test, than our key: nothing was done." in text_of(answer)


def test_whoever_has_no_right_to_it_replays_nothing(given_up: StripeEvent):
    sync_groups()
    looker: User = UserFactory(as_staff=True)
    looker.user_permissions.set(
        [right for right in Group.objects.get(name="Support").permissions.all() if right.codename.startswith("view_")]
    )
    client = Client()
    client.force_login(looker)

    assert client.get(replay_page(given_up)).status_code == 403


def test_what_is_still_to_be_tried_is_not_replayed(given_up: StripeEvent):
    StripeEvent.objects.update(given_up_at=None, next_try_at=clock.wall() + timedelta(hours=1))
    row = reverse("admin:payments_stripeevent_change", args=[given_up.pk])

    assert replay_page(given_up) not in browser_of("Finance").get(row).content.decode()


def test_the_command_replays_what_is_named_or_everything_given_up(
    given_up: StripeEvent, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("payments.management.progress.TELL_EVERY", timedelta(0))
    call_command("replay_events", "--given-up", "--json", stdout=(out := StringIO()), stderr=(progress := StringIO()))
    assert loads(out.getvalue()) == {"dry_run": False, "applied": ["evt_lost"], "failed": {}}
    assert progress.getvalue() == "1 of 1 events\n"

    call_command("replay_events", "evt_lost", stdout=(out := StringIO()))
    assert out.getvalue() == "evt_lost: applied\n"
    for wrong in ([], ["evt_unknown"], ["evt_lost", "--given-up"]):
        with pytest.raises(CommandError) as refused:
            call_command("replay_events", *wrong)
        assert refused.value.returncode == 2


def test_a_dry_run_of_the_command_applies_nothing(given_up: StripeEvent):
    call_command("replay_events", "--given-up", "--dry-run", "--json", stdout=(out := StringIO()))
    assert loads(out.getvalue()) == {"dry_run": True, "would_apply": ["evt_lost"]}

    call_command("replay_events", "evt_lost", "--dry-run", stdout=(out := StringIO()))
    assert out.getvalue() == f"evt_lost: {given_up.type} would be applied once more\n"
    before = given_up.given_up_at
    given_up.refresh_from_db()
    assert (given_up.given_up_at, given_up.applied_at) == (before, None)


@pytest.mark.rule("P8.8")
def test_a_change_after_the_end_is_shown_until_it_is_noted(stage: Stage, post: Post):
    booking = settled(stage)
    stage.simulator.refund_in_dashboard(payment_of(booking).intent_id, cents=2_000)
    post.deliver()
    browser = browser_of("Finance")
    change = ChangeAtStripe.objects.get()
    assert "The card was refunded: $20.00" in text_of(browser.get(HOME))

    answer = confirm(browser, reverse("admin:payments_changeatstripe_do", args=[change.pk, "see-changes"]))

    assert "Noted." in text_of(answer)
    change.refresh_from_db()
    assert change.seen_at
    assert "The card was refunded: $20.00" not in text_of(browser.get(HOME))
    story = text_of(browser.get(reverse("admin:bookings_booking_change", args=[booking.pk])))
    assert "The card was refunded at Stripe, not by us" in story
    assert "took note of what was changed at Stripe" in story


@pytest.mark.rule("P8.8")
def test_however_many_changes_are_noted_at_once(stage: Stage, post: Post):
    booking = settled(stage)
    for cents in range(100, 120):
        stage.simulator.refund_in_dashboard(payment_of(booking).intent_id, cents=cents)
    post.deliver("refund.created")
    change = ChangeAtStripe.objects.latest("pk")

    answer = confirm(
        browser_of("Finance"), reverse("admin:payments_changeatstripe_do", args=[change.pk, "see-changes"])
    )

    assert "Noted." in text_of(answer)
    assert not ChangeAtStripe.objects.filter(seen_at=None).exists()


@pytest.mark.rule("P8.8")
def test_a_payment_that_was_stopped_goes_on_from_its_bookings_page(stage: Stage, post: Post):
    booking = locked(stage)
    stage.simulator.refund_in_dashboard(payment_of(booking).intent_id, cents=2_000)
    post.deliver()
    browser = browser_of("Finance")
    assert "The card was refunded at Stripe: $20.00" in text_of(browser.get(HOME))
    url = reverse("admin:bookings_booking_do", args=[booking.pk, "see-changes"])
    assert url in browser.get(reverse("admin:bookings_booking_change", args=[booking.pk])).content.decode()
    page = text_of(browser.get(url))
    assert "The card was refunded" in page
    assert "$20.00" in page

    assert "Noted." in text_of(confirm(browser, url))

    assert stands(booking)[1] == "locked"


def test_a_page_that_shows_too_little_is_shown_anew(stage: Stage, post: Post):
    booking = locked(stage)
    intent = payment_of(booking).intent_id
    stage.simulator.refund_in_dashboard(intent, cents=2_000)
    post.deliver()
    browser = browser_of("Finance")
    url = reverse("admin:bookings_booking_do", args=[booking.pk, "see-changes"])
    page = browser.get(url)
    stage.simulator.refund_in_dashboard(intent, cents=1_000)
    post.deliver()

    assert browser.post(url, sent_from(page)).status_code == 409
    assert ChangeAtStripe.objects.filter(seen_at=None).count() == 2


def test_support_may_not_let_money_go_on(stage: Stage, post: Post):
    booking = locked(stage)
    stage.simulator.refund_in_dashboard(payment_of(booking).intent_id, cents=2_000)
    post.deliver()

    url = reverse("admin:bookings_booking_do", args=[booking.pk, "see-changes"])
    assert browser_of("Support").get(url).status_code == 403


def test_an_event_is_given_up_after_as_many_tries_as_are_declared(db: None, monkeypatch: pytest.MonkeyPatch):
    def never(event: StripeEvent, **_: object) -> None:
        raise readers.NotYet("Not yet.")

    monkeypatch.setitem(readers._READERS, "account.updated", [never])
    event = StripeEvent.objects.create(
        event_id="evt_1", type="account.updated", payload={}, received_at=clock.wall(), next_try_at=clock.wall()
    )
    waits = []
    while event.given_up_at is None:
        assert not payments.apply_event(event, now=clock.now())
        event.refresh_from_db()
        if event.next_try_at:
            waits.append(round((event.next_try_at - clock.wall()).total_seconds()))
            StripeEvent.objects.update(next_try_at=clock.wall())

    assert waits == [round(wait.total_seconds()) for wait in RETRY_AFTER]
    assert event.attempts == len(RETRY_AFTER) + 1
    assert not StripeEvent.objects.due(at=clock.wall() + timedelta(days=9)).exists()


def test_a_reader_that_dies_has_used_up_a_try(db: None, monkeypatch: pytest.MonkeyPatch):
    def dies(event: StripeEvent, **_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setitem(readers._READERS, "account.updated", [dies])
    event = StripeEvent.objects.create(
        event_id="evt_1", type="account.updated", payload={}, received_at=clock.wall(), next_try_at=clock.wall()
    )

    with pytest.raises(ZeroDivisionError):
        payments.apply_event(event, now=clock.now())

    event.refresh_from_db()
    assert event.attempts == 1
    assert event.next_try_at > clock.wall()
