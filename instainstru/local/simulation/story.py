"""What a story is, and how it is drawn from its seed."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from instainstru.local.scenarios.stage import BOOKED_AT

Json = dict[str, Any]
BEGINNING = BOOKED_AT
BOOKED_WITHIN = timedelta(days=10)
LESSONS_PER_PERSON = 3  # so that students and instructors meet again


class Faults(StrEnum):
    """How much goes wrong."""

    NONE = "none"
    LIGHT = "light"
    HEAVY = "heavy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that happens: `do` as scenarios call it, or as `acts` does, to one lesson or to all."""

    number: int  # by which a shortened story names it
    at: datetime
    do: str
    lesson: int | None = None
    more: Json = field(default_factory=dict)

    def __str__(self) -> str:
        of = "" if self.lesson is None else f" lesson {self.lesson}"
        more = "".join(f" {name}={value}" for name, value in self.more.items())
        return f"{self.number:4} {self.at:%a %d %b %H:%M:%S} {self.do}{of}{more}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """What is booked: between whom, when, and for how much. Cents."""

    number: int
    student: int
    instructor: int
    booked_at: datetime
    starts_at: datetime
    minutes: int
    price: int
    credits: int

    @property
    def ends_at(self) -> datetime:
        return self.starts_at + timedelta(minutes=self.minutes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Everything that will happen, in order."""

    seed: int
    faults: Faults
    lessons: tuple[Lesson, ...]
    steps: tuple[Step, ...]

    @property
    def people(self) -> int:
        """How many students there are, and how many instructors."""
        return max(2, len(self.lessons) // LESSONS_PER_PERSON)

    @property
    def replay(self) -> str:
        """The command that plays these steps of the seed again."""
        numbers = ",".join(str(step.number) for step in self.steps)
        return (
            f"manage.py simulate --seed {self.seed} --bookings {len(self.lessons)} --faults {self.faults} "
            f"--only {numbers} -v 2"
        )

    def with_steps(self, numbers: set[int]) -> Story:
        """Return this story with these steps alone."""
        return Story(
            seed=self.seed,
            faults=self.faults,
            lessons=self.lessons,
            steps=tuple(step for step in self.steps if step.number in numbers),
        )


@dataclass(slots=True)
class Draft:
    """Steps as they are thought of, in any order."""

    steps: list[tuple[datetime, str, int | None, Json]] = field(default_factory=list)

    def add(self, at: datetime, do: str, lesson: int | None = None, **more: Any) -> None:
        self.steps.append((max(at, BEGINNING), do, lesson, more))

    def numbered(self) -> tuple[Step, ...]:
        """Return the steps in order of time; of one instant, in the order in which they were thought of."""
        in_order = sorted(self.steps, key=lambda step: step[0])
        return tuple(
            Step(number=number, at=at, do=do, lesson=lesson, more=more)
            for number, (at, do, lesson, more) in enumerate(in_order, start=1)
        )


def draw_lessons(rng: random.Random, bookings: int) -> tuple[Lesson, ...]:
    """Return what is going to be booked, in the order in which it is."""
    people = max(2, bookings // LESSONS_PER_PERSON)
    instants = sorted(BEGINNING + minutes(rng, timedelta(0), BOOKED_WITHIN) for _ in range(bookings))
    return tuple(_draw_lesson(rng, number, at, people) for number, at in enumerate(instants, start=1))


def minutes(rng: random.Random, least: timedelta, most: timedelta) -> timedelta:
    """Return a whole number of minutes between two distances, both included."""
    one = timedelta(minutes=1)
    return one * rng.randint(least // one, max(least, most) // one)


def _draw_lesson(rng: random.Random, number: int, booked_at: datetime, people: int) -> Lesson:
    hour = timedelta(hours=1)
    ahead = rng.choice([timedelta(days=6), 3 * 24 * hour, 30 * hour, 24 * hour, 12 * hour])
    least = rng.choice([ahead, 25 * hour, 10 * hour, hour])
    price = rng.choice([12_000, 8_001, 9_999, 17_333])
    return Lesson(
        number=number,
        student=rng.randrange(people),
        instructor=rng.randrange(people),
        booked_at=booked_at,
        starts_at=booked_at + minutes(rng, min(least, ahead), ahead),
        minutes=rng.choice([30, 60, 60, 90]),
        price=price,
        credits=rng.choice([0, 0, 1_999, 5_000, price]),
    )
