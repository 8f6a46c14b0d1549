"""The student cancels, moves and changes the card, the instructor cancels, our clockwork authorizes and settles: every
pair of these on one lesson, one in the middle of the other at every boundary, ends as one after the other does.

Who is told to wait, or comes again by itself, does so once the other has ended; the outcome then has to be one of the
two serial ones. `tests.concurrency.test_pairs` lets the commonest of these pairs, and others, race without a script.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import pytest

from instainstru import clock
from instainstru.accounts.models import User
from instainstru.local.scenarios.stage import save_card
from payments import operations as payments
from payments.models import Operation, Payment
from tests.concurrency.boundaries import Boundaries
from tests.concurrency.lessons import (
    DUE,
    HELD_MIDDLE,
    OVERDUE,
    Before,
    Lesson,
    Lessons,
    Picture,
    clockwork_authorizes,
    clockwork_settles,
    instructor_cancels,
    moves_two_days_on,
    student_cancels,
)
from tests.concurrency.meeting import as_a_request
from tests.stage import Stage

Act = Callable[[Lesson], object]


def changes_card(lesson: Lesson) -> None:
    save_card(lesson.student, card="ok")
    payments.retry_unpaid(student=lesson.student, now=clock.now())


HELD_LATE = Before(booked=18, met=6)
# Refused once at T−24 h; the card that the student has by now is good.
UNPAID_A_DAY_AHEAD = Before(booked=72, met=23, card="declined", refused_before=True)
UNPAID_MIDDLE = Before(booked=72, met=18, card="declined", refused_before=True)
UNPAID_GIVEN = Before(booked=72, met=-25, card="declined", refused_before=True)
NEVER_TRIED_GIVEN = Before(booked=72, met=-25)  # our clockwork was down until settlement was due as well


class Pair(NamedTuple):
    first: Act
    second: Act
    before: Before


PAIRS = [
    Pair(student_cancels, instructor_cancels, HELD_LATE),
    Pair(student_cancels, moves_two_days_on, OVERDUE),
    Pair(student_cancels, clockwork_authorizes, UNPAID_A_DAY_AHEAD),
    Pair(student_cancels, clockwork_settles, NEVER_TRIED_GIVEN),
    Pair(student_cancels, changes_card, UNPAID_MIDDLE),
    Pair(instructor_cancels, moves_two_days_on, HELD_MIDDLE),
    Pair(instructor_cancels, clockwork_authorizes, DUE),
    Pair(instructor_cancels, clockwork_settles, NEVER_TRIED_GIVEN),
    Pair(instructor_cancels, changes_card, UNPAID_MIDDLE),
    Pair(moves_two_days_on, clockwork_authorizes, OVERDUE),
    Pair(moves_two_days_on, clockwork_settles, NEVER_TRIED_GIVEN),
    Pair(moves_two_days_on, changes_card, UNPAID_MIDDLE),
    Pair(clockwork_authorizes, clockwork_settles, NEVER_TRIED_GIVEN),
    Pair(clockwork_authorizes, changes_card, UNPAID_A_DAY_AHEAD),
    Pair(clockwork_settles, changes_card, UNPAID_GIVEN),
]
COME_AGAIN = {clockwork_authorizes, clockwork_settles, changes_card}  # each minute, or whenever a card is saved


@pytest.mark.timeout(600)  # some thirty lessons, each from its booking to its end; 20 s on a machine that is not busy
@pytest.mark.rule("P7.10")
@pytest.mark.rule("P7.11")
@pytest.mark.parametrize("pair", PAIRS, ids=[f"{pair.first.__name__}-{pair.second.__name__}" for pair in PAIRS])
def test_every_pair_ends_as_one_after_the_other_does(
    stage: Stage,
    staff: User,
    record_property: Callable[[str, object], None],
    pair: Pair,
) -> None:
    boundaries, lessons = Boundaries(), Lessons(stage, staff, pair.before)
    serial: list[Picture] = []
    places: list[tuple[Act, Act, int]] = []
    orders = [(pair.first, pair.second), (pair.second, pair.first)]
    for (first, second), lesson in zip(orders, lessons.bring(2), strict=True):
        many = boundaries.count(partial(first, lesson))
        as_a_request(partial(second, lesson))
        serial.append(lessons.picture_of(lesson))
        places += [(first, second, boundary) for boundary in range(many)]

    interleaved = lessons.bring(len(places))
    for lesson, (first, second, boundary) in zip(interleaved, places, strict=True):
        _, answer = boundaries.interrupt(partial(first, lesson), partial(second, lesson), at=boundary)
        if answer == "operation_in_progress" or second in COME_AGAIN:
            as_a_request(partial(second, lesson))

    record_property("interleavings", len(places))
    assert not Operation.objects.open().exists()
    assert not Payment.objects.exclude(claimed_until=None).exists()
    for lesson, (first, second, boundary) in zip(interleaved, places, strict=True):
        assert lessons.picture_of(lesson) in serial, f"{second.__name__} in {first.__name__}, at boundary {boundary}"
