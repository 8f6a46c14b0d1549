"""What anybody may ask: who teaches what, and when they are free."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.urls import reverse

from bookings.models import Category, Instructor
from payments.policy.states import Modality
from tests.bookings.factories import (
    BookingFactory,
    DateExceptionFactory,
    InstructorFactory,
    ServiceFactory,
    TimeOffFactory,
    WeeklyHoursFactory,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("standing_clock")]  # Monday, 2026-03-02 15:00 UTC


@pytest.fixture
def client(api):
    return api(None)


def listed(client, **query) -> list[str]:
    answer = client.get(reverse("api:instructors"), query)
    assert answer.status_code == 200, answer.json()
    return [instructor["ref"] for instructor in answer.json()["results"]]


class TestInstructors:
    def test_whoever_sells_something_is_listed_newest_first(self, client):
        early, late = (ServiceFactory().instructor for _ in range(2))
        Instructor.objects.filter(pk=late.pk).update(joined_at=early.joined_at + timedelta(days=1))

        assert listed(client) == [late.ref, early.ref]

    def test_unlisted_unpayable_inactive_and_idle_instructors_are_not_listed(self, client):
        ServiceFactory(instructor__payable=False)
        ServiceFactory(instructor__is_listed=False)
        ServiceFactory(instructor__user__is_active=False)
        ServiceFactory(is_active=False)
        InstructorFactory()

        assert listed(client) == []

    def test_an_instructor_is_shown_with_what_is_on_offer_and_without_what_is_private(self, client):
        piano = ServiceFactory(hourly_price_cents=9_000, title="Piano")
        ServiceFactory(instructor=piano.instructor, hourly_price_cents=7_000, title="Singing")
        ServiceFactory(instructor=piano.instructor, hourly_price_cents=6_000, is_active=False)
        TimeOffFactory(instructor=piano.instructor, reason="A secret")

        answer = client.get(reverse("api:instructor", args=[piano.instructor.ref]))

        shown = answer.json()
        assert shown["name"] == piano.instructor.user.name
        assert shown["lowest_price_cents"] == 7_000
        assert [service["title"] for service in shown["services"]] == ["Singing", "Piano"]
        assert "secret" not in answer.content.decode()
        assert piano.instructor.user.email not in answer.content.decode()

    def test_an_unlisted_instructor_is_not_found(self, client):
        hidden = ServiceFactory(instructor__is_listed=False).instructor

        assert client.get(reverse("api:instructor", args=[hidden.ref])).status_code == 404
        assert client.get(reverse("api:instructor-slots", args=[hidden.ref])).status_code == 404

    @pytest.mark.parametrize(
        "query",
        [
            {"category": "music"},
            {"modality": "in_person"},
            {"hourly_price_max": 9_000},
            {"language": "es"},
            {"city": "boston"},
            {"time_zone": "America/Chicago"},
            {"search": "guitar"},
            {"search": "gil"},
            {"search": "strings"},
            {"category": "music", "modality": "in_person", "hourly_price_max": 9_000},
        ],
        ids=str,
    )
    def test_filters_find_who_sells_what_is_asked_for(self, client, query):
        guitarist = ServiceFactory(
            title="Guitar",
            category=Category.MUSIC,
            modality=Modality.IN_PERSON.value,
            hourly_price_cents=9_000,
            instructor__user__name="Gil Guitarist",
            instructor__headline="Six strings",
            instructor__languages=["en", "es"],
            instructor__city="Boston",
            instructor__time_zone="America/Chicago",
        )
        ServiceFactory(title="Chess", category=Category.SCHOOL, hourly_price_cents=15_000)

        assert listed(client, **query) == [guitarist.instructor.ref]

    def test_all_of_a_query_is_asked_of_one_and_the_same_service(self, client):
        dear_music = ServiceFactory(category=Category.MUSIC, hourly_price_cents=20_000)
        ServiceFactory(instructor=dear_music.instructor, category=Category.SCHOOL, hourly_price_cents=7_000)

        assert listed(client, category="music", hourly_price_max=9_000) == []

    def test_by_price_means_the_price_of_what_was_asked_for(self, client):
        cheap, dear = ServiceFactory(hourly_price_cents=7_000), ServiceFactory(hourly_price_cents=9_000)
        ServiceFactory(instructor=dear.instructor, category=Category.SCHOOL, hourly_price_cents=6_000)

        assert listed(client, ordering="price", category="music") == [cheap.instructor.ref, dear.instructor.ref]
        assert listed(client, ordering="-price", category="music") == [dear.instructor.ref, cheap.instructor.ref]
        assert listed(client, ordering="price") == [dear.instructor.ref, cheap.instructor.ref]

    @pytest.mark.parametrize("ordering", ["newest", "price", "-price"])
    def test_pages_follow_each_other_without_loss(self, client, ordering):
        for price in (7_000, 9_000, 9_000, 9_000, 11_000):
            ServiceFactory(hourly_price_cents=price)
        whole = listed(client, ordering=ordering)

        pages, url = [], f"{reverse('api:instructors')}?page_size=2&ordering={ordering}"
        while url:
            page = client.get(url).json()
            pages += [instructor["ref"] for instructor in page["results"]]
            url = page["next"]

        assert pages == whole
        assert len(set(whole)) == 5

    @pytest.mark.parametrize(
        ("query", "parameter"),
        [
            ({"category": "alchemy"}, "category"),
            ({"hourly_price_max": "cheap"}, "hourly_price_max"),
            ({"time_zone": "Mars/Olympus"}, "time_zone"),
            ({"available_on": "tomorrow"}, "available_on"),
            ({"ordering": "beauty"}, "ordering"),
        ],
        ids=str,
    )
    def test_a_query_that_makes_no_sense_is_told_so(self, client, query, parameter):
        answer = client.get(reverse("api:instructors"), query)

        assert answer.status_code == 400
        assert [error["parameter"] for error in answer.json()["errors"]] == [parameter]

    def test_a_list_costs_as_many_statements_as_one_instructor(self, client, django_assert_max_num_queries):
        for _ in range(12):
            ServiceFactory(instructor=ServiceFactory().instructor)

        with django_assert_max_num_queries(2):
            assert len(listed(client)) == 12


class TestAvailableOn:
    TUESDAY = date(2026, 3, 3)

    @pytest.fixture
    def teacher(self) -> Instructor:
        return WeeklyHoursFactory(instructor=ServiceFactory().instructor, weekday=1).instructor

    def is_found(self, client, teacher: Instructor, day: date = TUESDAY) -> bool:
        return teacher.ref in listed(client, available_on=day.isoformat())

    def test_weekly_hours_count(self, client, teacher):
        assert self.is_found(client, teacher)
        assert not self.is_found(client, teacher, date(2026, 3, 4))

    def test_a_closed_date_does_not(self, client, teacher):
        DateExceptionFactory(instructor=teacher, date=self.TUESDAY)

        assert not self.is_found(client, teacher)

    def test_hours_of_one_date_do(self, client, teacher):
        DateExceptionFactory(instructor=teacher, date=date(2026, 3, 4), opens=600, closes=660)

        assert self.is_found(client, teacher, date(2026, 3, 4))

    def test_time_off_over_the_whole_local_day_does_not(self, client, teacher):
        TimeOffFactory(  # New York's Tuesday, to the minute
            instructor=teacher,
            starts_at=datetime(2026, 3, 3, 5, tzinfo=UTC),
            ends_at=datetime(2026, 3, 4, 5, tzinfo=UTC),
        )

        assert not self.is_found(client, teacher)

    def test_time_off_over_a_part_of_it_does(self, client, teacher):
        TimeOffFactory(
            instructor=teacher,
            starts_at=datetime(2026, 3, 3, 5, 1, tzinfo=UTC),
            ends_at=datetime(2026, 3, 4, 5, tzinfo=UTC),
        )

        assert self.is_found(client, teacher)


class TestSlots:
    @pytest.fixture
    def service(self):
        """Lessons on Tuesdays from nine to twelve, in New York."""
        service = ServiceFactory(instructor__buffer_minutes=15)
        WeeklyHoursFactory(instructor=service.instructor, weekday=1, opens=540, closes=720)
        return service

    def ask(self, client, service, /, **query):
        asked = {"service": service.ref, "minutes": 60, **query}
        return client.get(reverse("api:instructor-slots", args=[service.instructor.ref]), asked)

    def starts(self, client, service, /, **query) -> list[str]:
        return [slot["starts_at"] for slot in self.ask(client, service, **query).json()["slots"]]

    def test_free_lessons_of_the_next_week_are_offered_with_their_price(self, client, service):
        answer = self.ask(client, service, minutes=90).json()

        assert answer == {
            "service": service.ref,
            "minutes": 90,
            "lesson_price_cents": 18_000,
            "time_zone": "America/New_York",
            "slots": [
                {"starts_at": f"2026-03-03T{start}:00Z", "ends_at": f"2026-03-03T{end}:00Z"}
                for start, end in [
                    ("14:00", "15:30"),
                    ("14:15", "15:45"),
                    ("14:30", "16:00"),
                    ("14:45", "16:15"),
                    ("15:00", "16:30"),
                    ("15:15", "16:45"),
                    ("15:30", "17:00"),
                ]
            ],
        }

    def test_the_offer_follows_the_clock_change(self, client, service):
        before = self.starts(client, service)
        after = self.starts(client, service, **{"from": "2026-03-09T00:00:00Z", "to": "2026-03-12T00:00:00Z"})

        assert before[0] == "2026-03-03T14:00:00Z"  # 09:00 EST
        assert after[0] == "2026-03-10T13:00:00Z"  # 09:00 EDT

    def test_booked_time_is_not_offered_and_given_back_time_is(self, client, service):
        booking = BookingFactory(service=service, starts_at=datetime(2026, 3, 3, 15, tzinfo=UTC))
        assert self.starts(client, service) == []  # 10:00 to 11:15 leaves no hour with its buffer on either side

        booking.free_time()

        assert len(self.starts(client, service)) == 9

    def test_a_pending_booking_holds_no_time(self, client, service):
        BookingFactory(service=service, starts_at=datetime(2026, 3, 3, 15, tzinfo=UTC), pending=True)

        assert len(self.starts(client, service)) == 9

    def test_lessons_are_offered_after_the_notice_only(self, client, service, standing_clock):
        standing_clock.go_to(datetime(2026, 3, 3, 13, 30, tzinfo=UTC))

        assert self.starts(client, service)[0] == "2026-03-03T15:30:00Z"

    @pytest.mark.parametrize(
        ("query", "parameter"),
        [
            ({"service": "svc_unknown"}, "service"),
            ({"minutes": 75}, "minutes"),
            ({"minutes": "long"}, "minutes"),
            ({"from": "yesterday"}, "from"),
            ({"from": "2026-03-02T00:00:00Z", "to": "2026-03-01T00:00:00Z"}, "to"),
            ({"from": "2026-03-02T00:00:00Z", "to": "2026-04-02T00:00:01Z"}, "to"),
        ],
        ids=str,
    )
    def test_a_question_that_makes_no_sense_is_told_so(self, client, service, query, parameter):
        answer = self.ask(client, service, **query)

        assert answer.status_code == 400
        assert [error["parameter"] for error in answer.json()["errors"]] == [parameter]

    def test_another_instructors_service_is_not_offered_here(self, client, service):
        answer = self.ask(client, service, service=ServiceFactory().ref)

        assert answer.status_code == 400

    def test_a_month_costs_as_many_statements_as_an_empty_day(self, client, service, django_assert_max_num_queries):
        for week in range(4):
            BookingFactory(service=service, starts_at=datetime(2026, 3, 3, 15, tzinfo=UTC) + timedelta(weeks=week))
            TimeOffFactory(instructor=service.instructor)
            DateExceptionFactory(instructor=service.instructor, date=date(2026, 3, 6 + week))

        with django_assert_max_num_queries(6):  # instructor, service, week, exceptions, time off, lessons
            answer = self.ask(client, service, **{"from": "2026-03-02T00:00:00Z", "to": "2026-04-02T00:00:00Z"})

        assert answer.status_code == 200
