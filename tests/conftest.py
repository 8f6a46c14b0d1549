"""What every test may ask for: the cast, an API client for each of them, and a clock that stands."""

import gc
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from instainstru import clock
from instainstru.accounts import operations as accounts
from instainstru.accounts.models import User
from tests.factories import Cast, UserFactory, make_ines, make_sam

pytest_plugins = [
    "tests.database",  # with `-p tests.seat` in pyproject.toml: a database of one's own
    "tests.stage",
]

A_MONDAY = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)  # 10:00 in New York, 07:00 in Los Angeles; six days before DST


# --- The longest first --------------------------------------------------------------------------------------------

THE_LONGEST = ("local/test_demo.py", "local/test_chaos.py", "benchmarks/", "races/", "crash/", "concurrency/test_cases")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, or one worker goes on with it for minutes after the others have ended."""

    def place_of(item: pytest.Item) -> int:
        return next((number for number, name in enumerate(THE_LONGEST) if f"/tests/{name}" in str(item.path)), 99)

    items.sort(key=place_of)


def pytest_collection_finish() -> None:
    """Leave what is there by now, and stays, out of every collection of garbage from here on."""
    gc.freeze()


# --- The cast -----------------------------------------------------------------------------------------------------


@pytest.fixture
def student(db: None, cast: Cast | None) -> User:
    return cast.student if cast else make_sam()


@pytest.fixture
def instructor(db: None, cast: Cast | None) -> User:
    return cast.instructor if cast else make_ines()


@pytest.fixture
def staff(db: None) -> User:
    return UserFactory(as_staff=True, name="Stella Staff", email="staff@example.com")


@pytest.fixture
def outsider(db: None) -> User:
    """Somebody whom none of it concerns."""
    return UserFactory(name="Otto Outsider", email="outsider@example.com")


@pytest.fixture
def api() -> Callable[[User | None], APIClient]:
    """Make an API client that carries a token of that user, or of nobody."""

    def client_of(user: User | None) -> APIClient:
        client = APIClient()
        if user is not None:
            _, token = accounts.issue_token(user)
            client.credentials(HTTP_AUTHORIZATION=f"Token {token}")
        return client

    return client_of


# --- Time ---------------------------------------------------------------------------------------------------------


class StandingClock:
    """Product time, standing until a test moves it."""

    def __init__(self, instant: datetime) -> None:
        self.go_to(instant)

    @property
    def now(self) -> datetime:
        return clock.now()

    def go_to(self, instant: datetime) -> datetime:
        clock.stand_at(instant)
        return instant

    def advance(self, **distance: float) -> datetime:
        """Move on by `hours=`, `minutes=`, … as `timedelta` takes them."""
        return self.go_to(clock.now() + timedelta(**distance))


@pytest.fixture
def standing_clock(request: pytest.FixtureRequest) -> Iterator[StandingClock]:
    """Let the clock stand at A_MONDAY, or at the instant that an indirect parameter gives."""
    yield StandingClock(getattr(request, "param", A_MONDAY))
    clock.flow()


# --- Nothing leaves -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="session", autouse=True)
def only_this_machine() -> Iterator[None]:
    """Refuse every connection that would leave this machine."""
    with pytest.MonkeyPatch.context() as patched:
        for method in ("connect", "connect_ex"):
            patched.setattr(socket.socket, method, _on_loopback_only(getattr(socket.socket, method)))
        yield


def _on_loopback_only(connect: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(self: socket.socket, address: Any) -> Any:
        if self.family != socket.AF_UNIX and address[0] not in {"127.0.0.1", "::1", "localhost"}:
            raise AssertionError(f"A test wants to reach {address[0]}.")
        return connect(self, address)

    return guarded
