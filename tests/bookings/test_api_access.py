"""Who may ask what: by role a 403, by ownership a 404, and nobody without signing in."""

import pytest
from django.urls import reverse

from instainstru import clock
from payments.models import Operation
from payments.policy.states import Action, Party
from tests.bookings.factories import BookingFactory, InstructorFactory, ServiceFactory
from tests.factories import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("standing_clock")]

STUDENT, INSTRUCTOR, STAFF = "student", "instructor", "staff"
EVERYBODY = {STUDENT, INSTRUCTOR, STAFF}

# Method and name of each endpoint, and the roles that may ask it.
OF_A_BOOKING = {
    ("get", "booking"): EVERYBODY,
    ("post", "booking-cancel"): {STUDENT, INSTRUCTOR},
    ("post", "booking-cancel-preview"): {STUDENT, INSTRUCTOR},
    ("post", "booking-reschedule"): {STUDENT},
    ("post", "booking-reschedule-preview"): {STUDENT},
    ("post", "booking-pay"): {STUDENT},
    ("post", "booking-confirm-payment"): {STUDENT},
    ("post", "booking-complete"): {INSTRUCTOR},
    ("get", "operation"): EVERYBODY,
}
OF_ONES_OWN = {
    ("post", "quotes"): EVERYBODY,
    ("get", "bookings"): EVERYBODY,
    ("post", "bookings"): {STUDENT},
    ("get", "payment-method"): {STUDENT},
    ("put", "payment-method"): {STUDENT},
    ("post", "card-setups"): {STUDENT},
    ("post", "card-setup-confirm"): {STUDENT},
    ("get", "payout-account"): {INSTRUCTOR},
    ("post", "payout-account-check"): {INSTRUCTOR},
    ("post", "payout-account-onboarding-link"): {INSTRUCTOR},
    ("get", "payout-statements"): {INSTRUCTOR},
    ("get", "payout-statement"): {INSTRUCTOR},
    ("get", "wallet"): {STUDENT},
    ("get", "wallet-statement"): {STUDENT},
}
ENDPOINTS = OF_A_BOOKING | OF_ONES_OWN
NAMES = [f"{method} {name}" for method, name in ENDPOINTS]
NEW_TIME = {"starts_at": "2026-03-09T15:00:00Z"}


@pytest.fixture
def booking(student, instructor):
    """A booking of the two, with the checkout that it came from."""
    booked = BookingFactory(student=student, service=ServiceFactory(instructor=InstructorFactory(user=instructor)))
    Operation.objects.create(
        payment=booked.payment,
        number=1,
        kind=Action.CHECKOUT,
        state=Operation.State.DONE,
        party=Party.STUDENT,
        plan={},
        accepted_at=clock.now(),
        finished_at=clock.now(),
        conclusion={},
    )
    return booked


def ask(client, method: str, name: str, booking) -> int:
    where = {
        "operation": [f"{booking.payment.reference}-1"],
        "card-setup-confirm": ["seti_somebodys"],
        "payout-statement": ["2026-03"],
    }
    of_a_booking = [booking.ref] if (method, name) in OF_A_BOOKING else []
    body = NEW_TIME if method == "post" else {}
    return getattr(client, method)(reverse(f"api:{name}", args=where.get(name, of_a_booking)), body).status_code


@pytest.mark.parametrize(("method", "name"), ENDPOINTS, ids=NAMES)
def test_nobody_asks_without_signing_in(api, booking, method, name):
    assert ask(api(None), method, name, booking) == 401


@pytest.mark.parametrize(
    ("method", "name", "role"),
    [(method, name, role) for (method, name), roles in ENDPOINTS.items() for role in sorted(EVERYBODY - roles)],
)
def test_another_role_may_not_ask(api, booking, student, instructor, staff, method, name, role):
    user = {STUDENT: student, INSTRUCTOR: instructor, STAFF: staff}[role]

    assert ask(api(user), method, name, booking) == 403


@pytest.mark.parametrize(
    ("method", "name", "role"),
    [(method, name, role) for (method, name), roles in OF_A_BOOKING.items() for role in sorted(roles - {STAFF})],
)
def test_a_strangers_booking_is_not_there(api, booking, outsider, method, name, role):
    stranger = {STUDENT: outsider, INSTRUCTOR: InstructorFactory().user}[role]

    assert ask(api(stranger), method, name, booking) == 404


MAY_MOVE_MONEY = [
    ("post", "bookings"),
    ("post", "booking-cancel"),
    ("post", "booking-reschedule"),
    ("post", "booking-pay"),
    ("post", "booking-confirm-payment"),
    ("put", "payment-method"),
]
ONLY_LOOKS = [
    ("post", "quotes"),
    ("post", "booking-cancel-preview"),
    ("post", "booking-reschedule-preview"),
    ("get", "bookings"),
    ("get", "payment-method"),
]


@pytest.mark.parametrize(("method", "name"), MAY_MOVE_MONEY + ONLY_LOOKS, ids=lambda part: part)
def test_what_may_move_money_is_throttled_as_such(api, booking, outsider, settings, method, name):
    """Asked by a stranger, so that none of it happens; it is counted before."""
    settings.REST_FRAMEWORK = settings.REST_FRAMEWORK | {
        "DEFAULT_THROTTLE_RATES": {"read": "9/min", "write": "9/min", "money": "1/min"}
    }
    client = api(outsider)

    first, again = (ask(client, method, name, booking) for _ in range(2))

    assert first != 429
    assert (again == 429) == ((method, name) in MAY_MOVE_MONEY)


@pytest.mark.parametrize("name", ["bk_nothing", "bk_nothing-1", "1", "-", "bk_x-99999999999999999999"])
def test_what_does_not_exist_is_not_there(api, staff, name):
    assert api(staff).get(f"/api/v1/operations/{name}").status_code == 404
    assert api(staff).get(f"/api/v1/bookings/{name}").status_code == 404


def test_each_sees_their_own_bookings_and_staff_all(api, booking, student, instructor, staff, outsider):
    somebody_elses = BookingFactory()

    def listed(user) -> set[str]:
        return {found["ref"] for found in api(user).get(reverse("api:bookings")).json()["results"]}

    assert listed(student) == listed(instructor) == {booking.ref}
    assert listed(outsider) == listed(UserFactory(as_instructor=True)) == set()
    assert listed(staff) == {booking.ref, somebody_elses.ref}
