"""What instructors do with their own profile, services, hours and time off, and nobody else does."""

from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from bookings.models import DateException, Instructor, Service, TimeOff, WeeklyHours
from payments.policy.states import Modality
from tests.bookings.factories import (
    DateExceptionFactory,
    InstructorFactory,
    ServiceFactory,
    TimeOffFactory,
    WeeklyHoursFactory,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("standing_clock")]  # Monday, 2026-03-02 15:00 UTC

PIANO = {
    "title": "Piano",
    "category": "music",
    "modality": "online",
    "hourly_price_cents": 9_000,
    "durations": [60, 30, 60],
}


@pytest.fixture
def profile(instructor) -> Instructor:
    return InstructorFactory(user=instructor)


@pytest.fixture
def client(api, instructor) -> APIClient:
    return api(instructor)


def faults(answer) -> list[str]:
    """Return where each fault of a refused body is."""
    assert answer.status_code == 400, answer.content
    return [error["pointer"] for error in answer.json()["errors"]]


class TestRoles:
    ENDPOINTS = [
        ("get", "own-profile", {}),
        ("patch", "own-profile", {}),
        ("get", "own-services", {}),
        ("post", "own-services", {}),
        ("get", "own-service", {"ref": "svc_x"}),
        ("patch", "own-service", {"ref": "svc_x"}),
        ("delete", "own-service", {"ref": "svc_x"}),
        ("get", "own-weekly-hours", {}),
        ("put", "own-weekly-hours", {}),
        ("get", "own-exceptions", {}),
        ("put", "own-exception", {"day": date(2026, 3, 9)}),
        ("delete", "own-exception", {"day": date(2026, 3, 9)}),
        ("get", "own-times-off", {}),
        ("post", "own-times-off", {}),
        ("patch", "own-time-off", {"number": 1}),
        ("delete", "own-time-off", {"number": 1}),
    ]
    WHO = {"nobody": 401, "student": 403, "staff": 403}

    @pytest.mark.parametrize("who", WHO)
    @pytest.mark.parametrize(("method", "name", "where"), ENDPOINTS, ids=[f"{m} {n}" for m, n, _ in ENDPOINTS])
    def test_only_instructors_have_a_calendar(self, api, student, staff, who, method, name, where):
        client = api({"nobody": None, "student": student, "staff": staff}[who])

        answer = getattr(client, method)(reverse(f"api:{name}", kwargs=where), {})

        assert answer.status_code == self.WHO[who]

    def test_an_instructor_without_a_profile_has_nothing_yet(self, client):
        for method, name, where in self.ENDPOINTS:
            if (method, name) != ("patch", "own-profile"):
                assert getattr(client, method)(reverse(f"api:{name}", kwargs=where), {}).status_code == 404

    @pytest.mark.parametrize(
        "request_of",
        [
            lambda client, other: client.get(reverse("api:own-service", args=[other["service"].ref])),
            lambda client, other: client.patch(reverse("api:own-service", args=[other["service"].ref]), PIANO),
            lambda client, other: client.delete(reverse("api:own-service", args=[other["service"].ref])),
            lambda client, other: client.patch(reverse("api:own-time-off", args=[other["time_off"].id]), {}),
            lambda client, other: client.delete(reverse("api:own-time-off", args=[other["time_off"].id])),
            lambda client, other: client.delete(reverse("api:own-exception", args=[other["exception"].date])),
        ],
        ids=["get service", "patch service", "delete service", "patch time off", "delete time off", "delete exception"],
    )
    def test_anothers_things_are_not_found_and_stay(self, client, profile, request_of: Callable):
        other = {
            "service": ServiceFactory(title="Not yours"),
            "time_off": TimeOffFactory(),
            "exception": DateExceptionFactory(),
        }

        assert request_of(client, other).status_code == 404

        assert Service.objects.get(title="Not yours").is_active
        assert TimeOff.objects.count() == DateException.objects.count() == 1


class TestProfile:
    URL = "/api/v1/instructor/profile"

    def test_the_first_change_opens_a_profile_in_the_users_own_zone(self, client, instructor):
        answer = client.patch(self.URL, {"headline": "Scales and songs", "languages": ["en", "es", "en"]})

        assert answer.status_code == 200
        profile = Instructor.objects.get(user=instructor)
        assert profile.time_zone == instructor.time_zone
        assert (profile.headline, profile.languages, profile.is_listed) == ("Scales and songs", ["en", "es"], False)
        assert client.get(self.URL).json() == answer.json()

    def test_what_is_not_named_stays(self, client, profile):
        client.patch(self.URL, {"buffer_minutes": 30})

        changed = Instructor.objects.get(pk=profile.pk)
        assert (changed.buffer_minutes, changed.headline) == (30, profile.headline)

    def test_the_tier_is_not_the_instructors_to_choose(self, client, profile):
        answer = client.patch(self.URL, {"tier": "founding"})

        assert answer.json()["tier"] == "growth"
        assert Instructor.objects.get(pk=profile.pk).tier == "growth"

    @pytest.mark.parametrize(
        "body",
        [
            {"time_zone": "New York"},
            {"buffer_minutes": -1},
            {"buffer_minutes": 241},
            {"minimum_notice_minutes": -1},
            {"booking_horizon_days": 0},
            {"booking_horizon_days": 366},
            {"headline": "x" * 121},
        ],
        ids=str,
    )
    def test_what_makes_no_sense_is_told_so(self, client, profile, body):
        assert faults(client.patch(self.URL, body)) == [f"#/{next(iter(body))}"]

    def test_languages_are_codes(self, client, profile):
        assert faults(client.patch(self.URL, {"languages": ["English"]})) == ["#/languages/0"]


class TestServices:
    URL = "/api/v1/instructor/services"

    def test_a_service_is_offered_in_lengths_each_named_once(self, client, profile):
        answer = client.post(self.URL, PIANO)

        assert answer.status_code == 201
        service = profile.services.get()
        assert answer.json() == {
            "ref": service.ref,
            "title": "Piano",
            "description": "",
            "category": "music",
            "modality": "online",
            "hourly_price_cents": 9_000,
            "durations": [30, 60],
            "is_active": True,
        }
        assert client.get(self.URL).json() == [answer.json()]

    def test_one_idempotency_key_makes_one_service(self, client, profile):
        first, second = (client.post(self.URL, PIANO, headers={"Idempotency-Key": "one"}) for _ in range(2))

        assert (first.status_code, second.status_code) == (201, 201)
        assert first.json() == second.json()
        assert profile.services.count() == 1

    @pytest.mark.rule("P1.4")
    @pytest.mark.parametrize(
        ("modality", "floor"), [("online", 6_000), ("in_person", 8_000)], ids=["online", "in person"]
    )
    def test_the_price_floor_holds_to_the_cent(self, client, profile, modality, floor):
        below = client.post(self.URL, {**PIANO, "modality": modality, "hourly_price_cents": floor - 1})
        at_it = client.post(self.URL, {**PIANO, "modality": modality, "hourly_price_cents": floor})

        assert (below.status_code, below.json()["code"]) == (422, "below_price_floor")
        assert at_it.status_code == 201
        assert profile.services.count() == 1

    @pytest.mark.rule("P1.4")
    def test_a_change_keeps_the_floor_of_what_it_makes(self, client, profile):
        service = ServiceFactory(instructor=profile, hourly_price_cents=7_000)
        url = f"{self.URL}/{service.ref}"

        to_in_person = client.patch(url, {"modality": "in_person"})
        with_its_price = client.patch(url, {"modality": "in_person", "hourly_price_cents": 8_000})

        assert (to_in_person.status_code, to_in_person.json()["code"]) == (422, "below_price_floor")
        assert with_its_price.status_code == 200
        changed = Service.objects.get(pk=service.pk)
        assert (changed.modality, changed.hourly_price_cents) == (Modality.IN_PERSON, 8_000)

    @pytest.mark.rule("P1.4")
    def test_what_staff_agreed_below_the_floor_may_still_be_renamed(self, client, profile):
        service = ServiceFactory(instructor=profile, hourly_price_cents=1_000)

        assert client.patch(f"{self.URL}/{service.ref}", {"title": "Piano, for beginners"}).status_code == 200

    @pytest.mark.parametrize(
        ("change", "pointer"),
        [
            ({"durations": []}, "#/durations"),
            ({"durations": [60, 61]}, "#/durations"),
            ({"durations": [15]}, "#/durations"),
            ({"durations": [255]}, "#/durations"),
            ({"modality": "by_post"}, "#/modality"),
            ({"category": "alchemy"}, "#/category"),
            ({"title": ""}, "#/title"),
            ({"hourly_price_cents": 0}, "#/hourly_price_cents"),
            ({"hourly_price_cents": 90.5}, "#/hourly_price_cents"),
        ],
        ids=str,
    )
    def test_what_makes_no_sense_is_told_so(self, client, profile, change, pointer):
        assert faults(client.post(self.URL, {**PIANO, **change})) == [pointer]

    def test_a_deleted_service_is_retired_and_can_come_back(self, client, profile):
        service = ServiceFactory(instructor=profile)
        url = f"{self.URL}/{service.ref}"

        assert client.delete(url).status_code == 204
        assert client.get(url).json()["is_active"] is False
        assert client.patch(url, {"is_active": True}).json()["is_active"] is True


class TestWeeklyHours:
    URL = "/api/v1/instructor/weekly-hours"

    def test_a_week_is_replaced_whole_and_shown_in_order(self, client, profile):
        WeeklyHoursFactory(instructor=profile, weekday=6)
        week = [
            {"weekday": 4, "opens": "18:00", "closes": "24:00"},
            {"weekday": 0, "opens": "13:00", "closes": "17:15"},
            {"weekday": 0, "opens": "09:00", "closes": "13:00"},
        ]

        answer = client.put(self.URL, {"hours": week})

        assert answer.json() == {"hours": [week[2], week[1], week[0]]}
        assert client.get(self.URL).json() == answer.json()

    def test_an_empty_week_is_closed(self, client, profile):
        WeeklyHoursFactory(instructor=profile)

        assert client.put(self.URL, {"hours": []}).json() == {"hours": []}
        assert not WeeklyHours.objects.exists()

    def test_another_instructors_week_stays(self, client, profile):
        WeeklyHoursFactory()

        client.put(self.URL, {"hours": []})

        assert WeeklyHours.objects.count() == 1

    @pytest.mark.parametrize(
        ("change", "pointer"),
        [
            ({"weekday": 7}, "#/hours/0/weekday"),
            ({"opens": "9:00"}, "#/hours/0/opens"),
            ({"opens": 540}, "#/hours/0/opens"),
            ({"opens": "09:10"}, "#/hours/0/opens"),
            ({"closes": "24:15"}, "#/hours/0/closes"),
            ({"closes": "12:60"}, "#/hours/0/closes"),
            ({"closes": "09:00"}, "#/hours/0/closes"),
        ],
        ids=str,
    )
    def test_hours_that_make_no_sense_are_told_so_and_change_nothing(self, client, profile, change, pointer):
        WeeklyHoursFactory(instructor=profile)

        answer = client.put(self.URL, {"hours": [{"weekday": 0, "opens": "09:00", "closes": "12:00", **change}]})

        assert faults(answer) == [pointer]
        assert WeeklyHours.objects.count() == 1

    def test_overlapping_hours_are_named_by_their_day(self, client, profile):
        week = [
            {"weekday": 2, "opens": "09:00", "closes": "12:00"},
            {"weekday": 2, "opens": "11:45", "closes": "14:00"},
        ]

        answer = client.put(self.URL, {"hours": week})

        assert faults(answer) == ["#/hours"]
        assert answer.json()["errors"][0]["detail"] == "Hours on Wednesday overlap."


class TestExceptions:
    def url(self, day: str = "2026-03-09") -> str:
        return f"/api/v1/instructor/exceptions/{day}"

    def test_a_date_gets_hours_of_its_own_closes_and_follows_the_week_again(self, client, profile):
        hours = [{"opens": "10:00", "closes": "12:00"}, {"opens": "14:00", "closes": "15:00"}]

        assert client.put(self.url(), {"hours": hours}).json() == {"date": "2026-03-09", "hours": hours}
        assert client.put(self.url(), {"hours": []}).json() == {"date": "2026-03-09", "hours": []}
        assert client.delete(self.url()).status_code == 204
        assert client.delete(self.url()).status_code == 404

    def test_a_list_shows_each_date_from_today_on_once(self, client, profile):
        for day in (date(2026, 3, 1), date(2026, 3, 2), date(2026, 3, 20)):
            DateExceptionFactory(instructor=profile, date=day)
        DateExceptionFactory(instructor=profile, date=date(2026, 3, 9), opens=600, closes=660)
        DateExceptionFactory(instructor=profile, date=date(2026, 3, 9), opens=720, closes=780)

        shown = client.get("/api/v1/instructor/exceptions").json()

        assert [exception["date"] for exception in shown] == ["2026-03-02", "2026-03-09", "2026-03-20"]
        assert [len(exception["hours"]) for exception in shown] == [0, 2, 0]

    def test_overlapping_hours_are_refused(self, client, profile):
        overlapping = [{"opens": "10:00", "closes": "12:00"}, {"opens": "10:30", "closes": "11:00"}]

        assert faults(client.put(self.url(), {"hours": overlapping})) == ["#/hours"]

    def test_a_day_that_no_calendar_knows_is_not_found(self, client, profile):
        assert client.put(self.url("2026-02-30"), {"hours": []}).status_code == 404


class TestTimeOff:
    URL = "/api/v1/instructor/time-off"
    HOLIDAY = {"starts_at": "2026-03-10T00:00:00Z", "ends_at": "2026-03-20T00:00:00Z", "reason": "Skiing"}

    def test_time_off_is_taken_changed_and_given_back(self, client, profile):
        taken = client.post(self.URL, self.HOLIDAY)
        assert taken.status_code == 201
        url = f"{self.URL}/{taken.json()['id']}"

        changed = client.patch(url, {"ends_at": "2026-03-15T00:00:00Z"})
        assert changed.json() == {**taken.json(), "ends_at": "2026-03-15T00:00:00Z"}
        assert client.get(self.URL).json() == [changed.json()]

        assert client.delete(url).status_code == 204
        assert not TimeOff.objects.exists()

    def test_one_idempotency_key_takes_time_off_once(self, client, profile):
        first, second = (client.post(self.URL, self.HOLIDAY, headers={"Idempotency-Key": "one"}) for _ in range(2))

        assert first.json() == second.json()
        assert TimeOff.objects.count() == 1

    def test_what_is_over_is_not_listed(self, client, profile):
        TimeOffFactory(
            instructor=profile, starts_at=datetime(2026, 2, 1, tzinfo=UTC), ends_at=datetime(2026, 3, 2, 15, tzinfo=UTC)
        )

        assert client.get(self.URL).json() == []

    def test_time_off_ends_after_it_starts(self, client, profile):
        backwards = {"starts_at": "2026-03-10T00:00:00Z", "ends_at": "2026-03-10T00:00:00Z"}
        taken = TimeOffFactory(instructor=profile)

        assert faults(client.post(self.URL, backwards)) == ["#/ends_at"]
        assert faults(client.patch(f"{self.URL}/{taken.id}", {"starts_at": "2030-01-01T00:00:00Z"})) == ["#/ends_at"]

    @pytest.mark.parametrize(
        ("ends_at", "code"),
        [
            ("2031-03-01T15:00:00Z", None),
            ("2031-03-01T15:00:01Z", "too_far_ahead"),
            ("9999-12-31T23:59:59Z", "out_of_reach"),
        ],
    )
    def test_time_off_ends_within_five_years(self, client, profile, ends_at, code):
        answer = client.post(self.URL, {"starts_at": "2026-03-04T00:00:00Z", "ends_at": ends_at})

        codes = {error["code"] for error in answer.data.get("errors", [])}
        assert code in codes if code else answer.status_code == 201
        assert TimeOff.objects.exists() == (code is None)
