"""With Redis down the mutex lets everybody through and counts it; the database keeps everything right (design 10)."""

import socket
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from django.conf import settings
from django.core.cache import cache
from django.test import override_settings
from django.urls import reverse
from prometheus_client import REGISTRY
from rest_framework.test import APIClient

from bookings.models import Booking
from instainstru.accounts.models import User
from instainstru.locks import booking_mutex
from payments.models import Operation
from tests.concurrency.meeting import at_once, effects_at_stripe, students_with_a_card, wish
from tests.rules.standing import stands
from tests.stage import Stage

CROWD = 8


@pytest.fixture(autouse=True)
def redis_is_down(stage: Stage) -> Iterator[None]:
    """Look for Redis where nobody listens; the port is taken, so that nobody begins to."""
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        nowhere = f"redis://127.0.0.1:{taken.getsockname()[1]}/0"
        with override_settings(CACHES={"default": settings.CACHES["default"] | {"LOCATION": nowhere}}):
            yield


def times_let_through() -> float:
    return REGISTRY.get_sample_value("instainstru_mutex_total", {"outcome": "redis_down"}) or 0


def test_the_mutex_is_open_and_counted() -> None:
    before = times_let_through()

    with booking_mutex("bk_one") as first, booking_mutex("bk_one") as second:
        assert first
        assert second

    assert times_let_through() == before + 2
    assert cache.get("anything") is None  # a cache that is down is a miss


@pytest.mark.rule("P5.4")
@pytest.mark.parametrize("hours_ahead", [72, 20])
def test_one_slot_is_sold_once(stage: Stage, hours_ahead: float) -> None:
    students = students_with_a_card(CROWD)

    answers = at_once([wish(stage.service, student=student, hours_ahead=hours_ahead) for student in students])

    assert Counter(answer for answer in answers if isinstance(answer, str)) == {"slot_unavailable": CROWD - 1}
    assert Booking.objects.get(status="confirmed").occupied_times.count() == 1


@pytest.mark.rule("P7.10")
def test_clients_that_all_get_through_cancel_once(
    stage: Stage, api: Callable[[User], APIClient], student: User, instructor: User
) -> None:
    booking = stage.book(hours_ahead=18)
    clients = [api(user) for user in (student, instructor) * (CROWD // 2)]
    address = reverse("api:booking-cancel", args=[booking.ref])

    answers = at_once([lambda client=client: client.post(address) for client in clients])

    assert {answer.status_code for answer in answers} <= {200, 202}
    assert len({answer.json()["reference"] for answer in answers}) == 1
    assert stands(booking)[:2] == ("cancelled", "settled")
    assert effects_at_stripe(stage.simulator, booking) in (
        {"authorize": 1, "capture": 1, "reverse": 1},
        {"authorize": 1, "void": 1},
    )


@pytest.mark.rule("P6.2")
def test_moves_that_all_get_through_lock_once(stage: Stage, api: Callable[[User], APIClient], student: User) -> None:
    """Asking to move goes through the mutex; with it open, the index of open operations says no to the others."""
    booking = stage.book(hours_ahead=18)
    clients, before = [api(student) for _ in range(CROWD)], times_let_through()
    address = reverse("api:booking-reschedule", args=[booking.ref])
    wishes = [{"starts_at": f"2026-03-{day:02d}T15:00:00Z"} for day in range(10, 10 + CROWD)]

    answers = at_once(
        [
            lambda client=client, body=body: client.post(address, body)
            for client, body in zip(clients, wishes, strict=True)
        ]
    )

    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: CROWD - 1}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} <= {
        "operation_in_progress",
        "reschedule_locked",
    }
    assert times_let_through() >= before + CROWD
    assert stands(booking) == ("confirmed", "locked", "")
    assert Operation.objects.filter(kind="reschedule").count() == booking.moves.count() == 1
