"""Finding an instructor and a free time, on the pages."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.urls import reverse

from bookings.models import Instructor
from payments.policy.states import Modality
from tests.bookings.factories import (
    BookingFactory,
    InstructorFactory,
    ServiceFactory,
    WeeklyHoursFactory,
)
from tests.factories import UserFactory
from tests.pages import links_in, signed_in, words_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("standing_clock")]  # Monday, 2026-03-02 15:00 UTC


def found(**query) -> list[str]:
    answer = signed_in(None).get(reverse("instructors-page"), query)
    assert answer.status_code == 200
    return [row.user.name for row in answer.context["page"].rows]


class TestInstructors:
    @pytest.fixture(autouse=True)
    def offers(self):
        piano = InstructorFactory(user__name="Amara", city="Los Angeles")
        ServiceFactory(instructor=piano, title="Piano", hourly_price_cents=9_000)
        bread = InstructorFactory(user__name="Jonas", headline="Sourdough")
        ServiceFactory(
            instructor=bread,
            title="Bread",
            category="cooking",
            modality=Modality.IN_PERSON.value,
            hourly_price_cents=8_000,
        )
        WeeklyHoursFactory(instructor=bread, weekday=1)

    @pytest.mark.parametrize(
        ("query", "names"),
        [
            ({}, ["Jonas", "Amara"]),
            ({"search": "sourdough"}, ["Jonas"]),
            ({"category": "music"}, ["Amara"]),
            ({"modality": "in_person"}, ["Jonas"]),
            ({"hourly_price_max": "$85"}, ["Jonas"]),
            ({"hourly_price_max": "80.00"}, ["Jonas"]),
            ({"available_on": "2026-03-03"}, ["Jonas"]),
            ({"available_on": "2026-03-04"}, []),
            ({"order": "price"}, ["Jonas", "Amara"]),
            ({"order": "price-down"}, ["Amara", "Jonas"]),
            ({"search": "piano", "category": "cooking"}, []),
        ],
    )
    def test_are_found_by_what_is_asked_for(self, query, names):
        assert found(**query) == names

    def test_what_cannot_be_read_narrows_nothing_and_is_named(self):
        answer = signed_in(None).get(reverse("instructors-page"), {"hourly_price_max": "cheap", "order": "odd"})

        assert len(answer.context["page"].rows) == 2
        assert "At most, an hour : Write an amount in dollars" in words_of(answer)

    def test_nobody_found_is_said(self):
        answer = signed_in(None).get(reverse("instructors-page"), {"search": "nonesuch"})

        assert "Nobody teaches just that" in words_of(answer)
        assert reverse("instructors-page") in links_in(answer)

    def test_pages_keep_the_search_and_lose_nobody(self):
        for number in range(14):
            service = ServiceFactory(hourly_price_cents=7_000 + number)
            Instructor.objects.filter(pk=service.instructor_id).update(
                joined_at=datetime(2026, 1, 1 + number // 2, tzinfo=UTC)
            )
        for order in ("newest", "price", "price-down"):
            client, url, seen = signed_in(None), f"?order={order}", []
            while url:
                answer = client.get(reverse("instructors-page") + url)
                seen += [row.pk for row in answer.context["page"].rows]
                older = answer.context["page"].older
                url = older and f"?order={order}&cursor={older}"

            assert len(seen) == len(set(seen)) == 16, order

    @pytest.mark.parametrize("cursor", ["before-1", "before-x.1", "after-9" * 9, "sideways-1.1"])
    @pytest.mark.parametrize("order", ["newest", "price"])
    def test_a_cursor_that_means_nothing_shows_the_first_page(self, cursor, order):
        assert len(found(cursor=cursor, order=order)) == 2

    def test_a_cursor_beyond_all_time_shows_the_first_page(self):
        assert len(found(cursor=f"before-{10**30}.1")) == 2


class TestOneInstructor:
    @pytest.fixture
    def service(self):
        """Open on Tuesdays, New York, from nine to eleven."""
        service = ServiceFactory(title="Piano", durations=[30, 60])
        WeeklyHoursFactory(instructor=service.instructor, weekday=1, opens=9 * 60, closes=11 * 60)
        return service

    @staticmethod
    def page(offer, user=None, **query):
        return signed_in(user).get(reverse("instructor-page", args=[offer.instructor.ref]), query)

    def test_shows_what_is_on_offer_with_the_price_of_each_length(self, service):
        ServiceFactory(instructor=service.instructor, title="Retired", is_active=False)

        said = words_of(self.page(service))

        assert "30 min $60.00" in said
        assert "60 min $120.00" in said
        assert "Retired" not in said

    def test_shows_the_week_in_the_instructors_zone_to_a_visitor(self, service):
        answer = self.page(service, service=service.ref, minutes=60)

        week = answer.context["week"]
        assert str(week.zone) == "America/New_York"
        assert week.other_zone is None
        assert [slot.starts_at for day in week.days for slot in day.slots] == [
            datetime(2026, 3, 3, 14, 0, tzinfo=UTC) + number * timedelta(minutes=15) for number in range(5)
        ]
        assert "9:00 AM" in words_of(answer)

    def test_shows_both_zones_by_name_to_a_student_elsewhere(self, service):
        student = UserFactory(time_zone="Asia/Tokyo")

        answer = self.page(service, student, minutes=60)

        said = words_of(answer)
        assert "Times are shown in Tokyo time, and below them what the clock shows in New York" in said
        assert "Tuesday, Mar 3" in said
        assert "11:00 PM , there 9:00 AM" in said
        assert "Wednesday, Mar 4, 12:00 AM , there Tue 10:00 AM" in said

    def test_a_time_leads_to_its_checkout(self, service):
        answer = self.page(service, service=service.ref, minutes=60)

        assert f"/checkout?service={service.ref}&minutes=60&at=2026-03-03T14:00Z" in links_in(answer)

    def test_an_instructor_sees_times_that_lead_nowhere(self, service):
        answer = self.page(service, service.instructor.user)

        assert "9:00 AM" in words_of(answer)
        assert not [link for link in links_in(answer) if link.startswith("/checkout")]

    def test_booked_time_is_not_offered(self, service):
        BookingFactory(service=service, starts_at=datetime(2026, 3, 3, 14, 0, tzinfo=UTC))

        assert "Nothing is free in these seven days" in words_of(self.page(service, minutes=60))

    def test_weeks_lead_on_and_back_but_neither_to_the_past_nor_beyond_the_horizon(self, service):
        this_week, next_week, last_week, long_ago = (
            self.page(service, week=week).context["week"] for week in ("", "2026-03-09", "2026-04-27", "2020-01-01")
        )

        assert (this_week.previous, this_week.following) == (None, date(2026, 3, 9))
        assert (next_week.previous, next_week.first) == (date(2026, 3, 2), date(2026, 3, 9))
        assert last_week.following is None
        assert long_ago.first == this_week.first

    @pytest.mark.parametrize("week", ["soon", "2026-02-30", "9999-12-31"])
    def test_a_week_that_cannot_be_is_none(self, service, week):
        assert self.page(service, week=week).status_code == 200

    @pytest.mark.parametrize("query", [{"minutes": "75"}, {"minutes": "9" * 5000}, {"service": "svc_nothing"}])
    def test_a_lesson_that_is_not_offered_gives_the_usual_one(self, service, query):
        assert self.page(service, **query).context["chosen"].minutes == 60

    def test_unlisted_instructors_are_not_found(self, service):
        Instructor.objects.update(is_listed=False)

        assert self.page(service).status_code == 404


def test_the_week_of_a_clock_change_has_each_days_own_hours():
    service = ServiceFactory(instructor__open_always=True)

    week = TestOneInstructor.page(service, week="2026-03-08").context["week"]

    assert [len(day.slots) for day in week.days[:2]] == [92, 96]  # on March 8 an hour is skipped
