"""Playing one story, and what came of it."""

from __future__ import annotations

import hashlib
import logging
import random
import re
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings
from django.db import connections

from bookings.models import Booking
from instainstru.local.simulation import at_stripe, ending, plots, troubles
from instainstru.local.simulation.acts import act
from instainstru.local.simulation.coverage import Coverage
from instainstru.local.simulation.invariants import audit, broken
from instainstru.local.simulation.looks import Look, Watch
from instainstru.local.simulation.perils import Killed
from instainstru.local.simulation.story import Draft, Faults, Step, Story, draw_lessons
from instainstru.local.simulation.world import World
from instainstru.local.simulator import SimulatorControl
from payments.models import Payment

FAILED, KILLED = "failed", "killed"
AUDITED_EVERY = 10  # looks
NOT_BY_US = {"chargeback", "finish_3ds", *at_stripe.ACTS}  # what changes something at Stripe alone
_WHICH = re.compile(r"(bk|pi|ch|tr|re|du|dp|acct|evt|cb)_\w+|\d+")  # what differs from one run to the next


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What went wrong, and after which step; None is the end of the story."""

    after: int | None
    lines: tuple[str, ...]

    @property
    def kind(self) -> str:
        """What two failures have in common that fail the same way."""
        return _WHICH.sub("…", self.lines[0].partition(":")[0])


@dataclass(slots=True, kw_only=True)
class Outcome:
    """How a story went."""

    story: Story
    failure: Failure | None = None
    steps: int = 0
    bookings: int = 0
    words: Counter[str] = field(default_factory=Counter)  # how the steps went
    ends: Counter[str] = field(default_factory=Counter)  # how the payments were settled
    seconds: float = 0
    cpu_seconds: float = 0  # of this process alone, however many others share its core
    coverage: Coverage = field(default_factory=Coverage)
    trail: str = ""  # a digest of everything that happened: the same seed gives the same


def story_of(seed: int, *, bookings: int, faults: Faults) -> Story:
    """Draw the story of a seed; nothing but its arguments has a say in it."""
    rng = random.Random(f"{seed}/{bookings}/{faults}")
    lessons = draw_lessons(rng, bookings)
    draft = Draft()
    for lesson in lessons:
        plots.live(rng, lesson, draft, faults=faults)
        troubles.trouble(rng, lesson, draft, faults=faults)
    troubles.nights(rng, draft, faults=faults)
    troubles.deliveries(rng, draft, faults=faults)
    return Story(seed=seed, faults=faults, lessons=lessons, steps=draft.numbered())


def play(
    story: Story,
    *,
    simulator: SimulatorControl,
    start_over: Callable[[], None],
    tell: Callable[[str], object] = lambda line: None,
) -> Outcome:
    """Play a story on an empty stage to its end, or to the first thing that is wrong."""
    outcome = Outcome(story=story)
    started, worked = time.monotonic(), time.process_time()
    start_over()
    logging.disable(logging.CRITICAL)  # warnings of lost answers, by the thousand
    world = World(story, simulator)
    try:
        _play(world, story, outcome, tell)
    finally:
        world.leave()
        connections.close_all()
        logging.disable(logging.NOTSET)
    outcome.seconds, outcome.cpu_seconds = time.monotonic() - started, time.process_time() - worked
    return outcome


class Player:
    """Plays steps one after another, and looks after each whether everything still holds."""

    def __init__(self, world: World) -> None:
        self.look: Look | None = None
        self.coverage = Coverage()
        self._world = world
        self._watch = Watch(world, world.memory)
        self._looks = 0

    def play(self, step: Step) -> tuple[str, list[str]]:
        """Play a step; return a word for how it went, and a line for each thing that is wrong since."""
        passed = self._world.ambush.points_passed
        try:
            word = self._play(step)
            if self.look is not None and step.do not in NOT_BY_US and passed == self._world.ambush.points_passed:
                return word, []
            return word, self.look_around()
        except Exception as error:  # noqa: BLE001 - whatever nobody has foreseen is what we look for
            return FAILED, [words_of(error)]

    def look_around(self, *, closely: bool = False) -> list[str]:
        """Look at everything, every so often with the product's own checks too; return a line for what is wrong."""
        now = self._watch.look()
        wrong = broken(self.look, now)
        if closely or self._looks % AUDITED_EVERY == 0:
            wrong += audit()
        self._looks += 1
        self.coverage.see(now)
        self.look = now
        return wrong

    def _play(self, step: Step) -> str:
        """Travel to a step and carry it out; who is killed on the way is buried, and the next worker goes on."""
        world = self._world
        while not self._survives(lambda: world.traveller.go_to(step.at)):
            pass
        words: list[str] = []
        if self._survives(lambda: words.append(act(step, world))):
            return words[0]
        if step.number % 2:  # some ask again at once, having heard nothing
            act(step, world)
        return KILLED

    def _survives(self, work: Callable[[], object]) -> bool:
        """Do something and return whether whoever did it is still alive; else they are buried."""
        try:
            work()
        except (Killed, Exception):
            if not self._world.ambush.is_dead:
                raise
            self._world.ambush.bury()
            return False
        return True


def _play(world: World, story: Story, outcome: Outcome, tell: Callable[[str], object]) -> None:
    trail = hashlib.sha256()
    player = Player(world)
    wrong: list[str] = []
    with world.alive():
        for step in story.steps:
            word, wrong = player.play(step)
            outcome.steps += 1
            outcome.words[word] += 1
            tell(f"{step}: {word}")
            trail.update(f"{step.number} {word} {_where_all_stands(player.look)}\n".encode())
            if wrong:
                outcome.failure = Failure(after=step.number, lines=tuple(wrong))
                break
        if outcome.failure is None:
            wrong = end(world, player)
    if outcome.failure is None and wrong:
        outcome.failure = Failure(after=None, lines=tuple(wrong))
    player.coverage.sum_up(world)
    outcome.coverage = player.coverage
    outcome.bookings = Booking.objects.count()
    outcome.ends.update(Payment.objects.values_list("settlement_outcome", flat=True))
    trail.update(f"end {sorted(outcome.ends.items())}".encode())
    outcome.trail = trail.hexdigest()[:16]


def end(world: World, player: Player) -> list[str]:
    """End all trouble, let time pass and staff do their work; return what is wrong then, or on the way."""
    try:
        for part in (ending.calm_down, ending.let_it_settle, ending.let_staff_end_it, ending.final_account):
            if wrong := part(world) + player.look_around(closely=True):
                return wrong
    except Exception as error:  # noqa: BLE001 - as above
        return [words_of(error)]
    return []


def _where_all_stands(look: Look | None) -> str:
    """Return where every payment stands, without anything that another run would name otherwise."""
    payments = look.payments.values() if look else ()
    return str([(each.status, each.settlement_outcome, each.captured_cents, each.paid_cents) for each in payments])


def words_of(error: Exception) -> str:
    """Return what went wrong, and where in our own code."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if _is_ours(Path(frame.filename))]
    return f"{type(error).__name__} in {Path(own[-1].filename).name} {own[-1].name}: {error} (line {own[-1].lineno})"


def _is_ours(path: Path) -> bool:
    return path.is_relative_to(settings.BASE_DIR) and ".venv" not in path.parts
