"""`payouts due`: what instructors are going to be paid, and what is kept back."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bookings.models import Booking
from bookings.operations import reschedule_booking
from disputes.operations import report_no_show
from instainstru import clock
from instainstru.accounts.models import User
from payments.policy.states import Party
from payments.queries.settlements import left_out, settlements_ahead
from tests.bookings.factories import BookingFactory
from tests.payments.commands.conftest import calls
from tests.stage import Stage

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@pytest.fixture
def lesson(stage: Stage) -> Booking:
    """A lesson with 50.00 of credit, in three days."""
    stage.give_credit(5_000)
    return stage.book(hours_ahead=72, credits=5_000)


@pytest.mark.rule("P5.5")
def test_what_is_listed_is_what_is_paid_then(stage: Stage, lesson: Booking) -> None:
    assert calls("payouts", "due", "--json").json["instructors"] == []

    (whose,) = calls("payouts", "due", "--until", "+5d", "--json").json["instructors"]

    assert (whose["instructor"], whose["account"]) == ("instructor@example.com", lesson.payment.payee.account_id)
    assert whose["settlements"] == [
        {
            "reference": lesson.ref,
            "payment_status": "scheduled",
            "lesson_ends_at": "2026-03-05T16:00:00Z",
            "due_at": "2026-03-06T16:00:00Z",
            "is_due": False,
            "payout_cents": 10_560,
            "by_charge_cents": 8_440,
            "by_transfer_cents": 2_120,
        }
    ]
    stage.travel_to(lesson.ends_at + DAY)
    assert calls("payouts", "due", "--json").json["totals"] == whose["totals"]
    stage.travel_to(lesson.ends_at + DAY, run_what_is_due_then=True)
    lesson.refresh_from_db()
    assert lesson.payment.instructor_payout_cents == whose["totals"]["payout_cents"]
    assert calls("payouts", "due", "--json").json["totals"]["settlements"] == 0


@pytest.mark.rule("P5.5")
def test_a_held_instructor_is_going_to_be_paid_and_the_list_says_so(
    stage: Stage, lesson: Booking, finance: User
) -> None:
    (before,) = calls("payouts", "due", "--until", "+5d", "--json").json["instructors"]

    calls("payouts", "hold", stage.instructor.email, "--reason", "Letters came back.", "--as", finance.email)

    (whose,) = calls("payouts", "due", "--until", "+5d", "--json").json["instructors"]
    assert whose == before | {"is_held": True}
    assert "held: paid to the account at Stripe" in calls("payouts", "due", "--until", "+5d").text


def test_a_locked_lesson_is_paid_by_transfer_alone(stage: Stage, lesson: Booking) -> None:
    stage.travel_to(lesson.starts_at - 18 * HOUR)
    reschedule_booking(booking=lesson, actor=stage.student, new_starts_at=lesson.starts_at + 48 * HOUR, now=clock.now())

    totals = calls("payouts", "due", "--until", "+9d", "--json").json["totals"]

    assert (totals["by_charge_cents"], totals["by_transfer_cents"]) == (0, 10_560)


def test_what_is_frozen_stopped_or_under_way_is_left_out_and_says_why(stage: Stage) -> None:
    reported, refused, unanswered = (stage.book(hours_ahead=72 + 2 * number) for number in range(3))
    stage.travel_to(reported.starts_at + HOUR / 2)
    report_no_show(booking=reported, actor=stage.student, by=Party.STUDENT, absent=Party.INSTRUCTOR, now=clock.now())
    stage.simulator.order_fault("capture", "timeout_before", times="always", match={"id": _intent(unanswered)})
    stage.travel_to(refused.ends_at + DAY)
    stage.simulator.make_unpayable(refused.payment.payee.account_id)
    stage.travel_to(unanswered.ends_at + DAY, run_what_is_due_then=True)

    told = calls("payouts", "due", "--json")

    assert told.code == 0
    assert {each["reference"]: (each["why"], each["review_reason"]) for each in told.json["left_out"]} == {
        refused.ref: ("stopped", "payee_unpayable"),
        unanswered.ref: ("under_way", None),
    }
    stage.simulator.order_fault("capture", "none")
    later = calls("payouts", "due", "--until", "+3d")
    assert f"{refused.ref}  Payee unpayable, since" in later.text
    assert "asked again at 2026-03-" in later.text


def test_a_case_is_left_out_of_the_day_on_which_its_lesson_would_settle(stage: Stage, lesson: Booking) -> None:
    stage.travel_to(lesson.starts_at + HOUR / 2)
    report_no_show(booking=lesson, actor=stage.student, by=Party.STUDENT, absent=Party.INSTRUCTOR, now=clock.now())

    assert calls("payouts", "due", "--json").json["left_out"] == []
    (left,) = calls("payouts", "due", "--until", "+2d", "--json").json["left_out"]
    assert (left["reference"], left["why"], left["what"]) == (lesson.ref, "case", "No show reported")


def test_one_instructor_is_picked_by_address_or_account(stage: Stage, lesson: Booking) -> None:
    BookingFactory(payment__settle_at=clock.now() + DAY)

    for name in ("Instructor@Example.com", lesson.payment.payee.account_id):
        picked = calls("payouts", "due", "--until", "+5d", "--instructor", name, "--json").json
        assert [whose["instructor"] for whose in picked["instructors"]] == ["instructor@example.com"]
    assert len(calls("payouts", "due", "--until", "+5d", "--json").json["instructors"]) == 2


WRONG = {
    "no instant": ("--until", "tomorrow"),
    "nobody": ("--instructor", "nobody@example.com"),
    "an unknown word": ("--when", "now"),
}


@pytest.mark.django_db
@pytest.mark.parametrize("asked", WRONG.values(), ids=WRONG)
def test_who_asks_wrongly_is_told_so(asked):
    told = calls("payouts", "due", *asked)

    assert told.code
    assert told.refusal
    assert told.text == ""


@pytest.mark.django_db
def test_it_costs_as_many_statements_for_many_as_for_few(standing_clock):
    def cost() -> int:
        with CaptureQueriesContext(connection) as statements:
            assert settlements_ahead(until=clock.now() + 9 * DAY)
            assert left_out(until=clock.now() + 9 * DAY)
        return len(statements)

    def leave(times: int) -> None:
        for _ in range(times):
            BookingFactory(payment__settle_at=clock.now() + DAY)
            BookingFactory(
                payment__status="manual_review", payment__review_reason="payout_refused",
                payment__review_since=clock.now(), payment__former_status="authorized",
            )  # fmt: skip

    leave(1)
    cost()  # the rules of the policy's version are read once and kept
    few = cost()
    leave(10)

    assert cost() == few <= 4


def _intent(booking: Booking) -> str:
    booking.payment.refresh_from_db()
    return booking.payment.intent_id
