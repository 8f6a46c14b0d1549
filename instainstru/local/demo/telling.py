"""Telling the story: all its lines live in the same days, and the clock travels from one's instant to the next's."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial

from instainstru import clock
from instainstru.accounts.models import User
from instainstru.local import journey
from instainstru.local.demo import people
from instainstru.local.demo.actors import Instructor, Staff, Student
from instainstru.local.demo.client import ApiProblem
from instainstru.local.demo.data import set_tier
from instainstru.local.demo.report import Row, failed_row, in_short, row_of
from instainstru.local.demo.scene import Line, Scene, Story
from instainstru.local.simulator import SimulatorControl
from payments import operations as payments

Say = Callable[[str], None]

TEACHERS = {teacher.login: teacher for teacher in people.TEACHERS}
LEARNERS = {learner.login: learner for learner in people.LEARNERS}


def tell(
    lines: Sequence[Line], *, site: str, simulator: SimulatorControl, say: Say, look_around: Callable[[], None]
) -> list[Row]:
    """Play the lines to their ends and return how each came out; one that fails does not keep the others.

    `say` is told what happens, `look_around` is called before each journey and may raise. Raises gate.CannotTravel.
    """
    cast = _Cast(site=site, say=lambda text: say(f"{clock.now().astimezone(UTC):%d %b %H:%M}  {text}"))
    scenes = [cast.scene(line, simulator=simulator) for line in lines]
    waiting: list[tuple[datetime, int, Story]] = [
        (scene.began_at, number, line.play(scene))
        for number, (line, scene) in enumerate(zip(lines, scenes, strict=True))
    ]
    rows: dict[int, Row] = {}
    while waiting:
        at, number, play = heapq.heappop(waiting)
        look_around()
        journey.travel_to(at)
        try:
            heapq.heappush(waiting, (next(play), number, play))
            continue
        except StopIteration:
            rows[number] = cast.look_at(lines[number], scenes[number], simulator=simulator)
        except (ApiProblem, LookupError) as error:
            rows[number] = failed_row(lines[number], error)
        cast.say(in_short(rows[number]))
    return [row for _number, row in sorted(rows.items())]


class _Cast:
    """The people of one telling; each logs in once."""

    def __init__(self, *, site: str, say: Say) -> None:
        self._site = site
        self.say = say
        self._began_at = clock.now()
        self._students: dict[str, Student] = {}
        self._instructors: dict[str, Instructor] = {}
        self._staff = Staff(people.STAFF_LOGIN, people.STAFF_NAME, site=site, say=say)

    def scene(self, line: Line, *, simulator: SimulatorControl) -> Scene:
        """Call the people of a line on stage."""
        learner, teacher = LEARNERS[line.student], TEACHERS[line.instructor]
        if learner.login not in self._students:
            self._students[learner.login] = Student(learner, site=self._site, say=self.say)
        if teacher.login not in self._instructors:
            set_tier(teacher)  # lessons given in an earlier telling may have changed it
            self._instructors[teacher.login] = Instructor(teacher, site=self._site, say=self.say)
        return Scene(
            student=self._students[learner.login],
            instructor=self._instructors[teacher.login],
            staff=self._staff,
            teacher=teacher,
            simulator=simulator,
            began_at=self._began_at,
            give_credit=partial(_give_credit, learner.login),
        )

    def look_at(self, line: Line, scene: Scene, *, simulator: SimulatorControl) -> Row:
        """Look at a line's end as our staff do, and at Stripe's side of it."""
        assert scene.lesson is not None, f"{line.title!r} books nothing"
        booking = self._staff.api.get(f"bookings/{scene.lesson.ref}")
        return row_of(line, booking, at_stripe=simulator.moved(scene.lesson.ref))


def _give_credit(login: str, cents: int) -> None:
    """Do what staff do for goodwill."""
    payments.grant_credit(
        student=User.objects.get(email=people.address(login)),
        cents=cents,
        source_key=f"demo:{login}:{clock.wall():%Y%m%dT%H%M%S%f}",
        reason="For the story",
        now=clock.now(),
    )
