"""The sweeps: who claims what, what a dead worker leaves, and what is not due any more (design 4, "Load")."""

from datetime import timedelta

import pytest
from django.test import Client

from bookings.models import Booking
from instainstru import clock
from payments import operations as payments
from payments import tasks
from payments.models import Operation, Payment
from payments.operations.claims import LEASE
from payments.policy.states import Action
from tests.rules.standing import payment_of, stands
from tests.stage import Stage

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


GAUGED = ("operations_oldest", "stripe_calls_unanswered", "sweeps_late")


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
    """The tasks that a sweep has started; nobody works on them."""
    given: list[dict[str, object]] = []
    for task in (tasks.begin_due, tasks.continue_operation, tasks.warn_unpaid, tasks.let_hold_lapse):
        monkeypatch.setattr(task, "delay", lambda **kwargs: given.append(kwargs))
    return given


@pytest.fixture
def due(stage: Stage) -> Booking:
    """A lesson whose card is to be held now."""
    booking = stage.book(hours_ahead=72)
    stage.stand_at(booking.starts_at - 24 * HOUR)
    return booking


def let_claims_end() -> None:
    Payment.objects.update(claimed_until=clock.wall() - timedelta(seconds=1))


@pytest.mark.rule("P5.1")
def test_a_sweep_claims_what_is_due_and_starts_one_task_for_each(stage: Stage, due: Booking, started: list) -> None:
    later = stage.book(hours_ahead=72)

    tasks.sweep_authorizations_due()

    assert started == [{"payment_id": due.payment_id, "kind": Action.AUTHORIZE}]
    assert clock.wall() < payment_of(due).claimed_until <= clock.wall() + LEASE
    assert payment_of(later).claimed_until is None


def test_what_is_claimed_is_skipped_by_others(due: Booking, started: list) -> None:
    tasks.sweep_authorizations_due()

    tasks.sweep_authorizations_due()

    assert len(started) == 1


def test_a_dead_workers_claim_ends(due: Booking, started: list) -> None:
    tasks.sweep_authorizations_due()
    let_claims_end()

    tasks.sweep_authorizations_due()

    assert len(started) == 2


def test_a_claim_is_given_back_by_the_task_that_ends(due: Booking) -> None:
    tasks.begin_due(payment_id=due.payment_id, kind=Action.AUTHORIZE)

    assert payment_of(due).claimed_until is None
    assert stands(due) == ("confirmed", "authorized", "")


def test_a_payment_on_which_something_is_under_way_is_left_to_that(stage: Stage, due: Booking, started: list) -> None:
    stage.simulator.order_fault("authorize", "timeout_before")
    tasks.begin_due(payment_id=due.payment_id, kind=Action.AUTHORIZE)
    let_claims_end()
    started.clear()

    tasks.sweep_authorizations_due()
    assert started == []  # not before the repeat of P10.4
    stage.stand_at(clock.now() + MINUTE)
    tasks.sweep_unfinished_operations()

    assert started == [{"operation_id": Operation.objects.open().get().pk}]


def test_a_sweep_takes_no_more_than_its_limit_the_longest_due_first(stage: Stage, started: list) -> None:
    bookings = [stage.book(hours_ahead=hours) for hours in (74, 72, 73)]
    stage.stand_at(bookings[0].starts_at)

    tasks.sweep_authorizations_due(limit=2)

    assert [task["payment_id"] for task in started] == [bookings[1].payment_id, bookings[2].payment_id]


def test_a_sweep_claims_batch_by_batch_what_stripe_lets_through_until_the_next(
    stage: Stage, started: list, settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    bookings = [stage.book(hours_ahead=hours) for hours in (72, 73, 74, 75)]
    stage.stand_at(bookings[-1].starts_at)
    monkeypatch.setattr(tasks, "BATCH", 2)
    settings.STRIPE_CALLS_PER_SECOND = 0.1  # three in thirty seconds

    tasks.sweep_authorizations_due()

    assert [task["payment_id"] for task in started] == [booking.payment_id for booking in bookings[:3]]


@pytest.mark.rule("P10.1")
def test_each_warning_is_a_task_of_its_own_so_that_one_that_fails_holds_up_no_other(
    stage: Stage, request: pytest.FixtureRequest
) -> None:
    bookings = [stage.book(hours_ahead=hours) for hours in (72, 73)]
    stage.use_card("declined")
    stage.travel_to(bookings[0].starts_at - 14 * HOUR)
    started = request.getfixturevalue("started")  # on the way here, tasks were worked on
    stage.stand_at(bookings[1].starts_at - 13 * HOUR)

    tasks.sweep_final_warnings()

    assert started == [{"payment_id": booking.payment_id} for booking in bookings]


@pytest.mark.rule("P2.6")
def test_each_lapsed_hold_is_a_task_of_its_own(stage: Stage, started: list) -> None:
    bookings = [stage.book(hours_ahead=hours) for hours in (18, 20)]
    stage.stand_at(max(payment_of(booking).capture_before for booking in bookings))

    tasks.sweep_lapsed_holds()

    assert started == [{"payment_id": booking.payment_id} for booking in bookings]


@pytest.mark.rule("P10.1")
def test_a_deadline_that_holds_no_more_is_derived_anew(stage: Stage, due: Booking, started: list) -> None:
    """A row that is due by a deadline that its state does not have would be swept for ever."""
    payments.perform(payments.begin(kind=Action.AUTHORIZE, payment_id=due.payment_id, party="system", now=clock.now()))
    Payment.objects.filter(pk=due.payment_id).update(authorize_at=clock.now() - HOUR)
    tasks.sweep_authorizations_due()
    (task,) = started

    tasks.begin_due(**task)
    started.clear()
    tasks.sweep_authorizations_due()

    assert started == []
    payment = payment_of(due)
    assert (payment.authorize_at, payment.claimed_until) == (None, None)
    assert payment.settle_at == due.ends_at + 24 * HOUR
    assert stands(due) == ("confirmed", "authorized", "")


def test_a_task_that_comes_twice_does_it_once(stage: Stage, due: Booking) -> None:
    for _ in range(2):
        tasks.begin_due(payment_id=due.payment_id, kind=Action.AUTHORIZE)

    assert len([entry for entry in stage.simulator.requests() if entry["call"] == "authorize"]) == 1
    assert Operation.objects.filter(kind=Action.AUTHORIZE).count() == 1


@pytest.mark.rule("P10.1")
def test_a_task_that_comes_twice_tries_a_refused_card_once(stage: Stage, due: Booking) -> None:
    stage.use_card("declined")
    for _ in range(2):
        tasks.begin_due(payment_id=due.payment_id, kind=Action.AUTHORIZE)

    payment = payment_of(due)
    assert payment.authorization_refusals == 1
    assert payment.authorize_at == clock.now() + HOUR
    assert payment.claimed_until is None
    assert Operation.objects.filter(kind=Action.AUTHORIZE).count() == 1


@pytest.mark.rule("P10.4")
def test_the_completer_leaves_living_runners_and_waiting_repeats_alone(
    stage: Stage, due: Booking, started: list
) -> None:
    stage.simulator.order_fault("authorize", "timeout_before")
    tasks.begin_due(payment_id=due.payment_id, kind=Action.AUTHORIZE)
    operations = Operation.objects.open()

    tasks.sweep_unfinished_operations()  # its repeat is not due
    operations.update(resume_at=None, leased_until=clock.wall() + MINUTE)
    tasks.sweep_unfinished_operations()  # somebody is at it
    assert started == []
    operations.update(leased_until=clock.wall() - MINUTE)
    tasks.sweep_unfinished_operations()

    assert len(started) == 1


# --- Seen from outside ----------------------------------------------------------------------------------------------


def test_prometheus_hears_what_is_late_and_what_is_unanswered(stage: Stage, due: Booking, client: Client) -> None:
    def told() -> dict[str, float]:
        lines = client.get("/metrics").content.decode().splitlines()
        return {name: float(value) for name, value in (line.split() for line in lines if line.startswith(GAUGED))}

    stage.stand_at(clock.now() + HOUR)
    assert told() == {
        "operations_oldest_open_seconds": 0,
        "stripe_calls_unanswered": 0,
        "sweeps_late_seconds": 3600,
    }
    stage.simulator.order_fault("authorize", "timeout_before")
    tasks.begin_due(payment_id=due.payment_id, kind=Action.AUTHORIZE)
    stage.stand_at(clock.now() + MINUTE)

    assert told() == {
        "operations_oldest_open_seconds": 60,
        "stripe_calls_unanswered": 1,
        "sweeps_late_seconds": 0,
    }
