"""Random weeks of a marketplace in which everything goes wrong, and no cent is lost, doubled or stranded."""

from collections.abc import Callable

import pytest

from instainstru.local.simulation.play import Failure, Outcome, play, story_of
from instainstru.local.simulation.shorten import shorten
from instainstru.local.simulation.story import Faults, Story
from instainstru.local.simulator import SimulatorControl

StartOver = Callable[[], None]

SEEDS = range(1, 4)  # some twenty seconds of them; `make simulate SEEDS=1000` plays as many as asked


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", SEEDS)
def test_no_cent_is_lost(seed: int, stripe: SimulatorControl, start_over: StartOver) -> None:
    outcome = play(story_of(seed, bookings=3, faults=Faults.HEAVY), simulator=stripe, start_over=start_over)

    assert outcome.failure is None, f"manage.py simulate --seed {seed} --bookings 3"


def test_nothing_goes_wrong_of_itself(stripe: SimulatorControl, start_over: StartOver) -> None:
    outcome = play(story_of(1, bookings=3, faults=Faults.NONE), simulator=stripe, start_over=start_over)

    assert outcome.failure is None
    assert outcome.words.keys().isdisjoint({"killed", "no answer"})


@pytest.mark.timeout(300)
def test_the_same_seed_gives_the_same_run(stripe: SimulatorControl, start_over: StartOver) -> None:
    story = story_of(3, bookings=2, faults=Faults.HEAVY)

    first = play(story, simulator=stripe, start_over=start_over)
    second = play(story, simulator=stripe, start_over=start_over)

    assert story == story_of(3, bookings=2, faults=Faults.HEAVY)
    assert (first.trail, first.words, first.ends) == (second.trail, second.words, second.ends)


def test_a_story_is_shortened_to_what_it_needs_to_fail() -> None:
    """Of a failure that needs three steps these three are left; another failure on the way is not mistaken for it."""
    story = story_of(5, bookings=6, faults=Faults.HEAVY)
    numbers = [step.number for step in story.steps]
    needed, other = {numbers[3], numbers[20], numbers[-9]}, numbers[11]

    def played(shorter: Story) -> Outcome:
        there = {step.number for step in shorter.steps}
        lines = (
            ("money is lost: bk_1 42",) if needed <= there else ("a card stays held: bk_2",) if other in there else ()
        )
        return Outcome(story=shorter, failure=Failure(after=max(needed), lines=lines) if lines else None)

    shortest = shorten(played(story), played)

    assert {step.number for step in shortest.story.steps} == needed


def test_what_stripe_knows_and_we_do_not_is_found(stripe: SimulatorControl, start_over: StartOver) -> None:
    """A refund by nobody we know of, and whose event never comes, is a difference: the simulation would see a bug."""
    story = story_of(2, bookings=3, faults=Faults.NONE)

    class Refunding(SimulatorControl):
        """A Stripe that gives a card its money back of its own accord, once somebody was captured."""

        def summary(self) -> dict[str, object]:
            found = super().summary()
            for group in found["groups"].values():
                group["refunded"] += 100 if group["captured"] else 0
            return found

    outcome = play(story, simulator=Refunding(stripe.url), start_over=start_over)

    assert outcome.failure is not None
    assert outcome.failure.kind.startswith("Stripe agrees")
