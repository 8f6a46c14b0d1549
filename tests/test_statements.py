"""How many statements a request makes, for newcomers and for a student and an instructor with fifty lessons.

Counted as `make bench` counts them: BEGIN, COMMIT and savepoints, which the database hardly notices, are left out.
"""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from bookings.models import Booking
from instainstru import clock
from payments.policy.states import BookingStatus, Outcome, PaymentStatus
from tests.benchmarks.bare import statements_of
from tests.bookings.factories import BookingFactory
from tests.stage import Stage

A_LIST, A_CREATE, MONEY = 5, 15, 25  # statements at most
A_CALL_MORE = 6  # a third call's lock, answer, amounts, entry and transfer, and the next one's parameters
DAYS = 25  # with a lesson before now, and with one after now


@pytest.fixture(params=[False, True], ids=["newcomers", "veterans"], autouse=True)
def history(request: pytest.FixtureRequest, stage: Stage) -> None:
    """Let the cast have met on many days, and be going to."""
    if request.param:
        for day in range(1, DAYS + 1):
            took_place_at = clock.now() - timedelta(days=day)
            make_lesson(
                stage,
                starts_at=took_place_at,
                status=BookingStatus.COMPLETED,
                completed_at=took_place_at + timedelta(hours=25),
                payment__status=PaymentStatus.SETTLED,
                payment__settlement_outcome=Outcome.LESSON_COMPLETED,
            )
            make_lesson(stage, starts_at=clock.now() + timedelta(days=day, hours=6))


def make_lesson(stage: Stage, *, starts_at: datetime, **more: object) -> None:
    made_at = min(starts_at, clock.now()) - timedelta(days=3)
    BookingFactory(student=stage.student, service=stage.service, starts_at=starts_at, made_at=made_at, **more)


@pytest.fixture
def sam(api: Callable[..., APIClient], stage: Stage) -> APIClient:
    return api(stage.student)


@pytest.fixture
def ines(api: Callable[..., APIClient], stage: Stage) -> APIClient:
    return api(stage.instructor)


@pytest.fixture
def lesson(stage: Stage) -> Booking:
    """A lesson of which half an hour is over, its card authorized."""
    booking = stage.book(hours_ahead=20)
    stage.stand_at(booking.starts_at + timedelta(minutes=30))
    return booking


def statements(request: Callable[..., Any], name: str, *where: object, key: str = "", **body: object) -> int:
    """Send a request that goes well and return how many statements it made."""
    answers = []
    headers = {"Idempotency-Key": key} if key else {}
    said = statements_of(lambda: answers.append(request(reverse(f"api:{name}", args=where), body, headers=headers)))
    assert answers[0].status_code in (200, 201), answers[0].json()
    return len(said)


@pytest.mark.parametrize("who", ["sam", "ines"])
def test_a_page_of_bookings(request: pytest.FixtureRequest, who: str) -> None:
    assert statements(request.getfixturevalue(who).get, "bookings") <= A_LIST


def test_a_booking(sam: APIClient, ines: APIClient, stage: Stage) -> None:
    booking = stage.book()

    for client in (sam, ines):
        assert statements(client.get, "booking", booking.ref) <= A_LIST


def test_what_an_instructor_offers(ines: APIClient) -> None:
    service = {"title": "Scales", "category": "music", "modality": "online", "hourly_price_cents": 9_000}
    off = {"starts_at": "2026-05-01T00:00:00Z", "ends_at": "2026-05-08T00:00:00Z"}
    week = [{"weekday": day, "opens": "09:00", "closes": "17:00"} for day in range(7)]
    hours = [{"opens": "09:00", "closes": "12:00"}, {"opens": "13:00", "closes": "17:00"}]

    assert statements(ines.post, "own-services", durations=[60], **service) <= A_CREATE
    assert statements(ines.post, "own-times-off", **off) <= A_CREATE
    assert statements(ines.put, "own-weekly-hours", hours=week) <= A_CREATE
    assert statements(ines.put, "own-exception", date(2026, 5, 11), hours=hours) <= A_CREATE


@pytest.mark.parametrize("hours_ahead", [75, 20])
def test_a_checkout_and_its_cancellation(sam: APIClient, stage: Stage, hours_ahead: float) -> None:
    starts_at = clock.now() + timedelta(hours=hours_ahead)
    wish = {"service": stage.service.ref, "starts_at": starts_at.isoformat(), "minutes": 60}

    assert statements(sam.post, "bookings", **wish) <= MONEY
    booked = Booking.objects.latest("id")
    assert statements(sam.post, "booking-cancel", booked.ref) <= MONEY


def test_a_late_cancellation_has_a_third_call(sam: APIClient, stage: Stage) -> None:
    booked = stage.book(hours_ahead=6)

    assert statements(sam.post, "booking-cancel", booked.ref) <= MONEY + A_CALL_MORE


def test_an_idempotency_key_adds_two_one_to_look_for_it_and_one_to_keep_it(sam: APIClient, stage: Stage) -> None:
    def book(*, hours_ahead: float, key: str = "") -> int:
        starts_at = clock.now() + timedelta(hours=hours_ahead)
        return statements(
            sam.post, "bookings", key=key, service=stage.service.ref, starts_at=starts_at.isoformat(), minutes=60
        )

    def cancel(*, key: str = "") -> int:
        return statements(sam.post, "booking-cancel", Booking.objects.latest("id").ref, key=key)

    book(hours_ahead=12)  # what is read once in a process's life is read
    without = (book(hours_ahead=14), cancel())
    with_key = (book(hours_ahead=16, key="book-1"), cancel(key="cancel-1"))

    assert with_key == (without[0] + 2, without[1] + 2)


def test_many_small_credits_take_no_more_than_one(sam: APIClient, stage: Stage) -> None:
    def made(lots: int, *, hours_ahead: float) -> tuple[int, int]:
        for _ in range(lots):
            stage.give_credit(600 // lots)
        starts_at = clock.now() + timedelta(hours=hours_ahead)
        wish = {"service": stage.service.ref, "starts_at": starts_at.isoformat(), "minutes": 60, "credits_cents": 600}
        booked = statements(sam.post, "bookings", **wish)
        return booked, statements(sam.post, "booking-cancel", Booking.objects.latest("id").ref)

    one = made(1, hours_ahead=14)  # and the credit that comes of its cancelling expires after the others
    many = made(12, hours_ahead=16)

    assert many[0] <= one[0]
    assert many[1] <= one[1]


def test_an_instructors_cancellation(ines: APIClient, stage: Stage) -> None:
    booking = stage.book(hours_ahead=20)

    assert statements(ines.post, "booking-cancel", booking.ref) <= MONEY


def test_a_no_show_report_its_evidence_and_its_end(sam: APIClient, ines: APIClient, lesson: Booking) -> None:
    assert statements(sam.post, "booking-no-show-reports", lesson.ref, statement="Nobody came.") <= MONEY
    report = lesson.no_show_reports.get()
    assert statements(sam.post, "case-evidence", report.ref, statement="I waited.") <= MONEY
    assert statements(ines.post, "no-show-report-contest", report.ref, statement="I was there.") <= MONEY


def test_a_dispute(sam: APIClient, lesson: Booking) -> None:
    assert statements(sam.post, "booking-disputes", lesson.ref, statement="It was short.") <= MONEY


def test_a_bookings_cases(sam: APIClient, ines: APIClient, lesson: Booking) -> None:
    sam.post(reverse("api:booking-no-show-reports", args=[lesson.ref]), {"statement": "Nobody came."})
    ines.post(reverse("api:booking-no-show-reports", args=[lesson.ref]), {"statement": "It was you."})
    ines.post(reverse("api:booking-disputes", args=[lesson.ref]), {"statement": "The student was rude."})

    for client in (sam, ines):
        assert statements(client.get, "booking-cases", lesson.ref) <= MONEY
