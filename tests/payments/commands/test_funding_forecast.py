"""`funding forecast`: whether the platform's balance at Stripe covers what has to leave it, day by day."""

from datetime import date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bookings.models import Booking
from bookings.operations import cancel_booking, reschedule_booking
from disputes.operations import open_dispute
from instainstru import clock
from payments.gateway import client
from payments.models import Payment
from payments.policy.states import Party
from payments.queries.funding import end_of, outflows
from payments.simulator import Server
from tests.bookings.factories import BookingFactory
from tests.payments.commands.conftest import calls
from tests.stage import PLATFORM_FUNDS, Stage, turn_into_euros

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
MONDAY = date(2026, 3, 2)


# --- What leaves ----------------------------------------------------------------------------------------------------


def with_credit(stage: Stage) -> Booking:
    """A lesson of which credit pays so much that the charge does not cover the payout: 21.20 is topped up."""
    stage.give_credit(5_000)
    return stage.book(hours_ahead=72, credits=5_000)


def a_top_up(stage: Stage) -> None:
    with_credit(stage)


def no_top_up(stage: Stage) -> None:
    stage.book(hours_ahead=72)


def a_locked_lesson(stage: Stage) -> None:
    booking = with_credit(stage)
    stage.travel_to(booking.starts_at - 18 * HOUR)
    reschedule_booking(booking=booking, actor=stage.student, new_starts_at=booking.starts_at + DAY, now=clock.now())


def a_card_that_does_not_pay(stage: Stage) -> None:
    booking = with_credit(stage)
    stage.simulator.order_fault("capture", "refuse", times="always")
    stage.travel_to(booking.ends_at + DAY, run_what_is_due_then=True)


def a_refused_half_payout(stage: Stage) -> None:
    booking = stage.book(hours_ahead=72)
    stage.travel_to(booking.starts_at - 6 * HOUR)
    stage.simulator.order_fault("payout", "refuse")
    cancel_booking(booking=booking, actor=stage.student, now=clock.now())


def an_unanswered_half_payout(stage: Stage) -> None:
    booking = stage.book(hours_ahead=72)
    stage.travel_to(booking.starts_at - 6 * HOUR)
    stage.simulator.order_fault("payout", "timeout_before", times="always")
    cancel_booking(booking=booking, actor=stage.student, now=clock.now())


def an_unanswered_refund(stage: Stage) -> None:
    a_locked_lesson(stage)
    stage.simulator.order_fault("refund", "timeout_before", times="always")
    cancel_booking(booking=Booking.objects.get(), actor=stage.instructor, now=clock.now())


def a_dispute_before_the_charge(stage: Stage) -> None:
    booking = with_credit(stage)
    stage.travel_to(booking.ends_at)
    open_dispute(booking=booking, actor=stage.student, by=Party.STUDENT, statement="No.", now=clock.now())


def a_dispute_after_settlement(stage: Stage) -> None:
    booking = with_credit(stage)
    stage.travel_to(booking.ends_at + DAY)
    stage.travel_to(booking.ends_at + DAY, run_what_is_due_then=True)
    open_dispute(booking=booking, actor=stage.instructor, by=Party.STAFF, statement="No.", now=clock.now())


LEAVES = {  # what happens: why, how much, and how many days from then
    "P5.5 a top-up": (a_top_up, [("settlement", 2_120, 4)]),
    "P5.5 no top-up": (no_top_up, []),
    "P6.4 a locked lesson": (a_locked_lesson, [("settlement", 10_560, 3)]),
    "P10.2 an advance": (a_card_that_does_not_pay, [("settlement", 2_120, 0), ("advance", 8_440, 3)]),
    "P10.3 a refused half payout": (a_refused_half_payout, [("stopped", 5_280, 0)]),
    "P10.4 an unanswered half payout": (an_unanswered_half_payout, [("under_way", 5_280, 0)]),
    "P10.4 an unanswered refund": (an_unanswered_refund, [("under_way", 8_440, 0)]),
    "P8.4 a dispute before the charge": (a_dispute_before_the_charge, [("case", 2_120, 1)]),
    "P8.4 a dispute after settlement": (a_dispute_after_settlement, []),  # what is refunded is taken back first
}


@pytest.mark.parametrize(("happens", "expected"), LEAVES.values(), ids=LEAVES)
def test_what_leaves_is_told_on_its_day(stage: Stage, happens, expected) -> None:
    happens(stage)

    told = calls("funding", "forecast", "--json").json

    first = date.fromisoformat(told["days"][0]["day"])
    assert first == clock.now().date()
    assert [
        (moved["cause"], -moved["cents"], (date.fromisoformat(day["day"]) - first).days)
        for day in told["days"]
        for moved in day["movements"]
    ] == expected
    for call in ("capture", "payout", "refund"):
        stage.simulator.order_fault(call, "none")


@pytest.mark.rule("P5.5")
def test_it_says_when_it_is_short_and_what_to_top_up_and_that_is_enough(stage: Stage) -> None:
    stage.simulator._ask("POST", "/_control/settings", {"funds_delay_seconds": 0})
    booking = with_credit(stage)
    assert calls("funding", "forecast").code == 0
    spend = PLATFORM_FUNDS - 1_500
    _pay_out_of_the_platform(spend)

    told = calls("funding", "forecast", "--json")
    words = calls("funding", "forecast").text

    assert (told.code, told.json["short_on"], told.json["top_up_cents"]) == (1, "2026-03-06", 620)
    assert told.json["available_cents"] == 1_500
    assert f"Short on {(booking.ends_at + DAY).date()}, by $6.20: top up $6.20 before that day." in words
    stage.simulator.fund_platform(620)
    assert calls("funding", "forecast").code == 0


@pytest.mark.usefixtures("talkative")
def test_what_is_pending_arrives_on_its_day(stage: Stage) -> None:
    stage.simulator._ask("POST", "/_control/settings", {"funds_delay_seconds": int(2 * DAY.total_seconds())})
    booking = stage.book(hours_ahead=72)
    stage.travel_to(booking.starts_at - 18 * HOUR)
    cancel_booking(booking=booking, actor=stage.student, now=clock.now())  # charged now, theirs in two days

    said = calls("funding", "forecast", "--days", "3", "--json")

    told, pending = said.json, said.json["pending_cents"]
    assert "balance transactions of Stripe's" in said.told
    assert pending > 0
    assert [day["arrives_cents"] for day in told["days"]] == [0, 0, pending]
    assert told["days"][-1]["closing_cents"] == told["available_cents"] + pending


def test_what_is_pending_in_another_currency_is_not_counted_as_cents(stage: Stage, simulator: Server) -> None:
    stage.simulator._ask("POST", "/_control/settings", {"funds_delay_seconds": int(2 * DAY.total_seconds())})
    booking = stage.book(hours_ahead=72)
    stage.travel_to(booking.starts_at - 18 * HOUR)
    cancel_booking(booking=booking, actor=stage.student, now=clock.now())
    turn_into_euros(simulator, Payment.objects.get(pk=booking.payment_id).charge_id)

    told = calls("funding", "forecast", "--json").json

    assert told["pending_cents"] == 0


def test_stripe_s_silence_is_an_exit_code_of_its_own(stage: Stage) -> None:
    stage.simulator.order_fault("read", "timeout_before", times="always")

    told = calls("funding", "forecast")

    stage.simulator.order_fault("read", "none")
    assert (told.code, told.text, "Stripe can't be asked" in told.refusal) == (2, "", True)


@pytest.mark.parametrize("days", ["0", "91", "-1", "week"])
def test_who_asks_wrongly_is_told_so(stage: Stage, days: str) -> None:
    told = calls("funding", "forecast", f"--days={days}")

    assert (bool(told.code), told.text) == (True, "")


@pytest.mark.django_db
def test_it_costs_as_many_statements_for_many_payments_as_for_few(standing_clock) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as statements:
            outflows(now=clock.now(), until=end_of(MONDAY, days=7))
        return len(statements)

    def leave(times: int) -> None:
        for _ in range(times):
            BookingFactory(payment__settle_at=clock.now() + DAY)
            BookingFactory(
                payment__status="manual_review", payment__review_reason="dispute_open",
                payment__review_since=clock.now(), payment__kept_status="authorized",
            )  # fmt: skip

    leave(1)
    cost()  # the rules of the policy's version are read once and kept
    few = cost()
    leave(10)

    assert cost() == few == 3


def test_days_end_with_their_last_instant() -> None:
    assert end_of(MONDAY, days=1) == datetime.fromisoformat("2026-03-02T23:59:59.999999+00:00")


def _pay_out_of_the_platform(cents: int) -> None:
    """The company takes its money home."""
    client.post("/v1/payouts", {"amount": cents, "currency": "usd"}, key=f"home {cents}")
