"""`payouts run`: what is due is settled now, once, beside the sweep and beside another run (P5.5)."""

from datetime import timedelta

import pytest

from bookings.models import Booking
from disputes.operations import open_dispute
from instainstru import clock
from payments import tasks
from payments.models import Operation, Payment
from payments.operations.settling import Result, settle_due
from payments.policy.states import Action, Party
from tests.concurrency.meeting import as_a_request, at_once, students_with_a_card
from tests.money import assert_balances
from tests.payments.commands.conftest import calls
from tests.stage import Stage

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@pytest.fixture
def due(stage: Stage) -> list[Booking]:
    """Four lessons that are due, and no sweep has run."""
    bookings = [stage.book(hours_ahead=72 + 2 * number) for number in range(4)]
    stage.travel_to(bookings[0].ends_at)  # every card is held
    stage.stand_at(bookings[-1].ends_at + DAY)
    return bookings


def statuses(bookings: list[Booking]) -> list[str]:
    found = Payment.objects.in_bulk([booking.payment_id for booking in bookings])
    return [found[booking.payment_id].status for booking in bookings]


@pytest.mark.rule("P5.5")
def test_everything_due_is_settled_and_the_second_run_finds_nothing(stage: Stage, due: list[Booking]) -> None:
    first, second = calls("payouts", "run", "--json"), calls("payouts", "run", "--json")

    assert (first.code, first.json["failed"]) == (0, 0)
    assert [(each["reference"], each["result"], each["instructor_has_cents"]) for each in first.json["payments"]] == [
        (booking.ref, "settled", 10_560) for booking in due
    ]
    assert (second.code, second.json["payments"]) == (0, [])
    assert_balances(stage, card=4 * 13_440, instructor=4 * 10_560, platform=4 * 2_460, fees=4 * 420)


def test_only_what_is_named_and_at_most_so_many(due: list[Booking]) -> None:
    calls("payouts", "run", "--payment", due[2].ref)
    assert statuses(due) == ["authorized", "authorized", "settled", "authorized"]

    calls("payouts", "run", "--limit", "2")
    assert statuses(due) == ["settled", "settled", "settled", "authorized"]

    calls("payouts", "run", "--instructor", "instructor@example.com")
    assert statuses(due) == ["settled"] * 4


def test_a_dry_run_tells_and_moves_nothing(stage: Stage, due: list[Booking]) -> None:
    stage.simulator.forget_requests()

    told = calls("payouts", "run", "--limit", "3", "--dry-run")

    assert "3 would be settled, $316.80 to instructors." in told.text
    assert stage.simulator.requests() == []
    assert not Payment.objects.exclude(claimed_until=None).exists()


def test_what_goes_wrong_is_told_by_payment_and_in_the_exit_code(stage: Stage, due: list[Booking]) -> None:
    refused, unpayable, unanswered, well = due
    for booking, call, fault in ((refused, "capture", "refuse"), (unanswered, "capture", "timeout_before")):
        booking.payment.refresh_from_db()
        stage.simulator.order_fault(call, fault, times="always", match={"id": booking.payment.intent_id})
    _stop(unpayable)

    told = calls("payouts", "run", "--payment", *(booking.ref for booking in due), "--json")

    assert (told.code, told.json["failed"]) == (1, 3)
    assert {each["reference"]: each["result"] for each in told.json["payments"]} == {
        refused.ref: "card_refused",
        unpayable.ref: "stopped",
        unanswered.ref: "under_way",
        well.ref: "settled",
    }
    again = calls("payouts", "run", "--payment", well.ref, "--json")
    assert (again.code, [each["result"] for each in again.json["payments"]]) == (0, ["settled"])


@pytest.mark.rule("P8.1")
def test_what_a_case_has_frozen_is_left_alone(stage: Stage, due: list[Booking]) -> None:
    stage.stand_at(due[0].ends_at + HOUR)
    open_dispute(booking=due[0], actor=stage.student, by=Party.STUDENT, statement="No.", now=clock.now())
    stage.stand_at(due[-1].ends_at + DAY)

    assert calls("payouts", "run").code == 0

    assert statuses(due) == ["manual_review", "settled", "settled", "settled"]
    assert calls("payouts", "run", "--payment", due[0].ref).code == 1


WRONG = {
    "a stranger's reference": (("--payment", "bk_nobody"), "There is no such payment: bk_nobody"),
    "not due yet": (("--payment", "{later}"), "is due 2026-03-"),
    "none at all": (("--limit", "0"), "not a number above zero"),
    "nobody": (("--instructor", "acct_nobody"), "No instructor"),
}


@pytest.mark.parametrize(("asked", "why"), WRONG.values(), ids=WRONG)
def test_who_asks_wrongly_is_told_so_and_nothing_is_done(stage: Stage, due: list[Booking], asked, why) -> None:
    later = stage.book(hours_ahead=72)

    told = calls("payouts", "run", *(word.format(later=later.ref) for word in asked))

    assert told.code
    assert why in told.refusal
    assert statuses(due) == ["authorized"] * 4


def test_two_runs_and_the_sweep_at_once_settle_each_payment_once(
    stage: Stage, due: list[Booking], monkeypatch: pytest.MonkeyPatch
) -> None:
    for task in (tasks.begin_due, tasks.continue_operation):
        monkeypatch.setattr(task, "delay", task.run)
    stage.simulator.forget_requests()

    def runs() -> list[str]:
        return [each.reference for each in settle_due(Payment.objects.due_for_settlement(at=clock.now()))]

    ran = at_once([runs, runs, lambda: as_a_request(tasks.sweep_settlements_due.run) or []])

    assert statuses(due) == ["settled"] * 4
    assert Operation.objects.filter(kind=Action.SETTLE).count() == 4
    assert sum(len(references) for references in ran if isinstance(references, list)) <= 4
    assert [request["call"] for request in stage.simulator.requests()] == ["capture"] * 4
    assert stage.disorder() == []


def test_who_goes_away_gives_back_what_was_claimed(due: list[Booking]) -> None:
    settling = settle_due(Payment.objects.due_for_settlement(at=clock.now()))
    assert next(settling).result == Result.SETTLED
    assert Payment.objects.exclude(claimed_until=None).count() == 3

    settling.close()

    assert not Payment.objects.exclude(claimed_until=None).exists()


def test_each_payment_is_tried_once_in_a_run_however_often_it_fails(stage: Stage, monkeypatch) -> None:
    monkeypatch.setattr("payments.operations.settling.BATCH", 1)
    bookings = [stage.book(hours_ahead=72, student=student) for student in students_with_a_card(1)]
    bookings.append(stage.book(hours_ahead=74))
    stage.travel_to(bookings[-1].ends_at)
    stage.stand_at(bookings[-1].ends_at + DAY)
    stage.simulator.order_fault("capture", "timeout_before", times="always")

    told = calls("payouts", "run", "--json").json

    assert [each["result"] for each in told["payments"]] == ["under_way", "under_way"]
    stage.simulator.order_fault("capture", "none")


def _stop(booking: Booking) -> None:
    Payment.objects.filter(pk=booking.payment_id).update(
        status="manual_review", former_status="authorized", review_reason="payout_refused",
        review_since=clock.now(), settle_at=None,
    )  # fmt: skip
