"""How often one client may ask."""

import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory, force_authenticate
from rest_framework.views import APIView

from instainstru import clock
from instainstru.accounts import guessing
from instainstru.accounts.models import User
from instainstru.api.throttles import Rate, seconds_to_wait, take_back

FIVE_A_MINUTE = Rate(requests=5, seconds=60)

WAITS = {  # counted in this window (this one included), in the previous, seconds into this window: wait
    "first": ((1, 0, 0.0), 0),
    "last-allowed": ((5, 0, 0.0), 0),
    "one-too-many-early": ((6, 0, 0.0), 60 + 12),
    "one-too-many-late": ((6, 0, 50.0), 10 + 12),
    "previous-weighs-whole": ((1, 5, 0.0), 12),
    "previous-weighs-half": ((3, 5, 30.0), 6),
    "previous-has-waned": ((1, 5, 12.0), 0),
    "both": ((5, 5, 59.0), 1),
}


@pytest.mark.parametrize(("counted", "expected"), WAITS.values(), ids=WAITS)
def test_how_long_to_wait(counted, expected):
    in_window, in_previous, elapsed = counted

    wait = FIVE_A_MINUTE.wait(counted=in_window, in_previous=in_previous, elapsed=elapsed)

    assert wait == pytest.approx(expected, abs=0.01)


@pytest.fixture
def wall(monkeypatch):
    """The wall's clock, moved by hand."""

    class Wall:
        now = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)

        def advance(self, seconds):
            self.now += timedelta(seconds=seconds)

    wall = Wall()
    monkeypatch.setattr(clock, "wall", lambda: wall.now)
    return wall


def waits(times, who="user:1"):
    return [seconds_to_wait(scope="money", who=who) for _ in range(times)]


def test_whoever_waits_as_long_as_told_is_let_through(wall):
    *allowed, wait = waits(6)
    assert allowed == [0.0] * 5
    assert wait > 0

    wall.advance(wait - 1)
    assert waits(1)[0] > 0
    wall.advance(1)
    assert waits(1) == [0.0]


def test_a_request_that_has_to_wait_costs_nothing(wall):
    waits(50)

    wall.advance(72)
    assert waits(1) == [0.0]


def test_clients_and_kinds_are_counted_apart(wall):
    waits(5)

    assert waits(1, who="user:2") == [0.0]
    assert seconds_to_wait(scope="write", who="user:1") == 0.0


def test_fifty_threads_get_no_more_than_one_would(wall):
    with ThreadPoolExecutor(50) as pool:
        allowed = [wait for [wait] in pool.map(lambda _: waits(1), range(50)) if wait == 0.0]

    assert len(allowed) <= 5


def test_when_redis_is_down_everybody_is_let_through(settings, caplog):
    settings.CACHES = {"default": settings.CACHES["default"] | {"LOCATION": "redis://127.0.0.1:1/0"}}

    with caplog.at_level(logging.WARNING):
        assert waits(20) == [0.0] * 20

    assert "let through" in caplog.text


def test_what_is_taken_back_does_not_count(wall):
    for _ in range(20):
        assert waits(1) == [0.0]
        take_back(scope="money", who="user:1")


def test_an_address_is_one_client_in_any_case_and_is_not_kept():
    assert guessing.name_of(" Sam@Example.com") == guessing.name_of("sam@example.com")
    assert "sam" not in guessing.name_of("sam@example.com")


# --- In a view ----------------------------------------------------------------------------------------------------


class Things(APIView):
    authentication_classes = []
    permission_classes = [AllowAny]

    def get(self, request):
        return Response({})

    def post(self, request):
        return Response({})


class Money(Things):
    throttle_scope = "money"


def ask(view, method="post", user=None, address="10.0.0.1"):
    request = getattr(APIRequestFactory(), method)("/api/v1/things", REMOTE_ADDR=address)
    if user:
        force_authenticate(request, user)
    return view.as_view()(request).status_code


LIMITS = {"read": (Things, "get", 120), "write": (Things, "post", 30), "money": (Money, "post", 5)}


@pytest.mark.parametrize(("view", "method", "limit"), LIMITS.values(), ids=LIMITS)
def test_each_kind_of_request_has_its_rate(wall, view, method, limit):
    statuses = [ask(view, method) for _ in range(limit + 1)]

    assert statuses == [200] * limit + [429]


def test_a_user_is_counted_wherever_they_are_and_a_stranger_by_address(wall):
    user = User(pk=7)

    at_home = [ask(Money, user=user, address="10.0.0.1") for _ in range(3)]
    on_the_way = [ask(Money, user=user, address="10.0.0.2") for _ in range(3)]
    stranger = ask(Money, address="10.0.0.1")

    assert [*at_home, *on_the_way] == [200] * 5 + [429]
    assert stranger == 200


def test_only_what_our_own_proxy_forwarded_is_believed(wall, settings):
    from rest_framework.settings import api_settings

    assert api_settings.NUM_PROXIES == settings.REST_FRAMEWORK["NUM_PROXIES"] == 0
