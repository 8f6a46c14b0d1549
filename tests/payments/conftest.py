"""The gateway's own fixtures."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import override_settings

from instainstru.local.simulator import SimulatorControl
from payments.gateway import client
from payments.simulator import Server
from tests.payments.till import Till


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
