"""Who may see which page: every page, for a visitor and each of the cast."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from bookings.models import TimeOff
from bookings.urls import urlpatterns as pages_of_bookings
from credits.urls import urlpatterns as pages_of_credits
from payments.policy.states import PaymentStatus
from payments.urls import urlpatterns as pages_of_payments
from payments.web import payouts
from tests.bookings.factories import BookingFactory, ServiceFactory, TimeOffFactory
from tests.pages import signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("standing_clock")]

LOGIN, FORBIDDEN, ABSENT, POST_ONLY = "login", 403, 404, 405

#                              visitor, student, other student, instructor, other instructor, staff
EVERYBODY = (200, 200, 200, 200, 200, 200)
STUDENTS = (LOGIN, 200, 200, FORBIDDEN, FORBIDDEN, FORBIDDEN)
INSTRUCTORS = (LOGIN, FORBIDDEN, FORBIDDEN, 200, 200, FORBIDDEN)
BOTH_SIDES = (LOGIN, 200, 200, 200, 200, FORBIDDEN)
OWN_BOOKING = (LOGIN, 200, ABSENT, 200, ABSENT, FORBIDDEN)
STUDENTS_OWN = (LOGIN, 200, ABSENT, FORBIDDEN, FORBIDDEN, FORBIDDEN)
INSTRUCTORS_OWN = (LOGIN, FORBIDDEN, FORBIDDEN, 200, ABSENT, FORBIDDEN)
INSTRUCTORS_BUTTON = (LOGIN, FORBIDDEN, FORBIDDEN, POST_ONLY, POST_ONLY, FORBIDDEN)
STUDENTS_BUTTON = (LOGIN, POST_ONLY, POST_ONLY, FORBIDDEN, FORBIDDEN, FORBIDDEN)

PAGES = {
    "home": EVERYBODY,
    "instructors-page": EVERYBODY,
    "instructor-page": EVERYBODY,
    "checkout": STUDENTS,
    "bookings": BOTH_SIDES,
    "booking": OWN_BOOKING,
    "booking-pay": (LOGIN, 302, ABSENT, FORBIDDEN, FORBIDDEN, FORBIDDEN),  # nothing is to be paid
    "booking-paid": (LOGIN, 302, ABSENT, FORBIDDEN, FORBIDDEN, FORBIDDEN),
    "booking-cancel": OWN_BOOKING,
    "booking-move": STUDENTS_OWN,
    "booking-complete": INSTRUCTORS_BUTTON,
    "teaching": INSTRUCTORS,
    "teaching-profile": INSTRUCTORS,
    "service-new": INSTRUCTORS,
    "service": INSTRUCTORS_OWN,
    "service-retire": INSTRUCTORS_BUTTON,
    "service-restore": INSTRUCTORS_BUTTON,
    "weekly-hours": INSTRUCTORS,
    "teaching-dates": INSTRUCTORS,
    "date-except": INSTRUCTORS_BUTTON,
    "date-follow-week": INSTRUCTORS_BUTTON,
    "time-off-take": INSTRUCTORS_BUTTON,
    "time-off-return": INSTRUCTORS_BUTTON,
    "card": STUDENTS,
    "card-setup": STUDENTS_BUTTON,
    "card-saved": (LOGIN, 302, 302, FORBIDDEN, FORBIDDEN, FORBIDDEN),
    "payouts": INSTRUCTORS,
    "payouts-dashboard": INSTRUCTORS_BUTTON,
    "payout-statement": INSTRUCTORS,
    "payouts-return": (LOGIN, FORBIDDEN, FORBIDDEN, 302, 302, FORBIDDEN),
    "wallet": STUDENTS,
}


@pytest.fixture
def cast(student, outsider, instructor, staff, monkeypatch):
    """Everybody, in the order of the table, around one booked lesson. Stripe is not asked."""
    monkeypatch.setattr(payouts.operations, "refresh_account", lambda payee, now: payee)
    booking = BookingFactory(
        student=student, service=ServiceFactory(instructor__user=instructor, instructor__open_always=True)
    )
    time_off = TimeOffFactory(instructor=booking.instructor)
    stranger = ServiceFactory().instructor.user
    return booking, time_off, (None, student, outsider, instructor, stranger, staff)


def address(name: str, booking, time_off: TimeOff) -> str:
    match name:
        case "checkout":
            return f"{reverse(name)}?service={booking.service.ref}&minutes=60&at=2026-03-04T15:00Z"
        case "instructor-page":
            return reverse(name, args=[booking.instructor.ref])
        case "payout-statement":
            return reverse(name, args=["2026-03", "csv"])
        case "time-off-return":
            return reverse(name, args=[time_off.pk])
        case "service" | "service-retire" | "service-restore":
            return reverse(name, args=[booking.service.ref])
        case _ if name.startswith("booking") and name != "bookings":
            return reverse(name, args=[booking.ref])
    return reverse(name)


@pytest.mark.parametrize("page", PAGES)
def test_every_page_is_for_those_whom_it_concerns(cast, page):
    booking, time_off, everybody = cast
    url = address(page, booking, time_off)

    answers = [signed_in(user).get(url) for user in everybody]

    seen = tuple(
        LOGIN if getattr(answer, "url", "").startswith(reverse("login")) else answer.status_code for answer in answers
    )
    assert seen == PAGES[page]


def test_the_table_has_every_page():
    pages = {pattern.name for pattern in (*pages_of_bookings, *pages_of_payments, *pages_of_credits)}

    assert pages == set(PAGES)


def test_a_visitor_comes_back_to_the_page_after_logging_in(cast):
    booking, time_off, _ = cast
    url = address("checkout", booking, time_off)

    answer = signed_in(None).get(url)

    assert answer.url.startswith(f"{reverse('login')}?next=/checkout%3Fservice%3D")


POSTS = [
    "checkout",
    "booking-pay",
    "booking-cancel",
    "booking-move",
    "booking-complete",
    "service-retire",
    "time-off-return",
    "card-setup",
]


@pytest.mark.parametrize("page", POSTS)
def test_nothing_is_changed_without_a_token_of_ours(cast, page):
    booking, time_off, everybody = cast
    for user in everybody[1:4:2]:  # the student, the instructor
        client = signed_in(user)
        client.handler.enforce_csrf_checks = True

        assert client.post(address(page, booking, time_off)).status_code == FORBIDDEN


@pytest.mark.parametrize(
    "page", ["service", "service-retire", "service-restore", "time-off-return", "booking-complete"]
)
def test_another_instructors_buttons_do_not_work(cast, page):
    booking, time_off, (*_, stranger, _staff) = cast

    assert signed_in(stranger).post(address(page, booking, time_off)).status_code == ABSENT


# --- Statements ---------------------------------------------------------------------------------------------------


def statements(user, url):
    client = signed_in(user)
    with CaptureQueriesContext(connection) as counted:
        assert client.get(url).status_code == 200
    return len(counted)


def test_longer_lists_ask_no_more_questions(cast):
    booking, _, (_, student, _, instructor, *_) = cast
    lists = {
        "home": (None, "/"),
        "student's home": (student, "/"),
        "instructor's home": (instructor, "/"),
        "instructors": (None, reverse("instructors-page")),
        "student's lessons": (student, reverse("bookings")),
        "instructor's lessons": (instructor, reverse("bookings")),
        "waiting for a card": (student, f"{reverse('bookings')}?show=attention"),
    }
    few = {name: statements(*page) for name, page in lists.items()}
    for hours in range(2, 12, 2):
        starts_at = booking.starts_at + timedelta(hours=hours)
        BookingFactory(student=student, starts_at=starts_at)
        BookingFactory(service=booking.service, starts_at=starts_at)
        BookingFactory(
            student=student,
            pending=True,
            payment__status=PaymentStatus.PAYMENT_METHOD_REQUIRED,
            starts_at=starts_at,
        )

    many = {name: statements(*page) for name, page in lists.items()}

    assert many == few


# Of a booking's ten, three look for cases: reports, disputes, chargebacks.
MOST = {"booking": 10, "instructor-page": 10, "checkout": 14, "wallet": 7}


@pytest.mark.parametrize("page", MOST)
def test_no_page_asks_more_than_it_has_to(cast, page):
    booking, time_off, (_, student, *_) = cast

    assert statements(student, address(page, booking, time_off)) <= MOST[page]
