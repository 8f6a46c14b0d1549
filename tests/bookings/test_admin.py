"""Staff's pages: hours are written as clocks show them, overlaps are named, and bookings are only looked at."""

from datetime import date

import pytest
from django.contrib.admin.sites import site
from django.test import Client
from django.urls import reverse

from bookings.models import Booking, DateException, Instructor, OccupiedTime, Service, TimeOff, WeeklyHours
from tests.bookings.factories import (
    BookingFactory,
    DateExceptionFactory,
    InstructorFactory,
    TimeOffFactory,
    WeeklyHoursFactory,
)
from tests.factories import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("standing_clock")]  # Monday, 2026-03-02 15:00 UTC

MODELS = [Booking, DateException, Instructor, OccupiedTime, Service, TimeOff, WeeklyHours]
READ_ONLY = [Booking, OccupiedTime]


@pytest.fixture
def browser() -> Client:
    client = Client()
    client.force_login(UserFactory(as_superuser=True))
    return client


@pytest.fixture
def busy_instructor() -> Instructor:
    booking = BookingFactory()
    instructor = booking.instructor
    WeeklyHoursFactory(instructor=instructor)
    DateExceptionFactory(instructor=instructor)
    TimeOffFactory(instructor=instructor)
    return instructor


def url_of(model: type, page: str, *args: object) -> str:
    return reverse(f"admin:bookings_{model._meta.model_name}_{page}", args=args)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
class TestEveryModel:
    def test_has_a_list_that_can_be_searched_and_a_page(self, browser, busy_instructor, model):
        row = model.objects.get()

        assert browser.get(url_of(model, "changelist"), {"q": busy_instructor.user.email}).status_code == 200
        assert browser.get(url_of(model, "change", row.pk)).status_code == 200

    def test_a_longer_list_takes_no_more_statements(
        self, browser, busy_instructor, model, django_assert_max_num_queries
    ):
        for _ in range(5):
            booking = BookingFactory()
            for factory in (WeeklyHoursFactory, DateExceptionFactory, TimeOffFactory):
                factory(instructor=booking.instructor)

        with django_assert_max_num_queries(10):
            assert browser.get(url_of(model, "changelist")).status_code == 200


@pytest.mark.parametrize("model", READ_ONLY, ids=lambda model: model.__name__)
def test_what_only_operations_change_is_read_only(rf, model):
    request = rf.get("/")
    request.user = UserFactory(as_superuser=True)
    page = site.get_model_admin(model)

    assert page.has_view_permission(request)
    assert not page.has_add_permission(request)
    assert not page.has_change_permission(request)
    assert not page.has_delete_permission(request)


def test_a_service_is_never_deleted_because_bookings_point_to_it(rf):
    request = rf.get("/")
    request.user = UserFactory(as_superuser=True)

    assert not site.get_model_admin(Service).has_delete_permission(request)


class TestHoursOnTheInstructorsPage:
    """The page of an instructor without any hours yet; every inline posts what its test gives."""

    INLINES = ["services", "weekly_hours", "date_exceptions", "times_off"]

    @pytest.fixture
    def instructor(self) -> Instructor:
        return InstructorFactory()

    def save(self, browser, instructor: Instructor, **rows: list[dict]):
        body = {
            "user": instructor.user_id,
            "is_listed": "on",
            "tier": instructor.tier,
            "headline": instructor.headline,
            "bio": "",
            "languages": "en",
            "city": "New York",
            "time_zone": "America/New_York",
            "buffer_minutes": 15,
            "minimum_notice_minutes": 120,
            "booking_horizon_days": 60,
        }
        for prefix in self.INLINES:
            given = rows.get(prefix, [])
            body |= {f"{prefix}-TOTAL_FORMS": len(given), f"{prefix}-INITIAL_FORMS": 0}
            for number, row in enumerate(given):
                body |= {f"{prefix}-{number}-{name}": value for name, value in row.items()}
        return browser.post(url_of(Instructor, "change", instructor.pk), body)

    def test_hours_are_written_as_clocks_show_them(self, browser, instructor):
        answer = self.save(
            browser,
            instructor,
            weekly_hours=[{"weekday": 0, "opens": "09:30", "closes": "24:00"}],
            date_exceptions=[{"date": "2026-03-09", "opens": "", "closes": ""}],
        )

        assert answer.status_code == 302, answer.context["errors"]
        assert [(hours.opens, hours.closes) for hours in WeeklyHours.objects.all()] == [(570, 1_440)]
        assert DateException.objects.get().opens is None
        assert 'value="09:30"' in browser.get(url_of(Instructor, "change", instructor.pk)).content.decode()

    def test_overlapping_hours_of_a_day_are_named(self, browser, instructor):
        monday = {"weekday": 0, "opens": "09:00", "closes": "12:00"}

        answer = self.save(browser, instructor, weekly_hours=[monday, {**monday, "opens": "11:00"}])

        assert "Hours of one day overlap." in answer.content.decode()
        assert not WeeklyHours.objects.exists()

    def test_a_closed_date_with_hours_beside_it_is_named(self, browser, instructor):
        closed = {"date": "2026-03-09", "opens": "", "closes": ""}

        answer = self.save(
            browser, instructor, date_exceptions=[closed, {**closed, "opens": "09:00", "closes": "10:00"}]
        )

        assert "Hours of one day overlap." in answer.content.decode()
        assert not DateException.objects.exists()

    @pytest.mark.parametrize(
        ("hours", "told"),
        [
            ({"opens": "9", "closes": "12:00"}, "Write a time of day such as 09:30"),
            ({"opens": "12:00", "closes": "09:00"}, "Hours close after they open"),
        ],
        ids=["no clock shows it", "backwards"],
    )
    def test_hours_that_make_no_sense_are_named(self, browser, instructor, hours, told):
        answer = self.save(browser, instructor, weekly_hours=[{"weekday": 0, **hours}])

        assert told in answer.content.decode()
        assert not WeeklyHours.objects.exists()

    def test_what_is_past_is_left_out_of_the_page(self, browser, instructor):
        DateExceptionFactory(instructor=instructor, date=date(2025, 12, 31))

        assert "2025-12-31" not in browser.get(url_of(Instructor, "change", instructor.pk)).content.decode()


@pytest.mark.parametrize("day", ["0001-01-01", "2199-12-31", "9999-12-31"])
def test_no_time_off_goes_on_for_ever(browser, day):
    sent = {"instructor": InstructorFactory().pk, "starts_at_0": "2026-03-01", "starts_at_1": "00:00"}
    sent |= {"ends_at_0": day, "ends_at_1": "00:00", "reason": ""}

    answer = browser.post(url_of(TimeOff, "add"), sent)

    assert "ends_at" in answer.context["adminform"].form.errors
    assert not TimeOff.objects.exists()


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_no_date_beyond_the_calendar_is_excepted(browser, day):
    sent = {"instructor": InstructorFactory().pk, "date": day, "opens": "", "closes": ""}

    answer = browser.post(url_of(DateException, "add"), sent)

    assert "date" in answer.context["adminform"].form.errors
    assert not DateException.objects.exists()
