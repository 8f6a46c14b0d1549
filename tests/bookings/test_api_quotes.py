"""Quotes: every amount of policy section 1, for those whom it concerns."""

from datetime import timedelta

import pytest
from django.urls import reverse

from instainstru import clock
from payments import operations as payments
from tests.bookings.factories import InstructorFactory, PayeeFactory, ServiceFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("standing_clock")]  # Monday, 2026-03-02 15:00 UTC


@pytest.fixture
def service(instructor):
    PayeeFactory(user=instructor)
    return ServiceFactory(instructor=InstructorFactory(user=instructor, open_always=True), title="Piano")


def asked(service, /, *, ahead: timedelta = timedelta(days=7), **changes):
    return {"service": service.ref, "starts_at": (clock.now() + ahead).isoformat(), "minutes": 60} | changes


def quoted(client, service, **how):
    answer = client.post(reverse("api:quotes"), asked(service, **how))
    assert answer.status_code == 200, answer.content
    return answer.json()


@pytest.mark.rule("P5.1")
def test_a_student_reads_what_the_lesson_costs(api, student, service):
    quote = quoted(api(student), service)

    assert quote["service"] == {"ref": service.ref, "title": "Piano"}
    assert quote["payment"]["rule"] == "P5.1"
    assert "$134.40" in quote["payment"]["student"].pop("sentence")
    assert quote["payment"]["student"] == {
        "lesson_price_cents": 12_000,
        "student_fee_cents": 1_440,
        "student_fee_rate": 1_200,
        "credits_cents": 0,
        "card_total_cents": 13_440,
        "credits_available_cents": 0,
        "credits_usable_cents": 0,
    }


def test_no_student_learns_the_instructors_fee(api, student, service):
    answer = api(student).post(reverse("api:quotes"), asked(service))

    assert answer.json()["payment"]["instructor"] is None
    assert "10560" not in answer.content.decode()  # the payout
    assert "105.60" not in answer.content.decode()


def test_another_instructor_reads_what_a_student_does(api, service):
    quote = quoted(api(InstructorFactory().user), service)

    assert quote["payment"]["instructor"] is None
    assert quote["payment"]["student"]["credits_available_cents"] is None


@pytest.mark.parametrize("who", ["instructor", "staff"])
def test_the_instructor_and_staff_read_both_sides(api, instructor, staff, service, who):
    quote = quoted(api({"instructor": instructor, "staff": staff}[who]), service)

    assert "$105.60" in quote["payment"]["instructor"].pop("sentence")
    assert quote["payment"]["instructor"] == {
        "instructor_fee_cents": 1_440,
        "instructor_fee_rate": 1_200,
        "tier": "growth",
        "payout_cents": 10_560,
    }
    assert quote["payment"]["student"]["card_total_cents"] == 13_440


def test_times_are_told_in_utc_and_in_the_lessons_own_zone(api, student, service):
    """The week after, clocks in New York have been put forward."""
    quote = quoted(api(student), service, ahead=timedelta(days=7))

    assert (quote["starts_at"], quote["ends_at"]) == ("2026-03-09T15:00:00Z", "2026-03-09T16:00:00Z")
    assert quote["time_zone"] == "America/New_York"
    assert quote["starts_at_local"] == "2026-03-09T11:00:00-04:00"
    assert quote["ends_at_local"] == "2026-03-09T12:00:00-04:00"
    assert quoted(api(student), service, ahead=timedelta(days=1))["starts_at_local"] == "2026-03-03T10:00:00-05:00"


class TestCredits:
    @pytest.fixture(autouse=True)
    def credit(self, student):
        payments.grant_credit(student=student, cents=15_000, source_key="grant:1", now=clock.now())

    @pytest.mark.rule("P1.5")
    def test_pay_for_the_lesson_alone(self, api, student, service):
        money = quoted(api(student), service, credits_cents=12_000)["payment"]["student"]

        assert (money["credits_cents"], money["card_total_cents"]) == (12_000, 1_440)
        assert (money["credits_available_cents"], money["credits_usable_cents"]) == (15_000, 12_000)

    @pytest.mark.parametrize("cents", [12_001, 15_001])
    def test_are_not_quoted_beyond_the_price_or_the_wallet(self, api, student, service, cents):
        answer = api(student).post(reverse("api:quotes"), asked(service, credits_cents=cents))

        assert (answer.status_code, answer.json()["code"]) == (422, "credits_unavailable")

    def test_that_are_not_there_are_not_quoted(self, api, outsider, service):
        answer = api(outsider).post(reverse("api:quotes"), asked(service, credits_cents=100))

        assert (answer.status_code, answer.json()["usable_cents"]) == (422, 0)


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"service": "svc_unknown"}, "#/service"),
        ({"minutes": 31}, "#/minutes"),
        ({"starts_at": "tomorrow"}, "#/starts_at"),
        ({"credits_cents": -1}, "#/credits_cents"),
        ({"credits_cents": 1.5}, "#/credits_cents"),
    ],
    ids=lambda part: next(iter(part)) if isinstance(part, dict) else part,
)
def test_what_can_not_be_booked_is_not_quoted(api, student, service, changes, pointer):
    answer = api(student).post(reverse("api:quotes"), asked(service, **changes))

    assert answer.status_code == 400
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


@pytest.mark.parametrize("fault", ["is_active", "is_listed"])
def test_what_is_not_on_offer_is_not_quoted(api, student, service, fault):
    owner = service if fault == "is_active" else service.instructor
    setattr(owner, fault, False)
    owner.save()

    assert api(student).post(reverse("api:quotes"), asked(service)).status_code == 400


def test_the_past_is_refused(api, student, service):
    answer = api(student).post(reverse("api:quotes"), asked(service, ahead=timedelta(hours=-1)))

    assert (answer.status_code, answer.json()["code"]) == (409, "lesson_started")


def test_a_quote_asks_little_of_the_database(api, student, service, django_assert_max_num_queries):
    client, body = api(student), asked(service)

    with django_assert_max_num_queries(6):
        assert client.post(reverse("api:quotes"), body).status_code == 200
