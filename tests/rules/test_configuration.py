"""Rates, floors and lengths are configuration with an effective date; a booking keeps those it was made under (P1)."""

from datetime import timedelta
from typing import Any

import pytest

from bookings.models import Booking, Service
from bookings.operations import checkout, quote
from bookings.operations.profile import change_service, offer_service
from instainstru import clock
from payments.models import RulesVersion
from payments.rules import rules_in_force, rules_of_version
from tests.rules.standing import Money, money_of, payment_of, refused, stands
from tests.stage import Stage

HOUR = timedelta(hours=1)


def write_rules(version: str, *, in_hours: float = 0, **numbers: Any) -> RulesVersion:
    """Let staff write new rules that hold from some hours from now on."""
    return RulesVersion.objects.create(version=version, effective_from=clock.now() + in_hours * HOUR, **numbers)


@pytest.mark.rule("P1.4")
def test_rules_hold_from_their_effective_instant_on(stage: Stage) -> None:
    write_rules("dearer", in_hours=1, growth_rate=2_000, student_fee_rate=1_000)

    before = quote(service=stage.service, starts_at=clock.now() + 72 * HOUR, minutes=60, credits=0, now=clock.now())
    stage.travel(hours=1)
    after = quote(service=stage.service, starts_at=clock.now() + 72 * HOUR, minutes=60, credits=0, now=clock.now())

    assert (before.terms.student_fee, before.terms.instructor_fee) == (1_440, 1_440)
    assert (after.terms.student_fee, after.terms.instructor_fee) == (1_200, 2_400)
    assert rules_in_force(at=clock.now() - timedelta(microseconds=1)).version == "2.1.1"
    assert rules_in_force(at=clock.now()).version == "dearer"


@pytest.mark.rule("P1.2")
def test_a_booking_keeps_the_rates_it_was_made_under(stage: Stage) -> None:
    booking = stage.book(hours_ahead=72)
    write_rules("dearer-still", growth_rate=3_000, student_fee_rate=2_000)
    Service.objects.update(hourly_price_cents=20_000)

    stage.travel_to(booking.ends_at + 24 * HOUR, run_what_is_due_then=True)

    assert payment_of(booking).policy_version == "2.1.1"
    assert money_of(booking) == Money(charged=13_440, instructor=10_560)


@pytest.mark.rule("P1.2")
@pytest.mark.rule("P1.4")
def test_a_booking_keeps_its_windows_and_deadlines_too(stage: Stage) -> None:
    old = stage.book(hours_ahead=72)
    write_rules(
        "wider", early_from=48 * HOUR, middle_from=6 * HOUR, settle_after=2 * HOUR, checkout_time=timedelta(minutes=5)
    )
    new = stage.book(hours_ahead=73)

    stage.travel_to(old.starts_at - 25 * HOUR)
    assert [stands(booking)[1] for booking in (old, new)] == ["scheduled", "authorized"]
    stage.travel_to(new.ends_at + 3 * HOUR)
    assert [stands(booking)[1] for booking in (old, new)] == ["authorized", "settled"]
    assert rules_of_version("2.1.1").settle_after == 24 * HOUR
    stage.use_card("declined")
    unpaid: Booking = stage.book(hours_ahead=5)
    stage.travel(minutes=5, seconds=1)
    assert stands(unpaid) == ("cancelled", "settled", "payment_failed_no_charge")


@pytest.mark.rule("P1.4")
@pytest.mark.parametrize(("modality", "floor"), [("in_person", 8_000), ("online", 6_000)])
def test_nothing_is_offered_below_the_floor(stage: Stage, modality: str, floor: int) -> None:
    offer = {
        "instructor_id": stage.service.instructor_id,
        "title": "Piano",
        "category": "music",
        "modality": modality,
        "durations": [60],
    }

    with refused("below_price_floor"):
        offer_service(hourly_price_cents=floor - 1, **offer)
    offered = offer_service(hourly_price_cents=floor, **offer)
    with refused("below_price_floor"):
        change_service(service_id=offered.pk, changes={"hourly_price_cents": floor - 1})

    change_service(service_id=offered.pk, changes={"title": "Piano, book 1"})
    write_rules(f"floor-{modality}", in_person_floor_cents=9_000, online_floor_cents=9_000)
    with refused("below_price_floor"):
        change_service(service_id=offered.pk, changes={"hourly_price_cents": floor})
    change_service(service_id=offered.pk, changes={"title": "Piano, book 2"})  # what is offered already stays


@pytest.mark.rule("P1.4")
@pytest.mark.parametrize(
    ("minutes", "sold"), [(30, True), (45, True), (240, True), (15, False), (50, False), (255, False)]
)
def test_lessons_last_30_to_240_minutes_in_steps_of_15(stage: Stage, minutes: int, sold: bool) -> None:
    if sold:
        Service.objects.update(durations=[minutes])
        stage.service.refresh_from_db()
    asked = {"student": stage.student, "service": stage.service, "minutes": minutes, "credits": 0, "now": clock.now()}

    if sold:
        booking = Booking.objects.get(payment_id=checkout(starts_at=clock.now() + 72 * HOUR, **asked).payment_id)
        assert payment_of(booking).lesson_price_cents == 200 * minutes  # pro rata of 120.00 an hour
    else:
        with refused("slot_unavailable"):
            checkout(starts_at=clock.now() + 72 * HOUR, **asked)
