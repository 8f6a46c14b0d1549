"""What the tests of the money ask for: a till for the gateway, and books that stay right."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import override_settings

from instainstru.local.simulator import SimulatorControl
from payments.gateway import client
from payments.models import Payment
from payments.simulator import Server
from tests.payments.till import Till
from tests.stage import Stage


@pytest.fixture
def till(simulator: Server, stripe: SimulatorControl) -> Till:
    """A customer with a card and an instructor who can be paid, at the simulator."""
    return Till(simulator, stripe)


@pytest.fixture
def configured() -> Iterator[Callable[..., None]]:
    """Make the gateway with other settings for the rest of the test: its client is made once and kept."""
    changes = []

    def configure(**settings: Any) -> None:
        changes.append(override_settings(**settings))
        changes[-1].enable()
        client._client.cache_clear()

    yield configure
    for change in reversed(changes):
        change.disable()
    client._client.cache_clear()


@pytest.fixture
def books_stay_right(request: pytest.FixtureRequest) -> Iterator[None]:
    """However a test ends, our books agree with Stripe to the cent, and no card is held that we don't know of."""
    stage: Stage = request.getfixturevalue("stage")
    yield
    held = {hold["transfer_group"]: hold["cents"] for hold in stage.simulator.live_holds()}
    assert stage.disorder() == []
    assert held == dict(Payment.objects.filter(authorized_cents__gt=0).values_list("reference", "authorized_cents"))
