"""A scene that is arranged once and played as often as asked."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass

import pytest

from bookings.models import Booking
from instainstru import clock
from instainstru.accounts.models import User
from instainstru.local.databases.seed import Seed
from payments.simulator import Server
from tests.crash.scenes import Scene
from tests.seat import SEAT
from tests.stage import Stage


@dataclass(frozen=True)
class Story:
    """`come_back` makes everything as it was when the scene was arranged; `act` is what is done then."""

    stage: Stage
    act: Callable[[], object]
    come_back: Callable[[], None]


@pytest.fixture
def arrange(
    stage: Stage, staff: User, simulator: Server, request: pytest.FixtureRequest
) -> Iterator[Callable[[Scene], Story]]:
    """Arrange a scene on the stage."""
    seat = request.config.stash[SEAT]
    with closing(Seed(seat.database_url, schema="arranged")) as seed:

        def arranged(scene: Scene) -> Story:
            booking = scene.given(stage)
            then, moment = clock.now(), simulator.core.moment()
            seed.plant()

            def come_back() -> None:
                seed.bring_back()
                seat.empty_redis()
                simulator.core.come_back_to(moment)
                clock.stand_at(then)

            def act() -> object:
                return scene.act(stage, booking and Booking.objects.get(pk=booking.pk))

            return Story(stage, act, come_back)

        yield arranged
