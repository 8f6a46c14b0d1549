"""Two things are done to one lesson at once: what comes of it is what comes of doing one after the other.

Each pair is played on lessons of its own: in both orders, which says what may come of it; at the same moment; and each
in the middle of the other, at every boundary.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import pytest

from instainstru.accounts.models import User
from payments.models import Operation
from tests.concurrency.boundaries import Boundaries
from tests.concurrency.lessons import (
    DUE,
    GIVEN,
    HELD_MIDDLE,
    OVERDUE,
    SCHEDULED,
    UNPAID_CHECKOUT,
    UNPAID_LESSON,
    Before,
    Lesson,
    Lessons,
    Picture,
    clockwork_authorizes,
    clockwork_expires,
    clockwork_settles,
    instructor_cancels,
    instructor_completes,
    moves_three_days_on,
    moves_two_days_on,
    student_cancels,
    student_pays,
)
from tests.concurrency.meeting import as_a_request, at_once
from tests.stage import Stage

RACES = 2

Act = Callable[[Lesson], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    before: Before
    first: Act
    second: Act


PAIRS = {
    "both cancel, middle": Pair(before=HELD_MIDDLE, first=student_cancels, second=instructor_cancels),
    "cancel and authorize": Pair(before=DUE, first=student_cancels, second=clockwork_authorizes),
    "cancel and authorize, overdue": Pair(before=OVERDUE, first=student_cancels, second=clockwork_authorizes),
    "cancel and move, early": Pair(before=SCHEDULED, first=student_cancels, second=moves_two_days_on),
    "cancel and LOCK": Pair(before=HELD_MIDDLE, first=student_cancels, second=moves_two_days_on),
    "move and authorize": Pair(before=DUE, first=moves_two_days_on, second=clockwork_authorizes),
    "pay and expire, checkout": Pair(before=UNPAID_CHECKOUT, first=student_pays, second=clockwork_expires),
    "pay and expire, lesson": Pair(before=UNPAID_LESSON, first=student_pays, second=clockwork_expires),
    "pay and cancel": Pair(before=UNPAID_LESSON, first=student_pays, second=student_cancels),
    "pay twice": Pair(before=UNPAID_LESSON, first=student_pays, second=student_pays),
    "cancel and settle": Pair(before=GIVEN, first=student_cancels, second=clockwork_settles),
    "instructor's cancel and settle": Pair(before=GIVEN, first=instructor_cancels, second=clockwork_settles),
    "complete and settle": Pair(before=GIVEN, first=instructor_completes, second=clockwork_settles),
}


@pytest.mark.timeout(600)  # many lessons, each from its booking to its end
@pytest.mark.rule("P7.10")
@pytest.mark.rule("P7.11")
@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_what_comes_of_two_at_once_is_what_comes_of_one_after_the_other(stage: Stage, staff: User, pair: Pair) -> None:
    boundaries, lessons = Boundaries(), Lessons(stage, staff, pair.before)
    orders = [(pair.first, pair.second), (pair.second, pair.first)]
    alone: dict[Act, Picture] = {}
    serial: list[Picture] = []
    places: list[tuple[Act, Act, int]] = []
    for (first, second), lesson in zip(orders, lessons.bring(2), strict=True):
        many = boundaries.count(partial(first, lesson))
        places += [(first, second, boundary) for boundary in range(many)]
        alone[first] = lessons.picture_of(lesson)
        as_a_request(partial(second, lesson))
        serial.append(lessons.picture_of(lesson))

    racing = lessons.bring(RACES)
    raced = at_once([partial(act, lesson) for lesson in racing for act in orders[0]])
    told = [(lesson, orders[0], raced[2 * n : 2 * n + 2]) for n, lesson in enumerate(racing)]
    for lesson, (first, second, boundary) in zip(lessons.bring(len(places)), places, strict=True):
        answers = boundaries.interrupt(partial(first, lesson), partial(second, lesson), at=boundary)
        told.append((lesson, (first, second), answers))

    assert not Operation.objects.open().exists()
    for lesson, acts, answers in told:
        did = [alone[act] for act, answer in zip(acts, answers, strict=True) if answer != "operation_in_progress"]
        assert lessons.picture_of(lesson) in (serial if len(did) == 2 else did)


@pytest.mark.rule("P6.2")
@pytest.mark.rule("P7.11")
def test_who_asks_for_another_time_in_the_middle_of_a_move_is_told_to_wait(stage: Stage, staff: User) -> None:
    """Asking for the same is asking once; another time is another wish, and nobody hears that it was granted."""
    boundaries, lessons = Boundaries(), Lessons(stage, staff, HELD_MIDDLE)
    same, other = lessons.bring(2)

    _, same_again = boundaries.interrupt(partial(moves_two_days_on, same), partial(moves_two_days_on, same), at=1)
    _, elsewhere = boundaries.interrupt(partial(moves_two_days_on, other), partial(moves_three_days_on, other), at=1)

    assert same_again is None  # not refused
    assert elsewhere == "operation_in_progress"
    assert lessons.picture_of(same) == lessons.picture_of(other)
    assert lessons.picture_of(other).stands == ("confirmed", "locked", "")
