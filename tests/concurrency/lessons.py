"""Lessons that have come to some point of their life, what can be done to one, and all that can come of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from bookings.models import Booking
from bookings.operations import cancel_booking, mark_complete, pay_now, reschedule_booking
from instainstru import clock
from instainstru.accounts.models import User
from instainstru.local.scenarios.stage import save_card
from payments import operations as payments
from payments import tasks
from payments.policy.plan import CreditMoves
from payments.policy.states import Action
from tests.concurrency.meeting import effects_at_stripe, wish
from tests.factories import UserFactory
from tests.rules.standing import Money, credits_of, money_of, stands
from tests.stage import Stage, make_service

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """A lesson with a student and an instructor of its own, so that no two of them stand in each other's way."""

    booking: Booking
    student: User
    instructor: User
    staff: User


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """A lesson as it stands when the two meet: booked so many hours ahead, met so many hours before its start."""

    booked: float
    met: float
    card: str = "ok"  # when it was booked; when they meet it is good again
    refused_before: bool = False  # at T−24 h the card was refused


SCHEDULED = Before(booked=72, met=40)
DUE = Before(booked=72, met=24)
OVERDUE = Before(booked=72, met=18)
HELD_MIDDLE = Before(booked=18, met=18)
UNPAID_CHECKOUT = Before(booked=20, met=19.5, card="declined")
UNPAID_LESSON = Before(booked=72, met=12, card="declined", refused_before=True)
GIVEN = Before(booked=20, met=-25)  # an hour's lesson that ended a day ago


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """All that came of it."""

    stands: tuple[str, str, str]
    money: Money
    credits: CreditMoves
    moved: timedelta | None  # None once it is cancelled: where to is nobody's concern then
    stretches_of_time: int
    effects: frozenset[tuple[str, int]]


class Lessons:
    """Brings lessons to the moment before something is done to them, and sees what came of it."""

    def __init__(self, stage: Stage, staff: User, before: Before) -> None:
        self._stage = stage
        self._staff = staff
        self._before = before

    def bring(self, how_many: int) -> list[Lesson]:
        """Book lessons at this moment and go to the one when the two meet."""
        before, starts_at = self._before, clock.now() + self._before.booked * HOUR
        lessons = [self._lesson() for _ in range(how_many)]
        if before.refused_before:
            self._stage.stand_at(starts_at - 24 * HOUR)
            for lesson in lessons:
                clockwork_authorizes(lesson)
        if before.card != "ok":
            for lesson in lessons:
                save_card(lesson.student, card="ok")
        self._stage.stand_at(starts_at - before.met * HOUR)
        return lessons

    def picture_of(self, lesson: Lesson) -> Picture:
        status, payment_status, why = stands(lesson.booking)
        booking = anew(lesson)
        return Picture(
            stands=(status, payment_status, why),
            money=money_of(booking),
            credits=credits_of(booking),
            moved=None if status == "cancelled" else booking.starts_at - booking.made_at,
            stretches_of_time=booking.occupied_times.count(),
            effects=frozenset(effects_at_stripe(self._stage.simulator, booking).items()),
        )

    def _lesson(self) -> Lesson:
        student = UserFactory()
        save_card(student, card=self._before.card)
        service = make_service(self._stage.simulator)
        operation = wish(service, student=student, hours_ahead=self._before.booked)()
        booking = Booking.objects.get(payment_id=operation.payment_id)
        return Lesson(booking=booking, student=student, instructor=service.instructor.user, staff=self._staff)


# --- What can be done to a lesson ---------------------------------------------------------------------------------


def student_cancels(lesson: Lesson) -> None:
    cancel_booking(booking=anew(lesson), actor=lesson.student, now=clock.now())


def instructor_cancels(lesson: Lesson) -> None:
    cancel_booking(booking=anew(lesson), actor=lesson.instructor, now=clock.now())


def staff_cancel(lesson: Lesson) -> None:
    payments.cancel_by_staff(
        payment_id=lesson.booking.payment_id,
        actor=lesson.staff,
        with_refund=True,
        reason="It was asked.",
        now=clock.now(),
    )


def moves_two_days_on(lesson: Lesson) -> None:
    _move(lesson, by=48 * HOUR)


def moves_three_days_on(lesson: Lesson) -> None:
    _move(lesson, by=72 * HOUR)


def student_pays(lesson: Lesson) -> None:
    pay_now(booking=anew(lesson), actor=lesson.student, now=clock.now())


def instructor_completes(lesson: Lesson) -> None:
    mark_complete(booking=anew(lesson), now=clock.now())


def clockwork_authorizes(lesson: Lesson) -> None:
    tasks.begin_due(payment_id=lesson.booking.payment_id, kind=Action.AUTHORIZE)


def clockwork_expires(lesson: Lesson) -> None:
    tasks.begin_due(payment_id=lesson.booking.payment_id, kind=Action.EXPIRE)


def clockwork_settles(lesson: Lesson) -> None:
    tasks.begin_due(payment_id=lesson.booking.payment_id, kind=Action.SETTLE)


def anew(lesson: Lesson) -> Booking:
    return Booking.objects.get(pk=lesson.booking.pk)


def _move(lesson: Lesson, *, by: timedelta) -> None:
    to = lesson.booking.starts_at + by
    reschedule_booking(booking=anew(lesson), actor=lesson.student, new_starts_at=to, now=clock.now())
