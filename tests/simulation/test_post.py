"""The simulation's post is Stripe's: what was not taken in comes again, and what has just happened is not known yet."""

import pytest

from instainstru.local.simulation.perils import Killed
from instainstru.local.simulation.post import Post
from payments import inbox, operations
from payments.models import StripeEvent
from tests.stage import Stage

IN_ORDER = {"lost": 0, "late": 0, "doubled": 0, "drawn": 0}


@pytest.fixture
def post(stage: Stage) -> Post:
    stage.simulator.keep_webhooks()
    return Post(stage.simulator)


def test_what_was_being_brought_when_its_receiver_was_killed_is_brought_again(
    stage: Stage, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seed 10110: who is killed meanwhile has given Stripe no answer, and nothing of the bag was lost."""

    def die(event: object) -> None:
        raise Killed

    stage.book(hours_ahead=20)
    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(inbox, "take_in", die)
        post.deliver(**IN_ORDER)

    post.deliver(**IN_ORDER)

    assert StripeEvent.objects.exclude(applied_at=None).exists()


def test_what_happens_while_events_are_asked_for_stays_untold(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seed 10221: of a booking of which more was untold before, too."""
    post.untold["bk_1"] += 1

    def meanwhile(**asked: object) -> None:
        post.untold["bk_1"] += 1

    monkeypatch.setattr(operations, "backfill_events", meanwhile)
    monkeypatch.setattr(operations, "accounts_to_backfill", lambda: [None])

    post.ask_for_what_is_missing()

    assert post.untold == {"bk_1": 1}
