"""Staff with the rights of each group, and bookings in every condition that they meet."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from bookings.models import Booking
from bookings.operations import cancel_booking
from instainstru import clock
from instainstru.accounts.models import User
from instainstru.admin.rights import sync_groups
from tests.factories import UserFactory
from tests.stage import Stage

Browses = Callable[[User], Client]


@pytest.fixture
def superuser(db: None) -> User:
    return UserFactory(as_superuser=True, name="Susi Super")


@pytest.fixture
def finance(db: None) -> User:
    return _member_of("Finance", name="Fiona Finance")


@pytest.fixture
def support(db: None) -> User:
    return _member_of("Support", name="Saul Support")


def _member_of(group: str, *, name: str) -> User:
    sync_groups()
    member: User = UserFactory(as_staff=True, name=name)
    member.groups.add(Group.objects.get(name=group))
    return member


@pytest.fixture
def browses() -> Browses:
    """Give a user a browser of their own, signed in."""

    def browser_of(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return browser_of


def page_of(booking: Booking) -> str:
    return reverse("admin:bookings_booking_change", args=[booking.pk])


def confirm_page(booking: Booking, action: str, query: str = "") -> str:
    return reverse("admin:bookings_booking_do", args=[booking.pk, action]) + query


# --- Bookings as staff meet them ------------------------------------------------------------------------------------


@pytest.fixture
def completed(stage: Stage) -> Booking:
    """A lesson that was given, paid by card and credits, and settled a day later."""
    stage.give_credit(3_000)
    booking = stage.book(credits=3_000)
    stage.travel_to(booking.ends_at + timedelta(hours=25))
    return fresh(booking)


@pytest.fixture
def cancelled_late(stage: Stage) -> Booking:
    """A lesson that its student cancelled six hours ahead: charged, taken back, half paid, half credited."""
    booking = stage.book()
    stage.travel_to(booking.starts_at - timedelta(hours=6))
    cancel_booking(booking=booking, actor=stage.student, reason="I am ill.", now=clock.now())
    return fresh(booking)


@pytest.fixture
def stuck(stage: Stage) -> Booking:
    """A cancellation whose reversal Stripe refuses, once: the student has the credit, the instructor the money."""
    booking = stage.book()
    stage.travel_to(booking.starts_at - timedelta(hours=18))
    stage.simulator.order_fault("reverse", "refuse")
    cancel_booking(booking=booking, actor=stage.student, reason="I can't come.", now=clock.now())
    return fresh(booking)


@pytest.fixture
def never_captured(stage: Stage) -> Booking:
    """A cancellation whose capture Stripe refuses, once: nothing has moved, nothing is given (P7.9)."""
    booking = stage.book()
    stage.travel_to(booking.starts_at - timedelta(hours=18))
    stage.simulator.order_fault("capture", "refuse")
    cancel_booking(booking=booking, actor=stage.student, reason="", now=clock.now())
    return fresh(booking)


def fresh(booking: Booking) -> Booking:
    return Booking.objects.select_related("payment").get(pk=booking.pk)
