"""The same request, or the same wish, from many clients at once."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connections
from django.urls import reverse
from rest_framework.response import Response

from bookings.models import Booking
from instainstru import clock
from instainstru.local.scenarios.stage import save_card
from payments.models import Operation
from tests.factories import UserFactory
from tests.stage import Stage

AT_ONCE = 6
UNTHROTTLED = {"DEFAULT_THROTTLE_RATES": {"read": "9999/min", "write": "9999/min", "money": "9999/min"}}


@pytest.fixture(autouse=True)
def unthrottled(settings) -> None:
    """One user sends here what many would."""
    settings.REST_FRAMEWORK = settings.REST_FRAMEWORK | UNTHROTTLED


def all_at_once(requests: list[Callable[[], Response]]) -> list[Response]:
    """Send requests from as many threads, each with its own connection to the database."""

    def send(request: Callable[[], Response]) -> Response:
        try:
            return request()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(requests)) as pool:
        return list(pool.map(send, requests))


def wish(stage: Stage, *, hours_ahead: float) -> dict:
    starts_at = clock.now() + timedelta(hours=hours_ahead)
    return {"service": stage.service.ref, "starts_at": starts_at.isoformat(), "minutes": 60}


@pytest.mark.parametrize("hours_ahead", [72, 20])
def test_one_request_sent_many_times_at_once_books_once(api, student, stage, hours_ahead):
    """Who comes second never hears that the time is taken: it was taken by this very request."""
    body, clients = wish(stage, hours_ahead=hours_ahead), [api(student) for _ in range(AT_ONCE)]

    answers = all_at_once(
        [
            lambda client=client: client.post(reverse("api:bookings"), body, headers={"Idempotency-Key": "once"})
            for client in clients
        ]
    )

    assert {answer.status_code for answer in answers} <= {201, 202, 409}
    problems = {answer.json()["code"] for answer in answers if answer.status_code == 409}
    assert problems <= {"idempotency_key_in_use"}
    assert Booking.objects.count() == Operation.objects.count() == 1
    assert stage.disorder() == []


@pytest.mark.rule("P5.4")
def test_one_time_is_sold_once(api, stage):
    students = [UserFactory() for _ in range(AT_ONCE)]
    for student in students:
        save_card(student, card="ok")
    body, clients = wish(stage, hours_ahead=20), [api(student) for student in students]

    answers = all_at_once([lambda client=client: client.post(reverse("api:bookings"), body) for client in clients])

    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: AT_ONCE - 1}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"slot_unavailable"}
    assert len(stage.simulator.live_holds()) == 1
    assert stage.disorder() == []


@pytest.mark.rule("P7.10")
def test_cancelling_from_everywhere_is_one_cancellation(api, student, instructor, stage):
    booking = stage.book(hours_ahead=18)
    clients = [api(user) for user in (student, instructor) for _ in range(AT_ONCE // 2)]
    address = reverse("api:booking-cancel", args=[booking.ref])

    answers = all_at_once([lambda client=client: client.post(address) for client in clients])

    assert {answer.status_code for answer in answers} <= {200, 202}
    assert len({answer.json()["reference"] for answer in answers}) == 1
    assert Operation.objects.count() == 2
    assert stage.disorder() == []


def test_one_completion_sent_many_times_at_once_is_one(api, instructor, stage):
    """Who comes second never hears that the lesson is complete: it was completed by this very request."""
    booking = stage.book(hours_ahead=20)
    stage.stand_at(booking.ends_at)
    address, clients = reverse("api:booking-complete", args=[booking.ref]), [api(instructor) for _ in range(AT_ONCE)]

    answers = all_at_once(
        [lambda client=client: client.post(address, headers={"Idempotency-Key": "once"}) for client in clients]
    )

    assert {answer.status_code for answer in answers} <= {200, 409}
    problems = {answer.json()["code"] for answer in answers if answer.status_code == 409}
    assert problems <= {"idempotency_key_in_use"}
    assert {answer.json()["status"] for answer in answers if answer.status_code == 200} == {"completed"}
