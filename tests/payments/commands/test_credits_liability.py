"""`credits liability`: what we owe in credit by state and month of expiry, as its control account has it then."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bookings.operations import cancel_booking
from credits.models import CreditLot
from credits.queries import Kind, liability
from disputes import operations as cases
from instainstru import clock
from payments.operations.credit import expire_credits
from tests.payments.commands.conftest import calls
from tests.stage import Stage

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def credits_then(at: datetime | None = None) -> dict:
    told = calls("credits", "liability", "--json", *(["--at", at.isoformat()] if at else []))
    assert told.code == 0
    assert told.json["off_by_cents"] == 0
    return told.json


@pytest.mark.rule("P9.1")
def test_each_state_and_month_of_expiry(stage: Stage) -> None:
    stage.give_credit(6_000, lasts=20 * DAY)
    stage.give_credit(4_000, lasts=60 * DAY)
    stage.book(hours_ahead=72, credits=5_000)

    found = credits_then()

    assert found["by_state_cents"] == {"available": 5_000, "reserved": 5_000, "frozen": 0}
    assert [(each["month"], each["available_cents"], each["reserved_cents"]) for each in found["by_expiry"]] == [
        ("2026-03", 1_000, 5_000),
        ("2026-05", 4_000, 0),
    ]


@pytest.mark.rule("P9.3")
def test_what_has_expired_is_breakage_of_its_month_and_owed_no_more(stage: Stage) -> None:
    stage.give_credit(6_000, lasts=20 * DAY)
    stage.give_credit(4_000, lasts=60 * DAY)
    stage.stand_at(datetime(2026, 4, 1, 0, 0, tzinfo=UTC))
    expire_credits(now=clock.now())
    stage.stand_at(datetime(2026, 5, 2, 0, 0, tzinfo=UTC))
    expire_credits(now=clock.now())

    found = credits_then()

    assert found["outstanding_cents"] == 0
    assert found["breakage"] == [{"month": "2026-04", "cents": 6_000}, {"month": "2026-05", "cents": 4_000}]
    before = credits_then(datetime(2026, 4, 30, tzinfo=UTC))
    assert (before["outstanding_cents"], before["breakage"]) == (4_000, [{"month": "2026-04", "cents": 6_000}])


@pytest.mark.rule("P9.2")
def test_the_past_is_told_as_it_was_and_ties_to_the_ledger_at_every_instant(stage: Stage) -> None:
    """Given, reserved, spent, forfeited, issued, frozen, unfrozen, revoked: the wallet's whole life."""
    stood: dict[datetime, tuple[int, int, int]] = {}

    def remember() -> None:
        states = ("available_cents", "reserved_cents", "frozen_cents")
        lots = CreditLot.objects.values_list(*states)
        stood[clock.now()] = tuple(sum(lot[number] for lot in lots) for number in range(3))  # type: ignore[assignment]
        stage.travel(minutes=1)

    stage.give_credit(20_000)
    remember()
    taken = stage.book(hours_ahead=72, credits=5_000)
    late = stage.book(hours_ahead=76, credits=12_000)
    won, lost = stage.book(hours_ahead=80), stage.book(hours_ahead=84)
    remember()
    stage.travel_to(late.starts_at - 6 * HOUR)
    cancel_booking(booking=late, actor=stage.student, now=clock.now())
    remember()
    for booking in (won, lost):
        stage.travel_to(booking.starts_at - 8 * HOUR)
        cancel_booking(booking=booking, actor=stage.student, now=clock.now())
    remember()
    disputes = {}
    for booking in (won, lost):
        booking.refresh_from_db()
        disputes[booking] = stage.simulator.dispute(booking.payment.intent_id)["id"]
        cases.take_in_from_bank(dispute_id=disputes[booking], now=clock.now())
    remember()
    for booking in (won, lost):
        stage.simulator.decide_dispute(booking.payment.intent_id, won=booking is won)
        cases.take_in_from_bank(dispute_id=disputes[booking], now=clock.now())
    remember()
    stage.travel_to(taken.ends_at + 2 * DAY)
    remember()

    assert any(frozen for *_, frozen in stood.values())
    for at, states in stood.items():
        assert tuple(credits_then(at)["by_state_cents"].values()) == states
    assert stage.disorder() == []


def test_what_does_not_agree_is_told_and_in_the_exit_code(stage: Stage) -> None:
    stage.give_credit(6_000)
    CreditLot.objects.get().movements.create(kind=Kind.EXPIRED, cents=1, moved_at=clock.now())

    told = calls("credits", "liability")

    assert told.code == 1
    assert "The control account says $60.00" in told.text


def test_the_future_is_nobody_s(stage: Stage) -> None:
    assert calls("credits", "liability", "--at", "2027-01-01").code == 2
    assert calls("credits", "liability", "--at", "soon").code == 1


def test_it_costs_as_many_statements_for_many_lots_as_for_few(stage: Stage) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as statements:
            liability(at=clock.now())
        return len(statements)

    stage.give_credit(100)
    one = cost()
    for _ in range(10):
        stage.give_credit(100)

    assert cost() == one == 2
