"""What every race ends with."""

from collections import Counter
from collections.abc import Iterator

import pytest

from payments.models import Payment
from tests.stage import Stage


@pytest.fixture(autouse=True)
def _no_cent_is_lost_and_no_call_strikes_twice(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whoever won, the books agree with Stripe, no card is held that we don't know of, and a key has one effect."""
    stage: Stage | None = request.getfixturevalue("stage") if "stage" in request.fixturenames else None
    yield
    if stage is None:
        return
    held = {hold["transfer_group"]: hold["cents"] for hold in stage.simulator.live_holds()}
    ours = Payment.objects.filter(authorized_cents__gt=0).values_list("reference", "authorized_cents")
    struck = Counter(sent["idempotency_key"] for sent in stage.simulator.requests() if sent["effect"])
    assert stage.disorder() == []
    assert held == dict(ours)
    assert [key for key, times in struck.items() if key and times > 1] == []
