"""Shortening a story that fails: steps are left out for as long as it still fails the same way."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from instainstru.local.simulation.play import Outcome
from instainstru.local.simulation.story import Story

LONGEST = 300.0  # seconds
MOST_PLAYS = 150


def shorten(outcome: Outcome, play_again: Callable[[Story], Outcome], *, seconds: float = LONGEST) -> Outcome:
    """Return the shortest outcome found within the time that fails as this one does (delta debugging)."""
    assert outcome.failure is not None
    kind, best = outcome.failure.kind, outcome
    deadline, plays = time.monotonic() + seconds, 0
    progress = True
    while progress:
        progress = False
        for kept in _less(best):
            if plays >= MOST_PLAYS or time.monotonic() > deadline:
                return best
            plays += 1
            tried = play_again(best.story.with_steps(kept))
            if tried.failure is not None and tried.failure.kind == kind:
                best, progress = tried, True
                break
    return best


def _less(outcome: Outcome) -> Iterator[set[int]]:
    """Yield sets of steps to try, the boldest first: nothing after the failure, without a lesson, without a part."""
    story, failure = outcome.story, outcome.failure
    numbers = [step.number for step in story.steps]
    if failure is not None and failure.after is not None and numbers[-1] > failure.after:
        yield {number for number in numbers if number <= failure.after}
    lessons = sorted({step.lesson for step in story.steps if step.lesson is not None})
    for lesson in lessons if len(lessons) > 1 else ():
        yield {step.number for step in story.steps if step.lesson != lesson}
    size = len(numbers) // 2
    while size >= 1:
        for start in range(0, len(numbers), size):
            kept = {*numbers[:start], *numbers[start + size :]}
            if kept:
                yield kept
        size //= 2
