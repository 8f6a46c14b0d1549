"""Every page, by light and by dark, on a desk and on a phone: usable by everybody, as far as a script can tell.

With `SCREENSHOTS=folder` a picture of each page is kept there.
"""

import os
from datetime import timedelta
from pathlib import Path

import pytest
from django.urls import reverse

from bookings.models import Booking, DateException, TimeOff
from bookings.operations import cancel_booking
from instainstru import clock
from payments import operations as payments
from tests.bookings.factories import InstructorFactory, ServiceFactory
from tests.browser.conftest import DESKTOP, PHONE, Opens, Tab
from tests.factories import UserFactory
from tests.stage import Stage

LOOKS = {
    "desk": {"viewport": DESKTOP},
    "phone": {"viewport": PHONE},
    "dark": {"viewport": DESKTOP, "dark": True},
}


@pytest.fixture(params=LOOKS)
def look(request: pytest.FixtureRequest) -> str:
    return request.param


class Tour:
    """Visits pages, checks each and keeps its picture."""

    def __init__(self, opens: Opens, look: str) -> None:
        self._opens, self._look = opens, look
        folder = os.environ.get("SCREENSHOTS")
        self._folder = Path(folder) if folder else None

    def visit(self, user: object, pages: dict[str, str]) -> None:
        tab = self._opens(user, **LOOKS[self._look])
        for name, path in pages.items():
            tab.go(path)
            tab.check()
            self._keep(tab, name)

    def _keep(self, tab: Tab, name: str) -> None:
        if self._folder:
            self._folder.mkdir(parents=True, exist_ok=True)
            tab.page.screenshot(path=self._folder / f"{name}-{self._look}.png", full_page=True)


@pytest.fixture
def tour(opens: Opens, look: str) -> Tour:
    return Tour(opens, look)


def booking_page(booking: Booking, page: str = "booking") -> str:
    return reverse(page, args=[booking.ref])


def test_what_visitors_see(tour, stage):
    describe(stage)
    instructor = stage.service.instructor

    tour.visit(
        None,
        {
            "home": "/",
            "instructors": reverse("instructors-page"),
            "instructors-none": f"{reverse('instructors-page')}?search=nonesuch&hourly_price_max=abc",
            "instructor": reverse("instructor-page", args=[instructor.ref]),
            "login": reverse("login"),
            "register": reverse("register"),
        },
    )


def test_what_students_see(tour, stage):
    describe(stage)
    stage.give_credit(5_000)
    stage.give_credit(2_500, lasts=timedelta(days=200))
    instructor = stage.service.instructor
    ahead = stage.book(hours_ahead=72, credits=3_000)
    soon = stage.book(hours_ahead=20)
    cancelled = stage.book(hours_ahead=18)
    cancel_booking(booking=cancelled, actor=stage.student, reason="I am ill.", now=clock.now())
    stage.use_card("declined")
    refused = stage.book(hours_ahead=10)
    lesson = f"{reverse('checkout')}?service={stage.service.ref}&minutes=60&at=2026-03-06T17:00Z"

    stage.use_card("requires_3ds")
    asked = stage.book(hours_ahead=6)
    stage.use_card("ok")

    tour.visit(
        stage.student,
        {
            "student-home": "/",
            "student-instructor": reverse("instructor-page", args=[instructor.ref]),
            "checkout": lesson,
            "checkout-credit": f"{lesson}&credits=9000",
            "checkout-taken": lesson.replace("2026-03-06T17:00Z", f"{ahead.starts_at:%Y-%m-%dT%H:%MZ}"),
            "bookings": reverse("bookings"),
            "bookings-attention": f"{reverse('bookings')}?show=attention",
            "bookings-past": f"{reverse('bookings')}?show=past",
            "booking-ahead": booking_page(ahead),
            "booking-soon": booking_page(soon),
            "booking-cancelled": booking_page(cancelled),
            "booking-refused": booking_page(refused),
            "pay": booking_page(refused, "booking-pay"),
            "pay-bank": booking_page(asked, "booking-pay"),
            "cancel": booking_page(soon, "booking-cancel"),
            "cancel-free": booking_page(ahead, "booking-cancel"),
            "move": booking_page(ahead, "booking-move"),
            "move-confirm": f"{booking_page(soon, 'booking-move')}?to=2026-03-06T17:00Z",
            "wallet": reverse("wallet"),
            "card": reverse("card"),
        },
    )


def test_what_is_over_and_what_is_under_way(tour, stage):
    describe(stage)
    given = stage.book(hours_ahead=2, credits=0)
    stage.travel_to(given.ends_at + timedelta(hours=24), run_what_is_due_then=True)
    under_way = stage.book(hours_ahead=20)
    stage.simulator.order_fault("capture", "timeout_before", times="always")
    cancel_booking(booking=under_way, actor=stage.student, now=clock.now())

    tour.visit(stage.student, {"booking-given": booking_page(given), "booking-under-way": booking_page(under_way)})
    tour.visit(stage.instructor, {"instructor-booking-given": booking_page(given)})


def test_what_new_students_see(tour, stage):
    new = UserFactory(name="Nora New", time_zone="America/New_York")
    lesson = f"{reverse('checkout')}?service={stage.service.ref}&minutes=60&at=2026-03-06T17:00Z"

    tour.visit(
        new,
        {
            "new-home": "/",
            "new-bookings": reverse("bookings"),
            "new-checkout": lesson,
            "new-wallet": reverse("wallet"),
            "new-card": reverse("card"),
        },
    )


def test_what_instructors_see(tour, stage):
    describe(stage)
    instructor = stage.service.instructor
    today = stage.book(hours_ahead=5)
    over = stage.book(hours_ahead=1)
    ahead = stage.book(hours_ahead=72)
    DateException.objects.create(instructor=instructor, date=clock.now().date() + timedelta(days=9))
    TimeOff.objects.create(
        instructor=instructor,
        starts_at=clock.now() + timedelta(days=20),
        ends_at=clock.now() + timedelta(days=27),
        reason="A journey",
    )
    stage.stand_at(clock.now() + timedelta(hours=2, minutes=30))

    tour.visit(
        stage.instructor,
        {
            "instructor-home": "/",
            "instructor-bookings": reverse("bookings"),
            "instructor-booking-today": booking_page(today),
            "instructor-booking-over": booking_page(over),
            "instructor-booking": booking_page(ahead),
            "instructor-cancel": booking_page(ahead, "booking-cancel"),
            "teaching": reverse("teaching"),
            "teaching-profile": reverse("teaching-profile"),
            "service": reverse("service", args=[stage.service.ref]),
            "service-new": reverse("service-new"),
            "hours": reverse("weekly-hours"),
            "dates": reverse("teaching-dates"),
            "payouts": reverse("payouts"),
        },
    )


def test_what_new_instructors_see(tour, stage):
    new = UserFactory(as_instructor=True, name="Nils New")
    payments.open_account(instructor=new, now=clock.now())

    tour.visit(
        new,
        {
            "new-instructor-home": "/",
            "new-teaching": reverse("teaching"),
            "new-teaching-profile": reverse("teaching-profile"),
            "new-payouts": reverse("payouts"),
        },
    )


def describe(stage: Stage) -> None:
    """Make the stage look like a marketplace: more instructors, words on their pages."""
    people = [
        ("Amara Okafor", "Piano that you can hum on the way home", "Piano for beginners", "Los Angeles", 9_000),
        ("Jonas Lindqvist", "Sourdough, from starter to crust", "Bread at home", "", 7_500),
        ("Mei Tanaka", "Spanish by telling stories", "Spanish conversation", "Chicago", 6_500),
    ]
    for name, headline, title, city, price in people:
        instructor = InstructorFactory(user__name=name, headline=headline, city=city, open_always=True)
        ServiceFactory(instructor=instructor, title=title, hourly_price_cents=price)
    instructor = stage.service.instructor
    instructor.bio = "I have taught for twelve years, children and grown-ups alike.\n\nWe begin with a piece you love."
    instructor.languages = ["en", "es"]
    instructor.save()
    stage.service.description = "We play from the first minute on. Bring a piece that you like."
    stage.service.title = "Piano, from the first note"
    stage.service.save()
    ServiceFactory(instructor=instructor, title="Reading music", hourly_price_cents=8_000, durations=[30, 60])
