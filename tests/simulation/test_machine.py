"""The same rules in any order that Hypothesis comes to think of, shortened by it when one breaks."""

import itertools
from collections.abc import Callable
from datetime import timedelta
from typing import ClassVar

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from instainstru import clock
from instainstru.local.simulation.play import Player, end
from instainstru.local.simulation.plots import AT_ONCE
from instainstru.local.simulation.story import BEGINNING, Faults, Lesson, Step, Story
from instainstru.local.simulation.troubles import CALLS, UNANSWERED
from instainstru.local.simulation.world import World
from instainstru.local.simulator import SimulatorControl

HOURS_AHEAD = (100, 30, 18, 6)  # one lesson begins early, at leisure; the others in each window
LESSONS = tuple(
    Lesson(
        number=number,
        student=number % 2,
        instructor=number % 2,
        booked_at=BEGINNING,
        starts_at=BEGINNING + timedelta(hours=hours),
        minutes=60,
        price=12_000,
        credits=credits,
    )
    for number, (hours, credits) in enumerate(zip(HOURS_AHEAD, [0, 5_000, 12_000, 0], strict=True), start=1)
)

# Stripe tells of what is older than 30 days no more, and one leap is of eight; our clockwork asks long before.
ASKED_AGAIN_AFTER = timedelta(days=20)

Act = tuple[int, tuple[str, dict[str, object]], int | None]  # which lesson, what, and during which call from then on

lessons = st.sampled_from([lesson.number for lesson in LESSONS])
acts = st.tuples(lessons, st.sampled_from(AT_ONCE), st.none() | st.integers(0, 2))


class Marketplace(RuleBasedStateMachine):
    """Four lessons that people, staff, banks and failures do anything with; the clock passes in leaps."""

    stripe: ClassVar[SimulatorControl]
    start_over: ClassVar[Callable[[], None]]

    def __init__(self) -> None:
        super().__init__()
        type(self).start_over()
        story = Story(seed=0, faults=Faults.HEAVY, lessons=LESSONS, steps=())
        self.world = World(story, self.stripe)
        self.player = Player(self.world)
        self.numbers = itertools.count(1)
        self.asked_at = BEGINNING
        self.alive = self.world.alive()
        self.alive.__enter__()
        for lesson in LESSONS:
            self.happens("book", lesson=lesson.number)

    @rule(hours=st.sampled_from([0, 0.1, 1, 6, 12, 24, 30, 96, 200]), acts=st.lists(acts, max_size=4))
    def time_passes_and_people_act(self, hours: float, acts: list[Act]) -> None:
        if clock.now() - self.asked_at >= ASKED_AGAIN_AFTER:
            self.happens("backfill")
        self.happens("nothing_but_time", after=timedelta(hours=hours))
        for lesson, (do, more), calls in acts:
            meets = {} if calls is None else {"during_call": calls}
            self.happens(do, lesson=lesson, **more, **meets)

    @rule(call=st.sampled_from(CALLS), fault=st.sampled_from([*UNANSWERED, "refuse"]))
    def stripe_fails(self, call: str, fault: str) -> None:
        self.happens("stripe_fault", call=call, fault=fault, times=1)

    @rule(what=st.sampled_from(["kill", "clockwork", "redis", "redis_forgets"]), points=st.integers(0, 30))
    def something_of_ours_fails_or_runs_again(self, what: str, points: int) -> None:
        match what:
            case "kill":
                self.happens("kill", after_points=points)
            case "clockwork":
                self.happens("clockwork", running=not self.world.traveller.clockwork_runs)
            case "redis":
                self.happens("redis", running=not self.world.redis_runs)
            case _:
                self.happens(what)

    @rule(lost=st.sampled_from([0, 30]), drawn=st.integers(0, 9))
    def post_comes(self, lost: int, drawn: int) -> None:
        self.happens("post", lost=lost, late=10, doubled=10, drawn=drawn)

    @rule(do=st.sampled_from(["backfill", "payouts", "payout_fails"]))
    def events_are_asked_for_or_money_goes_to_banks(self, do: str) -> None:
        self.happens(do)

    def happens(self, do: str, *, lesson: int | None = None, after: timedelta = timedelta(0), **more: object) -> None:
        step = Step(number=next(self.numbers), at=clock.now() + after, do=do, lesson=lesson, more=more)
        word, wrong = self.player.play(step)
        if (do, word) == ("backfill", "done"):  # and nobody was killed meanwhile
            self.asked_at = clock.now()
        assert wrong == []

    def teardown(self) -> None:
        wrong = end(self.world, self.player)
        self.alive.__exit__(None, None, None)
        self.world.leave()
        assert wrong == []


@pytest.mark.timeout(300)
def test_any_order_of_anything(stripe: SimulatorControl, start_over: Callable[[], None]) -> None:
    Marketplace.stripe, Marketplace.start_over = stripe, staticmethod(start_over)

    run_state_machine_as_test(
        Marketplace,
        settings=settings(
            max_examples=5,
            stateful_step_count=20,
            derandomize=True,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
