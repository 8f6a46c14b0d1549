"""`reconcile`: every posting on our Stripe balance has its balance transactions, and the other way round."""

import json
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, transaction
from django.test import Client

from bookings.models import Booking
from bookings.operations import cancel_booking
from disputes import operations as cases
from instainstru import clock
from payments.gateway import client
from payments.gateway.errors import GatewayUnavailable
from payments.ledger import journal
from payments.ledger.matching import Booked, DifferenceKind, Moved, differences
from payments.models import Operation, ReconciliationItem, ReconciliationRun, Step
from payments.models.reconciliation import ReconciliationItemQuerySet
from payments.operations.reconcile import close_item, reconcile, where_to_begin
from payments.policy.accounts import Account, Line
from payments.simulator import Server
from payments.tasks import reconcile_with_stripe
from tests.concurrency.meeting import at_once
from tests.factories import UserFactory
from tests.stage import Stage, turn_into_euros

Kind = ReconciliationItem.Kind


@pytest.fixture
def lived(stage: Stage) -> Booking:
    """A lesson taken and paid with some credit, one cancelled late, and one whose payment the bank took back."""
    stage.give_credit(5_000)
    taken = stage.book(hours_ahead=72, credits=5_000)
    late = stage.book(hours_ahead=80)
    disputed = stage.book(hours_ahead=90)
    stage.travel_to(late.starts_at - timedelta(hours=5))
    cancel_booking(booking=late, actor=stage.student, now=clock.now())
    stage.travel_to(disputed.ends_at + timedelta(days=2))
    disputed.refresh_from_db()
    dispute = stage.simulator.dispute(disputed.payment.intent_id)
    cases.take_in_from_bank(dispute_id=dispute["id"], now=clock.now())
    taken.refresh_from_db()
    return taken


def found(**options: object) -> list[tuple[str, str, int]]:
    report = reconcile(since=clock.now() - timedelta(days=30), now=clock.now(), **options)
    return [(item.kind, item.name, item.off_by_cents) for item in report.items]


@pytest.mark.rule("P2.4")
def test_what_we_booked_is_what_stripe_moved(lived: Booking) -> None:
    report = reconcile(since=clock.now() - timedelta(days=30), now=clock.now())

    assert report.items == ()
    assert report.entries >= 8  # funding, three captures, the top-up, reversals, half a payout, the bank's withdrawal
    assert report.transactions > report.entries  # a capture moves the charge and its transfer


def test_what_moved_at_stripe_alone_is_a_work_item_and_settles_itself_once_booked(stage: Stage, lived: Booking) -> None:
    refund = stage.simulator.refund_in_dashboard(lived.payment.intent_id, cents=1_000)
    ((kind, name, off_by),) = found()
    assert (kind, off_by) == (Kind.MISSING_IN_BOOKS, -1_000)
    assert ReconciliationItem.objects.get(name=name).stripe_objects == [refund]
    assert found() == [(kind, name, off_by)]  # found again, it is the same work item
    assert ReconciliationItem.objects.count() == 1

    _book(lived, cause=f"stripe:{refund}", cents=-1_000, object_id=refund)

    assert found() == []
    assert ReconciliationItem.objects.get().resolved_at == clock.now()


def test_several_at_once_make_one_work_item_of_each_difference(stage: Stage, lived: Booking) -> None:
    for cents in (1_000, 500, 250):
        stage.simulator.refund_in_dashboard(lived.payment.intent_id, cents=cents)

    told = at_once([found] * 3)

    assert {off_by for _, _, off_by in told[0]} == {-1_000, -500, -250}
    assert told == [told[0]] * 3
    assert ReconciliationItem.objects.unresolved().count() == ReconciliationItem.objects.count() == 3


def test_what_had_settled_itself_is_a_work_item_again_if_it_differs_again(stage: Stage, lived: Booking) -> None:
    _book(lived, cause="stripe:re_of_nobody", cents=-2_500, object_id="re_of_nobody")
    (item,) = found()
    ReconciliationItem.objects.update(resolved_at=clock.now(), note="It matches now.")

    assert found() == [item]


def test_what_staff_have_closed_stays_closed(lived: Booking) -> None:
    _book(lived, cause="stripe:re_of_nobody", cents=-2_500, object_id="re_of_nobody")
    found()
    item = ReconciliationItem.objects.get()
    close_item(item_id=item.pk, actor=UserFactory(as_staff=True), note="A test of the bank's.", now=clock.now())

    assert found() == []


def test_what_is_booked_alone_is_a_work_item(lived: Booking) -> None:
    _book(lived, cause="stripe:re_of_nobody", cents=-2_500, object_id="re_of_nobody")

    assert found() == [(Kind.MISSING_AT_STRIPE, "stripe:re_of_nobody", 2_500)]


def test_what_is_booked_with_another_amount_is_a_work_item(stage: Stage, lived: Booking) -> None:
    refund = stage.simulator.refund_in_dashboard(lived.payment.intent_id, cents=1_000)
    _book(lived, cause=f"stripe:{refund}", cents=-999, object_id=refund)

    assert found() == [(Kind.AMOUNT_DIFFERS, f"stripe:{refund}", -1)]


@pytest.mark.rule("P2.4")
def test_what_moved_in_another_currency_matches_nothing_and_is_no_drift_in_cents(
    stage: Stage, lived: Booking, simulator: Server
) -> None:
    payout = client.post("/v1/payouts", {"amount": 4_000, "currency": "usd"}, key="payout")["id"]
    _book(lived, cause=f"stripe:{payout}", cents=-4_000, object_id=payout)
    assert found() == []

    (moved_by,) = turn_into_euros(simulator, payout)

    assert found() == [
        (Kind.OTHER_CURRENCY, moved_by, -4_000),
        (Kind.MISSING_AT_STRIPE, f"stripe:{payout}", 4_000),
    ]
    assert ReconciliationItem.objects.unresolved().drift() == 4_000
    with pytest.raises(SystemExit, match="1"):
        call_command("reconcile", stdout=(said := StringIO()), stderr=StringIO())
    assert "off by -4,000 of the smallest unit of EUR. The books know dollars alone" in said.getvalue()


# --- Night after night -------------------------------------------------------------------------------------------


def test_a_difference_stands_until_it_matches_however_many_nights_that_takes(stage: Stage, lived: Booking) -> None:
    refund = stage.simulator.refund_in_dashboard(lived.payment.intent_id, cents=1_000)
    _book(lived, cause="stripe:re_of_nobody", cents=-2_500, object_id="re_of_nobody")
    standing = ReconciliationItem.objects.unresolved().values_list("kind", flat=True).order_by("kind")
    for _ in range(6):
        stage.stand_at(clock.now() + timedelta(days=1))
        reconcile_with_stripe()
        assert list(standing.all()) == [Kind.MISSING_AT_STRIPE, Kind.MISSING_IN_BOOKS]

    _book(lived, cause=f"stripe:{refund}", cents=-1_000, object_id=refund)
    reconcile_with_stripe()

    assert list(standing.all()) == [Kind.MISSING_AT_STRIPE]


def test_what_is_older_than_a_month_is_left_to_somebody(stage: Stage, lived: Booking) -> None:
    _book(lived, cause="stripe:re_of_nobody", cents=-2_500, object_id="re_of_nobody")
    began_at = clock.now()
    reconcile_with_stripe()

    stage.stand_at(began_at + timedelta(days=29))
    assert where_to_begin(now=clock.now()) == began_at
    stage.stand_at(began_at + timedelta(days=40))
    assert where_to_begin(now=clock.now()) == clock.now() - timedelta(days=30)
    reconcile_with_stripe()

    assert ReconciliationItem.objects.unresolved().exists()


def test_nights_on_which_stripe_was_away_are_made_up_for(stage: Stage, lived: Booking) -> None:
    reconcile_with_stripe()
    last_run = clock.now()
    stage.stand_at(last_run + timedelta(hours=1))
    stage.simulator.refund_in_dashboard(lived.payment.intent_id, cents=1_000)
    for _ in range(6):
        stage.stand_at(clock.now() + timedelta(days=1))
        stage.simulator.order_fault("read", "error_500", times=1)
        with pytest.raises(GatewayUnavailable):
            reconcile_with_stripe()
    assert not ReconciliationItem.objects.exists()

    reconcile_with_stripe()

    assert ReconciliationItem.objects.unresolved().count() == 1
    run = ReconciliationRun.objects.latest()
    assert (run.since, run.until, run.differences) == (last_run, clock.now(), 1)


# --- Beside everything else --------------------------------------------------------------------------------------


@pytest.mark.rule("P10.4")
def test_what_an_unanswered_call_may_have_moved_is_left_for_the_next_run(stage: Stage) -> None:
    stage.give_credit(5_000)
    booking = stage.book(hours_ahead=72, credits=5_000)
    stage.travel_to(booking.ends_at)
    stage.simulator.order_fault("payout", "lost_answer")
    stage.travel(hours=24)
    stage.travel_to(clock.now(), run_what_is_due_then=True)
    assert Operation.objects.open().exists()
    Step.objects.filter(state="sent").update(first_sent_at=clock.now())  # else the machine's time

    assert found() == []
    assert len(reconcile(since=clock.now(), now=clock.now() + timedelta(hours=25), write=False).items) == 1

    stage.travel(minutes=2)
    assert not Operation.objects.open().exists()
    assert found() == []


@pytest.mark.rule("P10.4")
def test_an_answer_that_was_long_in_coming_is_matched_with_what_moved_then(stage: Stage) -> None:
    booking = stage.book(hours_ahead=72)
    stage.travel_to(booking.ends_at + timedelta(hours=24))
    stage.simulator.order_fault("capture", "lost_answer")
    stage.travel_to(clock.now(), run_what_is_due_then=True)
    Step.objects.filter(call="capture").update(first_sent_at=clock.now())  # else the machine's time
    stage.stand_at(clock.now() + timedelta(days=5))
    stage.travel(minutes=1)
    assert not Operation.objects.open().exists()

    report = reconcile(since=clock.now() - timedelta(days=1), now=clock.now())

    assert report.items == ()


def test_what_happens_while_it_compares_is_left_for_the_next_run(stage: Stage, lived: Booking) -> None:
    began_at = clock.now()
    stage.stand_at(began_at + timedelta(seconds=5))
    stage.simulator.refund_in_dashboard(lived.payment.intent_id, cents=1_000)
    _book(lived, cause="stripe:re_of_nobody", cents=-2_500, object_id="re_of_nobody")

    assert reconcile(since=began_at - timedelta(days=1), now=began_at).items == ()


# --- Telling -----------------------------------------------------------------------------------------------------


def test_a_dry_run_keeps_nothing(stage: Stage, lived: Booking) -> None:
    stage.simulator.refund_in_dashboard(lived.payment.intent_id, cents=1_000)

    assert len(found(write=False)) == 1
    assert not ReconciliationItem.objects.exists()
    assert not ReconciliationRun.objects.exists()


def test_the_command_says_what_differs_and_what_to_do_next(stage: Stage, lived: Booking) -> None:
    said = StringIO()
    call_command("reconcile", "--json", stdout=said)
    assert json.loads(said.getvalue())["differences"] == []
    stage.simulator.refund_in_dashboard(lived.payment.intent_id, cents=1_000)

    with pytest.raises(SystemExit, match="1"):
        call_command("reconcile", stdout=said, stderr=StringIO())

    assert "off by -$10.00" in said.getvalue()
    assert "back-fill" in said.getvalue()
    assert "0 days ago" in said.getvalue()


def test_the_command_tells_what_each_difference_is_about(lived: Booking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("payments.management.progress.TELL_EVERY", timedelta(0))
    _book(lived, cause="stripe:re_of_nobody", cents=-2_500, object_id="re_of_nobody")
    said, progress = StringIO(), StringIO()

    with pytest.raises(SystemExit, match="1"):
        call_command("reconcile", "--json", stdout=said, stderr=progress)

    (difference,) = json.loads(said.getvalue())["differences"]
    assert (difference["payment"], difference["age_seconds"]) == (lived.ref, 0)
    assert "entries of the ledger" in progress.getvalue()


def test_the_command_compares_nothing_that_is_still_to_come(stage: Stage) -> None:
    with pytest.raises(CommandError, match="still to come") as refused:
        call_command("reconcile", "--since", "+1d")

    assert refused.value.returncode == 2


@pytest.mark.django_db
@pytest.mark.parametrize("processes", ["one", "several"])
def test_prometheus_hears_by_how_many_cents_the_books_differ(
    client: Client, processes: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if processes == "several":
        monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    assert "books_drift_cents 0.0" in _metrics(client)
    now = clock.now()
    for name, booked, moved, resolved_at in (("a", 1_000, 0, None), ("b", 0, 2_500, None), ("c", 0, 70, now)):
        ReconciliationItem.objects.create(
            kind=Kind.AMOUNT_DIFFERS, name=name, booked_cents=booked, moved_cents=moved, happened_at=now, found_at=now,
            seen_at=now, resolved_at=resolved_at,
        )  # fmt: skip

    assert "books_drift_cents 3500.0" in _metrics(client)


@pytest.mark.django_db
def test_what_was_counted_is_told_without_the_database(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: object) -> int:
        raise OperationalError("connection refused")

    monkeypatch.setattr(ReconciliationItemQuerySet, "drift", refuse)

    assert "http_requests_answered_total" in _metrics(client)
    assert "books_drift_cents" not in _metrics(client)


def test_each_transaction_belongs_to_one_entry() -> None:
    at = datetime(2027, 1, 11, tzinfo=UTC)
    booked = [
        Booked(cause="step:1", cents=70, objects=frozenset({"ch_1", "tr_1"}), at=at),
        Booked(cause="step:2", cents=-5, objects=frozenset({"re_1"}), at=at),
    ]
    moved = [
        Moved(id="txn_1", source="ch_1", amount=100, at=at),
        Moved(id="txn_2", source="tr_1", amount=-30, at=at),
        Moved(id="txn_3", source="re_1", amount=-6, at=at),
        Moved(id="txn_4", source="po_1", amount=-9, at=at),
    ]

    told = {(each.name, each.kind, each.moved - each.booked) for each in differences(booked, moved)}

    assert told == {
        ("txn_4", DifferenceKind.MISSING_IN_BOOKS, -9),
        ("step:2", DifferenceKind.AMOUNT_DIFFERS, -1),
    }


def _metrics(client: Client) -> str:
    return client.get("/metrics").content.decode()


def _book(booking: Booking, *, cause: str, cents: int, object_id: str) -> None:
    """Plant an entry, as no code of ours would write it."""
    lines = (Line(Account.PLATFORM, cents), Line(Account.LOSSES, -cents))
    with transaction.atomic():
        journal.write_for_payment(
            booking.payment,
            lines,
            cause=cause,
            rule="P8.8",
            description="Planted",
            now=clock.now(),
            stripe_object_id=object_id,
        )
