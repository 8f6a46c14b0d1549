"""What Stripe tells of payouts, cards and intents, beside what was changed there."""

from datetime import timedelta

import pytest

from bookings.models import Booking
from instainstru import clock
from instainstru.accounts.models import User
from instainstru.local.scenarios.stage import CARDS
from payments import operations as payments
from payments import readers
from payments.gateway import client
from payments.ledger import books
from payments.models import JournalEntry, Operation, Payee, Payer, ReconciliationItem, StripeEvent
from payments.operations.events import RETRY_AFTER
from payments.operations.reconcile import close_item, reconcile
from payments.policy.accounts import Account
from payments.simulator import Server
from tests.rules.standing import Money, money_of, payment_of, stands
from tests.stage import Stage, turn_into_euros
from tests.webhooks.conftest import Post

P, PI = 10_560, 13_440


def settled(stage: Stage) -> Booking:
    booking = stage.book()
    stage.travel_to(booking.ends_at + timedelta(hours=25))
    return booking


def pay_out(cents: int, *, account: str = "") -> str:
    body = {"amount": cents, "currency": "usd"}
    return client.post("/v1/payouts", body, key=f"payout-{account}-{cents}", account=account)["id"]


@pytest.mark.parametrize("fails", [None, "before it is told", "after it is told"])
def test_what_an_instructor_takes_to_the_bank_is_owed_to_them_no_more(stage: Stage, post: Post, fails: str | None):
    settled(stage)
    stage.travel(days=3)  # the charge's share is available by now
    payout = pay_out(4_000, account=Payee.objects.get(user=stage.instructor).account_id)
    if fails == "after it is told":
        post.deliver()
    if fails:
        stage.simulator.fail_payout(payout)

    post.deliver()
    post.deliver()

    left = P if fails else P - 4_000
    assert books.balance(Account.CONNECTED, owner_id=stage.instructor.pk) == left
    assert books.balance(Account.EARNINGS, owner_id=stage.instructor.pk) == -left
    assert JournalEntry.objects.filter(cause__startswith=f"stripe:{payout}").count() == (2 if fails else 1)
    assert stage.disorder() == []


def test_the_platforms_own_payout_is_booked_against_its_funding(stage: Stage, post: Post):
    before = books.balance(Account.FUNDING)
    pay_out(10_000)

    post.deliver()

    assert books.balance(Account.FUNDING) == before + 10_000
    assert stage.disorder() == []


# --- Other currencies -------------------------------------------------------------------------------------------------


def items() -> list[tuple[str, str, int, str]]:
    found = ReconciliationItem.objects.unresolved().order_by("id")
    return list(found.values_list("name", "kind", "moved_cents", "currency"))


@pytest.mark.parametrize("whose", ["the instructor's", "the platform's"])
def test_a_payout_in_another_currency_is_a_work_item_and_not_booked(
    stage: Stage, post: Post, simulator: Server, whose: str
):
    settled(stage)
    stage.travel(days=3)
    account = Payee.objects.get(user=stage.instructor).account_id if whose == "the instructor's" else ""
    payout = pay_out(4_000, account=account)
    (moved_by,) = turn_into_euros(simulator, payout)
    entries = JournalEntry.objects.count()

    post.deliver()
    post.deliver()

    assert items() == [(moved_by, "other_currency", -4_000, "eur")]
    assert JournalEntry.objects.count() == entries
    assert not StripeEvent.objects.filter(applied_at=None).exists()

    stage.simulator.fail_payout(payout)
    post.deliver()

    (item, back) = ReconciliationItem.objects.unresolved().order_by("id")
    assert (back.moved_cents, back.stripe_objects) == (4_000, [payout])
    assert back.name not in (item.name, "")


def test_a_transfer_in_another_currency_is_a_work_item_and_so_is_its_reversal(
    stage: Stage, post: Post, simulator: Server
):
    account = Payee.objects.get(user=stage.instructor).account_id
    made = client.post("/v1/transfers", {"amount": 500, "currency": "usd", "destination": account}, key="by-hand")
    reversal = stage.simulator.reverse_in_dashboard(made["id"], cents=200)
    gone, back = turn_into_euros(simulator, made["id"], reversal)
    entries = JournalEntry.objects.count()

    post.deliver()

    assert items() == [(gone, "other_currency", -500, "eur"), (back, "other_currency", 200, "eur")]
    assert JournalEntry.objects.count() == entries


def test_what_staff_have_closed_of_another_currency_stays_closed_and_reconciling_closes_none(
    stage: Stage, post: Post, simulator: Server, staff: User
):
    settled(stage)
    stage.travel(days=3)
    own, theirs = pay_out(4_000), pay_out(3_000, account=Payee.objects.get(user=stage.instructor).account_id)
    ours, _ = turn_into_euros(simulator, own, theirs)
    post.deliver()
    told = items()

    report = reconcile(since=clock.now() - timedelta(days=1), now=clock.now())
    assert [(item.name, item.off_by) for item in report.items] == [(ours, "-4,000 of the smallest unit of EUR")]
    assert items() == told
    for item in ReconciliationItem.objects.all():
        close_item(item_id=item.pk, actor=staff, note="A test payout.", now=clock.now())
    StripeEvent.objects.update(applied_at=None, next_try_at=clock.wall())
    for event in StripeEvent.objects.filter(type__startswith="payout."):
        payments.apply_event(event, now=clock.now())

    assert reconcile(since=clock.now() - timedelta(days=1), now=clock.now()).items == ()
    assert items() == []


# --- Cards ------------------------------------------------------------------------------------------------------------


def set_card_up_and_leave(stage: Stage, card: str) -> None:
    """Save a card as Stripe.js does, and close the window before it comes back to us: it never does."""
    setup = payments.begin_card_setup(student=stage.student)
    payments.confirm_card_setup(
        student=stage.student, setup_id=setup.id, payment_method=CARDS[card], return_url="http://127.0.0.1/"
    )


def card_of(stage: Stage) -> str:
    return Payer.objects.get(user=stage.student).payment_method_id


@pytest.mark.rule("P2.5")
def test_a_card_whose_student_never_came_back_is_kept_and_tried(stage: Stage, post: Post):
    stage.use_card("declined")
    booking = stage.book(hours_ahead=30)
    stage.travel(hours=7)
    assert stands(booking)[:2] == ("confirmed", "payment_method_required")

    set_card_up_and_leave(stage, "ok")
    event = [event for event in post.waiting() if event["type"] == "setup_intent.succeeded"][-1]
    assert not post.put(event)  # the student may still be on the way back, and can confirm with the bank then
    stage.travel(minutes=6)
    assert post.put(event)

    assert stands(booking)[:2] == ("confirmed", "authorized")
    assert stage.disorder() == []


@pytest.mark.parametrize("backwards", [True, False])
def test_of_two_cards_the_later_one_stays_in_whatever_order_they_are_told(stage: Stage, post: Post, backwards: bool):
    set_card_up_and_leave(stage, "declined")
    stage.travel(minutes=1)
    set_card_up_and_leave(stage, "ok")
    newest = client.get("/v1/setup_intents", limit=1)["data"][0]["payment_method"]
    stage.travel(minutes=6)
    told = post.waiting()

    for event in reversed(told) if backwards else told:
        post.put(event)

    assert card_of(stage) == newest


def test_a_card_that_was_chosen_later_stays(stage: Stage, post: Post):
    set_card_up_and_leave(stage, "declined")
    stage.travel(minutes=1)
    stage.use_card("ok")
    chosen = card_of(stage)

    post.deliver()

    assert card_of(stage) == chosen


# --- Intents ----------------------------------------------------------------------------------------------------------


@pytest.mark.rule("P5.2")
def test_a_refused_confirmation_is_noticed_without_the_student(stage: Stage, post: Post):
    stage.use_card("requires_3ds")
    booking = stage.book(hours_ahead=20)
    stage.simulator.finish_3ds(payment_of(booking).pending_intent_id, succeed=False)

    post.deliver()

    assert payment_of(booking).refusal_code == "card_declined"
    assert stands(booking)[:2] == ("pending", "payment_method_required")
    assert stage.disorder() == []


def test_an_intent_that_still_waits_for_the_bank_begins_nothing(stage: Stage, post: Post):
    stage.use_card("requires_3ds")
    booking = stage.book(hours_ahead=20)

    post.deliver()

    assert payment_of(booking).pending_intent_id
    assert not Operation.objects.filter(kind="confirm_authorization").exists()


def test_an_intent_whose_answer_is_still_unknown_is_looked_at_later(stage: Stage, post: Post):
    stage.use_card("requires_3ds")
    stage.simulator.order_fault("authorize", "lost_answer")
    booking = stage.book(hours_ahead=20)
    (event,) = [event for event in post.waiting() if event["type"] == "payment_intent.requires_action"]
    stage.simulator.finish_3ds(event["data"]["object"]["id"])
    (confirmed,) = [event for event in post.waiting() if event["type"].endswith("capturable_updated")]

    assert not post.put(confirmed)

    stage.travel(minutes=2)  # the answer is repeated by now, as it was at first: the bank waits
    assert payment_of(booking).pending_intent_id
    assert post.put(confirmed)
    assert stands(booking)[:2] == ("confirmed", "authorized")
    assert money_of(booking) == Money(held=PI)
    assert stage.disorder() == []


def test_the_clock_is_the_products(stage: Stage, post: Post):
    settled(stage)
    refund_at = clock.now()
    booking = Booking.objects.get()
    stage.simulator.refund_in_dashboard(payment_of(booking).intent_id, cents=100)

    post.deliver()

    assert JournalEntry.objects.latest("id").occurred_at == refund_at


# --- What goes wrong --------------------------------------------------------------------------------------------------


def test_a_mistake_of_our_own_is_kept_with_the_event_and_given_up_in_the_end(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def mistaken(event: StripeEvent, *, now: object) -> None:
        raise KeyError("capture_before")

    monkeypatch.setattr(readers, "reader_of", lambda kind: mistaken)
    event = StripeEvent.objects.create(
        event_id="evt_odd", type="account.updated", object_id="acct_1", payload={}, received_at=clock.wall()
    )
    for attempts in range(len(RETRY_AFTER)):
        StripeEvent.objects.update(next_try_at=clock.wall())
        with pytest.raises(KeyError):
            payments.apply_event(StripeEvent.objects.get(attempts=attempts), now=clock.now())
        assert StripeEvent.objects.get().failure == "KeyError: 'capture_before'"
        assert StripeEvent.objects.get().given_up_at is None

    StripeEvent.objects.update(next_try_at=clock.wall())
    with pytest.raises(KeyError):
        payments.apply_event(StripeEvent.objects.get(pk=event.pk), now=clock.now())

    assert StripeEvent.objects.get().given_up_at is not None
