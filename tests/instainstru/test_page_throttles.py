"""What a page is sent counts together with what the API is asked: nobody gets round a limit by a browser."""

import pytest
from django.urls import reverse

from bookings.models import Booking
from disputes.urls import urlpatterns as pages_of_cases
from tests.bookings.factories import BookingFactory, InstructorFactory, ServiceFactory
from tests.pages import signed_in, words_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("standing_clock")]

STUDENT, INSTRUCTOR = "student", "instructor"

# Each page that does something, who asks it, and what its twin in the API is counted as. Those that the bank or Stripe
# leads back to do it by GET.
PAGES = {
    ("post", "checkout"): (STUDENT, "money"),
    ("post", "booking-pay"): (STUDENT, "money"),
    ("get", "booking-paid"): (STUDENT, "money"),
    ("post", "booking-cancel"): (STUDENT, "money"),
    ("post", "booking-move"): (STUDENT, "money"),
    ("post", "booking-complete"): (INSTRUCTOR, "write"),
    ("post", "no-show-report"): (STUDENT, "money"),
    ("post", "dispute-open"): (STUDENT, "money"),
    ("post", "report-withdraw"): (STUDENT, "money"),
    ("post", "report-contest"): (STUDENT, "write"),
    ("post", "evidence-add"): (STUDENT, "write"),
    ("post", "card"): (STUDENT, "write"),
    ("post", "card-setup"): (STUDENT, "write"),
    ("get", "card-saved"): (STUDENT, "money"),
    ("post", "teaching-profile"): (INSTRUCTOR, "write"),
    ("post", "service-new"): (INSTRUCTOR, "write"),
    ("post", "service"): (INSTRUCTOR, "write"),
    ("post", "service-retire"): (INSTRUCTOR, "write"),
    ("post", "service-restore"): (INSTRUCTOR, "write"),
    ("post", "weekly-hours"): (INSTRUCTOR, "write"),
    ("post", "date-except"): (INSTRUCTOR, "write"),
    ("post", "date-follow-week"): (INSTRUCTOR, "write"),
    ("post", "time-off-take"): (INSTRUCTOR, "write"),
    ("post", "time-off-return"): (INSTRUCTOR, "write"),
    ("post", "payouts"): (INSTRUCTOR, "write"),
    ("post", "payouts-dashboard"): (INSTRUCTOR, "write"),
    ("get", "payouts-return"): (INSTRUCTOR, "write"),
    ("post", "messages-read"): (STUDENT, "write"),
    ("post", "profile"): (STUDENT, "write"),
    ("post", "password_change"): (STUDENT, "guess"),
}
TWINS = {  # one endpoint for each scope; whatever it answers, it has been counted
    "money": ("post", "/api/v1/bookings/bk_nothing/pay", {}),
    "write": ("post", "/api/v1/messages/read", {}),
    "guess": ("post", "/api/v1/auth/password", {}),
}
NAMES = [f"{method} {name}" for method, name in PAGES]


@pytest.fixture
def people(outsider):
    """Whom it does not concern, so that next to nothing happens: it is counted before."""
    return {STUDENT: outsider, INSTRUCTOR: InstructorFactory().user}


@pytest.fixture
def booking(student, instructor) -> Booking:
    return BookingFactory(student=student, service=ServiceFactory(instructor=InstructorFactory(user=instructor)))


@pytest.fixture(autouse=True)
def once_a_minute(settings):
    settings.REST_FRAMEWORK = settings.REST_FRAMEWORK | {
        "DEFAULT_THROTTLE_RATES": {"read": "9/min", "write": "1/min", "money": "1/min", "guess": "1/min"}
    }


def address(name: str, booking: Booking) -> str:
    match name:
        case "time-off-return":
            return reverse(name, args=[1])
        case "card-saved":
            return f"{reverse(name)}?setup_intent=seti_nothing"
        case _ if name in {pattern.name for pattern in pages_of_cases} | {"service-retire", "service-restore"}:
            return reverse(name, args=[booking.ref])
        case "service":
            return reverse(name, args=[booking.service.ref])
        case _ if name.startswith("booking-"):
            return reverse(name, args=[booking.ref])
    return reverse(name)


@pytest.mark.parametrize(("method", "name"), PAGES, ids=NAMES)
def test_a_page_counts_with_its_twin_in_the_api(api, people, booking, method, name):
    who, scope = PAGES[method, name]
    twins_method, twin, body = TWINS[scope]

    assert getattr(api(people[who]), twins_method)(twin, body).status_code != 429
    answer = getattr(signed_in(people[who]), method)(address(name, booking))

    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert "too often" in words_of(answer)


def test_the_api_counts_with_its_twin_on_a_page(api, outsider, booking):
    method, twin, body = TWINS["money"]
    assert signed_in(outsider).post(address("booking-pay", booking)).status_code == 404

    answer = getattr(api(outsider), method)(twin, body)

    assert (answer.status_code, answer.data["code"]) == (429, "throttled")


def test_looking_at_a_page_counts_for_nothing(outsider):
    client = signed_in(outsider)

    assert [client.get(reverse("card")).status_code for _ in range(12)] == [200] * 12


def test_choosing_a_password_by_the_link_is_counted_by_address(api, client, student):
    from instainstru.accounts.passwords import reset_link

    form = client.get(reset_link(student)["reset_url"], follow=True)
    api(None).post("/api/v1/auth/password/reset/confirm", {})

    answer = client.post(form.request["PATH_INFO"], {"new_password1": "a", "new_password2": "b"})

    assert answer.status_code == 429
