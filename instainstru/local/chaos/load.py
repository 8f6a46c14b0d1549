"""The load: people who book, move, cancel, mark complete and look, each through the API, whatever happens."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from instainstru.local.chaos import people
from instainstru.local.chaos.asking import Asker, Json, Record
from instainstru.local.chaos.passing import Time
from instainstru.local.chaos.people import Lesson, Student, Teacher

STUDENTS = 4  # of each client after a while; more come when they all have to wait
MOST_STUDENTS = 12
SOMEBODY_NEW = 0.2  # of what is done until then
AHEAD = (1.0, 60.0)  # hours of what is booked
QUARTER = timedelta(minutes=15)
THINKING = (0.0, 0.4)  # seconds between two requests
LIVE = ("pending", "confirmed")
A_DAY = timedelta(hours=24)
MOST_CREDITS = 6_000  # cents for one lesson: what the cheapest costs


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """What all clients share."""

    sites: list[str]
    teachers: list[Teacher]
    time: Time
    record: Record


class Client:
    """One thread of requests, in which one of several students after the other does something."""

    def __init__(self, number: int, market: Market, *, seed: int) -> None:
        self._number = number
        self._market = market
        self._rng = random.Random(f"client {number} of {seed}")
        self._asker = Asker(market.sites, market.record, self._rng)
        self._students: list[Student] = []
        self._registered = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"client {number}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    @property
    def is_in_business(self) -> bool:
        return bool(self._students)

    def ask_to_stop(self) -> None:
        """Begin nothing more; what was asked is asked until it is answered."""
        self._ended.set()

    def wait(self, seconds: float) -> bool:
        """Wait for the last answer; return whether it came in time."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._ended.wait(self._rng.uniform(*THINKING)):
            rested = [one for one in self._students if one.person.rests_until < time.monotonic()]
            wants_more = len(self._students) < STUDENTS and self._rng.random() < SOMEBODY_NEW
            if wants_more or (not rested and len(self._students) < MOST_STUDENTS):
                self._somebody_new()
            elif rested:
                self._something(self._rng.choice(rested))

    def _somebody_new(self) -> None:
        self._registered += 1
        name = f"student-{self._number}-{self._registered}"
        number = self._number * 1000 + self._registered
        if (student := people.register(self._asker, name=name, number=number)) is not None:
            self._students.append(student)
            self._book(student)

    def _something(self, student: Student) -> None:
        deeds: dict[Callable[[Student], None], int] = {
            self._look: 5,
            self._book: 5,
            self._cancel: 2,
            self._move: 2,
            self._complete: 2,
            self._report: 1,
            self._mend_card: 1,
        }
        (deed,) = self._rng.choices(list(deeds), weights=list(deeds.values()))
        deed(student)

    def _look(self, student: Student) -> None:
        kind, path = self._rng.choice(
            [
                ("own bookings", "bookings"),
                ("own bookings", "bookings"),
                ("wallet", "wallet"),
                ("instructors", "instructors"),
            ]
        )
        seen = self._asker.get(student.person, kind, path)
        if kind == "own bookings" and seen.is_done:
            student.lessons = {one["ref"]: Lesson.told(one) for one in seen.body["results"]}
        if kind == "wallet" and seen.is_done:
            student.credits = seen.body["available_cents"]

    def _book(self, student: Student) -> None:
        teacher = self._rng.choice(self._market.teachers)
        asked = self._asker.post(
            student.person,
            "book",
            "bookings",
            service=teacher.service,
            starts_at=self._some_time(),
            minutes=60,
            credits_cents=min(student.credits, MOST_CREDITS),
        )
        student.credits = 0  # until the wallet is looked at again
        self._remember(student, asked.body)

    def _cancel(self, student: Student) -> None:
        if lesson := self._one_of(student, lambda one: one.status in LIVE):
            self._asker.post(student.person, "cancel", f"bookings/{lesson.ref}/cancel", reason="Something came up.")
            lesson.status = "cancelled"

    def _move(self, student: Student) -> None:
        if lesson := self._one_of(student, lambda one: one.status == "confirmed"):
            path = f"bookings/{lesson.ref}/reschedule"
            asked = self._asker.post(student.person, "reschedule", path, starts_at=self._some_time())
            self._remember(student, asked.body)

    def _complete(self, student: Student) -> None:
        now = self._market.time.now()
        lesson = self._one_of(student, lambda one: one.status == "confirmed" and one.ends_at < now)
        if lesson and (teacher := self._teacher_of(lesson)):
            self._asker.post(teacher.person, "complete", f"bookings/{lesson.ref}/complete")
            lesson.status = "completed"

    def _report(self, student: Student) -> None:
        now = self._market.time.now()
        if lesson := self._one_of(student, lambda one: one.starts_at < now < one.ends_at + A_DAY):
            path = f"bookings/{lesson.ref}/no-show-reports"
            self._asker.post(student.person, "report a no-show", path, statement="Nobody was there.")

    def _mend_card(self, student: Student) -> None:
        if student.card != "ok":
            people.save_card(self._asker, student, "ok")

    def _one_of(self, student: Student, fits: Callable[[Lesson], bool]) -> Lesson | None:
        fitting = [one for one in student.lessons.values() if fits(one)]
        return self._rng.choice(fitting) if fitting else None

    def _teacher_of(self, lesson: Lesson) -> Teacher | None:
        return next((one for one in self._market.teachers if one.service == lesson.service), None)

    def _some_time(self) -> str:
        wished = self._market.time.now() + timedelta(hours=self._rng.uniform(*AHEAD))
        return (wished + QUARTER - (wished - wished.min.replace(tzinfo=wished.tzinfo)) % QUARTER).isoformat()

    @staticmethod
    def _remember(student: Student, booking: Json) -> None:
        if "service_ref" in booking:  # an answer that tells of an operation under way has none
            student.lessons[booking["ref"]] = Lesson.told(booking)
