"""What the tests of the money ask for: a till for the gateway, and books that stay right, refunds of staff's."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import override_settings

from bookings.models import Booking
from instainstru import clock
from instainstru.accounts.models import User
from instainstru.local.simulator import SimulatorControl
from payments import operations as payments
from payments.gateway import client
from payments.models import Operation, Payment
from payments.policy.states import Bearer
from payments.simulator import Server
from tests.money import assert_balances
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


@pytest.fixture
def completed(stage: Stage) -> Booking:
    """A lesson with 50.00 of credit, settled: the charge's transfer of 84.40 and a top-up of 21.20."""
    stage.give_credit(5_000)
    booking = stage.book(hours_ahead=72, credits=5_000)
    stage.travel_to(booking.ends_at + timedelta(hours=24), run_what_is_due_then=True)
    assert_balances(stage, card=8_440, instructor=10_560, platform=-2_395, fees=275)
    return booking


@pytest.fixture
def refund(staff: User) -> Callable[..., Operation]:
    """Refund a booking; all that is left and at the platform's cost, unless told otherwise."""

    def by_staff(booking: Booking, cents: int | None = None, *, borne_by: str = "platform", **how: object) -> Operation:
        return payments.refund_by_staff(
            payment_id=booking.payment_id,
            actor=staff,
            cents=cents,
            bearer=Bearer(borne_by),
            reason="The lesson was cut short.",
            now=clock.now(),
            **how,
        )

    return by_staff
