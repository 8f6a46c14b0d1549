"""What a line of the story is, how it is declared, and what it is played with."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from instainstru import clock
from instainstru.local.demo.actors import Instructor, Lesson, Staff, Student
from instainstru.local.demo.people import Teacher
from instainstru.local.simulator import SimulatorControl
from payments.models import Payment

EVENTS_COME_WITHIN = 120  # seconds of the wall; a busy machine takes many

Story = Iterator[datetime]  # the instants until which a line waits


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What the policy says of a line's end. Cents; `wallet` is what the student's credits gain or lose."""

    card: int
    wallet: int
    instructor: int
    platform: int
    booking: str
    payment: str
    outcome: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the story, who is in it, and how it ends."""

    title: str
    rule: str
    student: str  # logins
    instructor: str
    expected: Expected
    play: Callable[[Scene], Story]


@dataclass(slots=True, kw_only=True)
class Scene:
    """What a line is played with. The lesson is there once it is booked."""

    student: Student
    instructor: Instructor
    staff: Staff
    teacher: Teacher
    simulator: SimulatorControl
    began_at: datetime
    give_credit: Callable[[int], None]
    lesson: Lesson | None = None

    def book(self, *, minutes: int = 60, credits: int = 0, card: str = "ok") -> Lesson:
        """Book a lesson two or three days ahead, so that nothing is due yet (P5.1)."""
        return self._book((50, 80), minutes=minutes, credits=credits, card=card)

    def book_soon(self, *, card: str = "ok") -> Lesson:
        """Book a lesson inside 24 hours: the card is held at checkout (P5.2)."""
        return self._book((4, 22), minutes=60, credits=0, card=card)

    def move(self, lesson: Lesson, *, by_at_least: timedelta) -> Lesson:
        """Move a lesson to the first free time that is so much later."""
        self.lesson = self.student.move(lesson, self.teacher, by_at_least=by_at_least)
        return self.lesson

    def fail_at_stripe(self, lesson: Lesson, *, call: str, fault: str, times: int | str = 1) -> None:
        """Let Stripe fail for this booking alone."""
        self.simulator.order_fault(call, fault, times=times, match={"transfer_group": lesson.ref})

    def charge_back(self, lesson: Lesson) -> None:
        """Let the student's bank take the payment back, and wait until Stripe's event has told us."""
        self.simulator.dispute(self._intent_of(lesson))
        self._wait_until(lesson, "manual_review")

    def decide_chargeback(self, lesson: Lesson, *, won: bool) -> None:
        """Let the bank decide, and wait until we know."""
        self.simulator.decide_dispute(self._intent_of(lesson), won=won)
        self._wait_until(lesson, "settled")

    def _intent_of(self, lesson: Lesson) -> str:
        return Payment.objects.get(reference=lesson.ref).intent_id

    def _wait_until(self, lesson: Lesson, payment_status: str) -> None:
        deadline = time.monotonic() + EVENTS_COME_WITHIN
        while self.student.look_at(lesson).payment_status != payment_status:
            if time.monotonic() > deadline:
                raise LookupError(f"Stripe's event about {lesson.ref} has not come.")
            time.sleep(0.2)

    def _book(self, hours_ahead: tuple[int, int], *, minutes: int, credits: int, card: str) -> Lesson:
        self.student.use_card(card)
        if credits:
            self.give_credit(credits)
        since, until = (clock.now() + timedelta(hours=hours) for hours in hours_ahead)
        self.lesson = self.student.book(self.teacher, since=since, until=until, minutes=minutes, credits=credits)
        return self.lesson


def line(
    title: str,
    *,
    rule: str,
    student: str,
    instructor: str,
    card: int,
    to_instructor: int,
    platform: int,
    outcome: str | None,
    wallet: int = 0,
    booking: str = "cancelled",
    payment: str = "settled",
) -> Callable[[Callable[[Scene], Story]], Line]:
    """Make a line of the story of a function that plays it, with what the policy says of its end."""
    expected = Expected(
        card=card,
        wallet=wallet,
        instructor=to_instructor,
        platform=platform,
        booking=booking,
        payment=payment,
        outcome=outcome,
    )

    def make(play: Callable[[Scene], Story]) -> Line:
        return Line(title=title, rule=rule, student=student, instructor=instructor, expected=expected, play=play)

    return make
