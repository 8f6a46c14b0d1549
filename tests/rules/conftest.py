"""What every rule's test ends with."""

from collections.abc import Iterator

import pytest

from payments.models import Payment
from tests.stage import Stage


@pytest.fixture(autouse=True)
def _books_are_clean_in_the_end(request: pytest.FixtureRequest) -> Iterator[None]:
    """However a booking ended, the books agree with Stripe, and no card is held that we don't know of."""
    stage: Stage | None = request.getfixturevalue("stage") if "stage" in request.fixturenames else None
    yield
    if stage is not None:
        held = {hold["transfer_group"]: hold["cents"] for hold in stage.simulator.live_holds()}
        ours = Payment.objects.filter(authorized_cents__gt=0).values_list("reference", "authorized_cents")
        assert stage.disorder() == []
        assert held == dict(ours)
