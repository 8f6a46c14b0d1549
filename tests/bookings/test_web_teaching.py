"""An instructor's own pages: profile, services, hours, dates that differ, time off."""

from datetime import UTC, date, datetime

import pytest
from django.urls import reverse

from bookings.models import DateException, Instructor, Service, TimeOff, WeeklyHours
from tests.bookings.factories import (
    DateExceptionFactory,
    InstructorFactory,
    ServiceFactory,
    TimeOffFactory,
    WeeklyHoursFactory,
)
from tests.factories import UserFactory
from tests.pages import signed_in, words_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("standing_clock")]  # Monday, 2026-03-02 15:00 UTC


@pytest.fixture
def instructor(instructor) -> Instructor:
    return InstructorFactory(user=instructor)


@pytest.fixture
def browser(instructor):
    return signed_in(instructor.user)


class TestReadiness:
    def test_tells_a_new_instructor_what_is_missing(self):
        said = words_of(signed_in(UserFactory(as_instructor=True)).get(reverse("teaching")))

        assert "Say who you are : to be done" in said
        assert "Set up how you are paid : to be done" in said

    def test_says_nothing_once_all_is_done(self, instructor, browser):
        ServiceFactory(instructor=instructor)
        WeeklyHoursFactory(instructor=instructor)

        assert "Before students can book you" not in words_of(browser.get(reverse("teaching")))


class TestProfile:
    FILLED = {
        "headline": "Chess, from the first move",
        "bio": "I play.",
        "languages": ["en", "es"],
        "city": "Boston",
        "time_zone": "America/New_York",
        "buffer_minutes": "30",
        "notice_hours": "4",
        "booking_horizon_days": "90",
        "is_listed": "on",
    }

    def test_the_first_change_opens_it(self):
        new = UserFactory(as_instructor=True)

        answer = signed_in(new).post(reverse("teaching-profile"), self.FILLED)

        assert answer.url == reverse("teaching")
        opened = Instructor.objects.get(user=new)
        assert (opened.headline, opened.languages, opened.minimum_notice_minutes, opened.is_listed) == (
            "Chess, from the first move",
            ["en", "es"],
            240,
            True,
        )

    def test_a_change_shows_what_was_there_and_keeps_it(self, instructor, browser):
        Instructor.objects.update(languages=["en", "cy"], minimum_notice_minutes=90)

        form = browser.get(reverse("teaching-profile")).context["form"]

        assert form.initial["notice_hours"] == 2  # never less notice than there was
        assert ("cy", "Welsh") in form.fields["languages"].choices

    @pytest.mark.parametrize(
        ("wrong", "said"),
        [
            ({"time_zone": "Mars/Olympus"}, "Time zone : Select a valid choice"),
            ({"buffer_minutes": "999"}, "Minutes kept free after a lesson : Ensure this value is less than"),
            ({"notice_hours": "-1"}, "Hours of notice : Ensure this value is greater than"),
            ({"languages": ["klingon"]}, "Languages you teach in : Select a valid choice"),
        ],
    )
    def test_what_cannot_be_is_named(self, instructor, browser, wrong, said):
        answer = browser.post(reverse("teaching-profile"), self.FILLED | wrong)

        assert answer.status_code == 422
        assert said in words_of(answer)
        instructor.refresh_from_db()
        assert instructor.city == "New York"


class TestServices:
    FILLED = {
        "title": "Chess openings",
        "description": "",
        "category": "sports",
        "modality": "online",
        "hourly_price_cents": "85.50",
        "durations": ["30", "60"],
    }

    def test_a_new_one_is_put_on_offer(self, instructor, browser):
        answer = browser.post(reverse("service-new"), self.FILLED, follow=True)

        service = Service.objects.get()
        assert (service.instructor, service.hourly_price_cents, service.durations) == (instructor, 8_550, [30, 60])
        assert "“Chess openings” is on offer." in words_of(answer)

    @pytest.mark.parametrize(
        ("wrong", "said"),
        [
            (
                {"hourly_price_cents": "59.99"},
                "The price is below the lowest allowed for this kind of lesson. It is $60.00",
            ),
            ({"hourly_price_cents": "79", "modality": "in_person"}, "It is $80.00 for an hour."),
            ({"hourly_price_cents": "a lot"}, "Write an amount in dollars"),
            ({"durations": []}, "Lengths that can be booked : This field is required."),
            ({"durations": ["20"]}, "Select a valid choice"),
            ({"modality": ""}, "Where : This field is required."),
        ],
    )
    def test_what_cannot_be_offered_is_named_and_kept(self, browser, wrong, said):
        answer = browser.post(reverse("service-new"), self.FILLED | wrong)

        assert answer.status_code == 422
        assert said in words_of(answer)
        assert not Service.objects.exists()
        assert b'value="Chess openings"' in answer.content

    def test_a_change_shows_what_was_there_and_keeps_it(self, instructor, browser):
        service = ServiceFactory(instructor=instructor, hourly_price_cents=9_050)
        url = reverse("service", args=[service.ref])
        assert b'value="90.50"' in browser.get(url).content

        assert browser.post(url, self.FILLED).url == reverse("teaching")

        service.refresh_from_db()
        assert (service.title, service.hourly_price_cents) == ("Chess openings", 8_550)

    def test_a_change_below_the_floor_changes_nothing(self, instructor, browser):
        service = ServiceFactory(instructor=instructor, hourly_price_cents=9_000)

        answer = browser.post(reverse("service", args=[service.ref]), self.FILLED | {"hourly_price_cents": "10"})

        service.refresh_from_db()
        assert (answer.status_code, service.hourly_price_cents) == (422, 9_000)

    def test_can_be_retired_and_brought_back(self, instructor, browser):
        service = ServiceFactory(instructor=instructor)

        retired = browser.post(reverse("service-retire", args=[service.ref]), follow=True)
        assert "Lessons that are booked stand." in words_of(retired)
        assert "Retired" in words_of(retired)

        browser.post(reverse("service-restore", args=[service.ref]))
        service.refresh_from_db()
        assert service.is_active

    def test_need_a_profile_first(self):
        assert signed_in(UserFactory(as_instructor=True)).get(reverse("service-new")).status_code == 404


def week(**lines: str) -> dict[str, str]:
    """A filled in week: `day_0_1="09:00-12:00"` is Monday's second line. Every day has two lines."""
    form = {f"day-{day}-{line}-{end}": "" for day in range(7) for line in range(2) for end in ("opens", "closes")}
    for name, hours in lines.items():
        opens, _, closes = hours.partition("-")
        prefix = name.replace("_", "-")
        form |= {f"{prefix}-opens": opens, f"{prefix}-closes": closes}
    return form


def hours_of(instructor) -> list[tuple[int, int, int]]:
    return sorted(instructor.weekly_hours.values_list("weekday", "opens", "closes"))


class TestWeeklyHours:
    def test_are_kept_as_they_are_written(self, instructor, browser):
        WeeklyHoursFactory(instructor=instructor, weekday=4)
        written = week(day_0_0="09:00-12:00", day_0_1="13:30-17:00", day_6_0="18:00-00:00")

        answer = browser.post(reverse("weekly-hours"), written)

        assert answer.url == reverse("weekly-hours")
        assert hours_of(instructor) == [(0, 540, 720), (0, 810, 1_020), (6, 1_080, 1_440)]

    def test_are_shown_with_a_line_to_spare(self, instructor, browser):
        WeeklyHoursFactory(instructor=instructor, weekday=0, opens=540, closes=1_440)

        page = browser.get(reverse("weekly-hours")).content.decode()

        assert 'name="day-0-0-opens" value="09:00"' in page
        assert 'name="day-0-0-closes" value="00:00"' in page  # 24:00
        assert 'name="day-0-1-opens"' in page
        assert 'name="day-1-1-opens"' not in page

    @pytest.mark.parametrize(
        ("lines", "said"),
        [
            ({"day_0_0": "12:00-09:00"}, "Hours close after they open"),
            ({"day_0_0": "09:00-"}, "Write both, or neither."),
            ({"day_0_0": "-09:00"}, "Write both, or neither."),
            ({"day_0_0": "09:10-10:00"}, "Hours begin and end at a quarter hour"),
            ({"day_0_0": "nine-10:00"}, "Enter a valid time."),
            ({"day_0_0": "09:00-12:00", "day_0_1": "11:45-13:00"}, "Hours of one day overlap."),
        ],
    )
    def test_that_cannot_be_change_nothing_and_are_named(self, instructor, browser, lines, said):
        WeeklyHoursFactory(instructor=instructor, weekday=4)

        answer = browser.post(reverse("weekly-hours"), week(day_2_0="08:00-09:00", **lines))

        assert answer.status_code == 422
        assert said in words_of(answer)
        assert 'name="day-2-0-opens" value="08:00"' in answer.content.decode()
        assert WeeklyHours.objects.get().weekday == 4


class TestDates:
    def test_a_closed_date_and_one_with_other_hours(self, instructor, browser):
        browser.post(reverse("date-except"), {"exception-day": "2026-03-10", "exception-kind": "closed"})
        browser.post(
            reverse("date-except"),
            {
                "exception-day": "2026-03-11",
                "exception-kind": "hours",
                "exception-opens": "10:00",
                "exception-closes": "00:00",
            },
        )

        assert list(DateException.objects.order_by("date").values_list("date", "opens", "closes")) == [
            (date(2026, 3, 10), None, None),
            (date(2026, 3, 11), 600, 1_440),
        ]
        said = words_of(browser.get(reverse("teaching-dates")))
        assert "Tue, Mar 10, 2026 : closed" in said
        assert "Wed, Mar 11, 2026 : 10:00 AM – 12:00 AM" in said

    @pytest.mark.parametrize(
        ("wrong", "said"),
        [
            ({"exception-day": "2026-03-01"}, "That day is over."),
            ({"exception-day": ""}, "Date : This field is required."),
            ({"exception-kind": "hours"}, "Write from when to when."),
            (
                {"exception-kind": "hours", "exception-opens": "12:00", "exception-closes": "09:00"},
                "Hours close after they open",
            ),
        ],
    )
    def test_what_cannot_be_is_named(self, instructor, browser, wrong, said):
        answer = browser.post(
            reverse("date-except"), {"exception-day": "2026-03-10", "exception-kind": "closed"} | wrong
        )

        assert answer.status_code == 422
        assert said in words_of(answer)
        assert not DateException.objects.exists()

    def test_a_date_can_follow_the_week_again(self, instructor, browser):
        DateExceptionFactory(instructor=instructor, date=date(2026, 3, 10))
        others = DateExceptionFactory(date=date(2026, 3, 10))

        for _ in range(2):
            answer = browser.post(reverse("date-follow-week"), {"day": "2026-03-10"})
            assert answer.url == reverse("teaching-dates")

        assert list(DateException.objects.all()) == [others]
        assert browser.post(reverse("date-follow-week"), {"day": "someday"}).status_code == 404


class TestTimeOff:
    def test_is_read_off_the_instructors_clock(self, instructor, browser):
        browser.post(
            reverse("time-off-take"),
            {"off-starts": "2026-03-07T20:00", "off-ends": "2026-03-08T20:00", "off-reason": "A journey"},
        )

        off = TimeOff.objects.get()
        assert (off.starts_at, off.ends_at, off.reason) == (
            datetime(2026, 3, 8, 1, 0, tzinfo=UTC),
            datetime(2026, 3, 9, 0, 0, tzinfo=UTC),  # the clocks were moved in between
            "A journey",
        )
        assert "Sat, Mar 7, 2026, 8:00 PM EST – Sun, Mar 8, 2026, 8:00 PM EDT" in words_of(
            browser.get(reverse("teaching-dates"))
        )

    def test_that_ends_before_it_starts_is_named(self, instructor, browser):
        answer = browser.post(
            reverse("time-off-take"), {"off-starts": "2026-03-08T20:00", "off-ends": "2026-03-07T20:00"}
        )

        assert answer.status_code == 422
        assert "Until : Time off ends after it starts." in words_of(answer)
        assert not TimeOff.objects.exists()

    def test_can_be_ended(self, instructor, browser):
        off = TimeOffFactory(instructor=instructor)

        browser.post(reverse("time-off-return", args=[off.pk]))

        assert not TimeOff.objects.exists()

    def test_does_not_go_on_for_ever(self, instructor, browser):
        answer = browser.post(
            reverse("time-off-take"), {"off-starts": "2026-03-08T20:00", "off-ends": "9999-12-31T23:59"}
        )

        assert answer.status_code == 422
        assert "Name a date from 1900 to 2199." in words_of(answer)
        assert not TimeOff.objects.exists()

    @pytest.mark.parametrize(
        ("zone", "starts_at", "ends_at"),
        [
            ("Pacific/Kiritimati", datetime(2026, 3, 1, tzinfo=UTC), datetime.max.replace(tzinfo=UTC)),
            ("America/New_York", datetime.min.replace(tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)),
        ],
        ids=["for ever", "since ever"],
    )
    def test_that_goes_on_for_ever_can_be_looked_at_and_given_back(self, instructor, browser, zone, starts_at, ends_at):
        Instructor.objects.filter(pk=instructor.pk).update(time_zone=zone)
        off = TimeOffFactory(instructor=instructor, starts_at=starts_at, ends_at=ends_at)

        assert browser.get(reverse("teaching-dates")).status_code == 200
        browser.post(reverse("time-off-return", args=[off.pk]))
        assert not TimeOff.objects.exists()
