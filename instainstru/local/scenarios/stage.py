"""What a case is given: a student with a card and credits, an instructor with a service, and the booking."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bookings.models import Booking, Category, Instructor, Service, WeeklyHours
from bookings.operations.checkout import checkout
from instainstru import clock
from instainstru.accounts.models import Role, User
from instainstru.local.simulator import SimulatorControl
from payments import operations as payments
from payments.models import Payee, Payer
from payments.policy.states import Party

Json = dict[str, Any]

BOOKED_AT = datetime.fromisoformat("2027-01-11T16:00:00+00:00")
PLATFORM_FUNDS = 1_000_000_00  # cents; never the reason why a case fails
ALL_DAY = 24 * 60  # minutes

CARDS = {  # as scenarios call them, and Stripe's test payment methods that behave so
    "ok": "pm_card_visa",
    "declined": "pm_card_chargeCustomerFail",
    "insufficient_funds": "pm_card_chargeCustomerFailInsufficientFunds",
    "declines_later": "pm_card_chargeCustomerFail",
    "requires_3ds": "pm_card_authenticationRequired",
}

_counter = itertools.count(1)


@dataclass(slots=True)
class Stage:
    """One case's people and its booking."""

    simulator: SimulatorControl
    staff: User
    student: User
    instructor: Instructor
    booking: Booking
    starts_at: datetime
    ends_at: datetime

    def person(self, party: Party) -> User:
        """Return who stands on a side of the booking."""
        return {Party.STUDENT: self.student, Party.INSTRUCTOR: self.instructor.user, Party.STAFF: self.staff}[party]

    @property
    def anchors(self) -> dict[str, datetime]:
        """What the case's times are counted from."""
        self.booking.refresh_from_db()
        return {
            "booked": self.booking.made_at,
            "start": self.starts_at,
            "end": self.ends_at,
            "newstart": self.booking.starts_at,
            "newend": self.booking.ends_at,
            "now": clock.now(),
        }


@dataclass(frozen=True, slots=True)
class Cast:
    """Who a case is about, before anything is booked: a student with a card, a service that can be paid, and staff."""

    student: User
    service: Service
    staff: User


CastFor = Callable[[Json, SimulatorControl], Cast]


def make_cast(given: Json, simulator: SimulatorControl) -> Cast:
    """Make those whom a case wants, and give the platform its money. The clock stands at BOOKED_AT."""
    fund = simulator.fund_platform(PLATFORM_FUNDS)
    payments.record_funding(cents=PLATFORM_FUNDS, stripe_object_id=fund, now=BOOKED_AT)
    return Cast(
        student=make_student(card=given.get("card", "ok")),
        service=make_service(
            simulator,
            lesson_price=given.get("lesson_price_cents", 12_000),
            minutes=given.get("minutes", 60),
            modality=given.get("modality", "online"),
            tier=given.get("tier", "growth"),
        ),
        staff=make_user(Role.STAFF),
    )


def set_stage(given: Json, simulator: SimulatorControl, *, cast_for: CastFor = make_cast) -> Stage:
    """Make what a case is given, and book the lesson. The clock stands at BOOKED_AT."""
    now, cast = BOOKED_AT, cast_for(given, simulator)
    for number, lot in enumerate(given.get("credits", ()), start=1):
        payments.grant_credit(
            student=cast.student,
            cents=lot["cents"],
            source_key=f"grant:{cast.student.pk}-{number}",
            expires_at=now + timedelta(days=lot["expires_in_days"]),
            now=now,
        )
    minutes = given.get("minutes", 60)
    starts_at = now + timedelta(seconds=round(given.get("booked_before_hours", 72) * 3600))
    operation = checkout(
        student=cast.student,
        service=cast.service,
        starts_at=starts_at,
        minutes=minutes,
        credits=given.get("use_credits_cents", 0),
        now=now,
    )
    return Stage(
        simulator=simulator,
        staff=cast.staff,
        student=cast.student,
        instructor=cast.service.instructor,
        booking=Booking.objects.get(payment_id=operation.payment_id),
        starts_at=starts_at,
        ends_at=starts_at + timedelta(minutes=minutes),
    )


def make_user(role: Role) -> User:
    number = next(_counter)
    return User.objects.create_user(
        email=f"{role}-{number}@example.com", name=f"{role.capitalize()} {number}", role=role, time_zone="UTC"
    )


def make_student(*, card: str) -> User:
    student = make_user(Role.STUDENT)
    save_card(student, card=card)
    return student


def save_card(student: User, *, card: str) -> Payer:
    """Save one of the scenarios' cards as a student's page does."""
    setup = payments.begin_card_setup(student=student)
    payments.confirm_card_setup(
        student=student, setup_id=setup.id, payment_method=CARDS[card], return_url="http://127.0.0.1/"
    )
    return payments.save_card(student=student, setup_id=setup.id, now=clock.now())


def make_service(simulator: SimulatorControl, *, lesson_price: int, minutes: int, modality: str, tier: str) -> Service:
    """Make an instructor who is always open, and a service that prices a lesson of that length so."""
    user = make_user(Role.INSTRUCTOR)
    instructor = Instructor.objects.create(
        user=user, time_zone="UTC", tier=tier, buffer_minutes=0, minimum_notice_minutes=0, booking_horizon_days=3650
    )
    WeeklyHours.objects.bulk_create(
        WeeklyHours(instructor=instructor, weekday=weekday, opens=0, closes=ALL_DAY) for weekday in range(7)
    )
    payee: Payee = payments.open_account(instructor=user, now=clock.now())
    simulator.make_payable(payee.account_id)
    payments.refresh_account(payee=payee, now=clock.now())
    return Service.objects.create(
        instructor=instructor,
        title="Lesson",
        category=Category.MUSIC,
        modality=modality,
        hourly_price_cents=_hourly_price(lesson_price, minutes=minutes),
        durations=[minutes],
    )


def _hourly_price(lesson_price: int, *, minutes: int) -> int:
    """Return an hourly price at which that many minutes cost exactly so much."""
    about = lesson_price * 60 // minutes
    return next(price for price in range(about, about + 61) if (2 * price * minutes + 60) // 120 == lesson_price)
