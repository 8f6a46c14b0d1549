"""The marketplace that a story is played in: its people, its lessons, its clocks, and what we can't know yet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from unittest import mock

from django.conf import settings
from django.test import override_settings
from django_redis import get_redis_connection

from bookings.models import Booking, Category, Service
from instainstru import clock
from instainstru.accounts.models import Role, User
from instainstru.local.scenarios.stage import PLATFORM_FUNDS, Stage, make_service, make_student, make_user
from instainstru.local.simulation.memory import Memory
from instainstru.local.simulation.perils import Ambush
from instainstru.local.simulation.post import Post
from instainstru.local.simulation.story import BEGINNING, Lesson, Story
from instainstru.local.simulator import SimulatorControl
from instainstru.local.traveller import Traveller
from payments import operations as payments

CREDITS = (  # what each student is given: cents, days until it expires
    (4_000, 8),
    (7_500, 30),
    (20_000, 200),
)
NOWHERE = "redis://127.0.0.1:1/0"  # nobody listens on port 1


class World:
    """People ready to do business at the beginning of a story, with every clock in step."""

    def __init__(self, story: Story, simulator: SimulatorControl) -> None:
        self.simulator = simulator
        self.began_at = BEGINNING
        self.ambush = Ambush()
        self.post = Post(simulator)
        self.memory = Memory()
        self.traveller = Traveller(move=self._move)
        self._lessons = {lesson.number: lesson for lesson in story.lessons}
        self._redis_down = override_settings(
            CACHES=settings.CACHES | {"default": settings.CACHES["default"] | {"LOCATION": NOWHERE}}
        )
        self.redis_runs = True
        self.troubles: Counter[str] = Counter()  # those of our own that have struck
        self.rejected: set[str] = set()  # accounts that Stripe has rejected, for good unless it changes its mind
        self.payouts: list[str] = []  # to instructors' banks, oldest first
        simulator.reset()
        simulator.keep_webhooks()
        simulator.let_keys_travel()
        self._move(BEGINNING)
        # The machines' clocks travel too, so that keys age and leases end as in weeks that really pass.
        self._wall = mock.patch.object(clock, "wall", clock.now)
        self._wall.start()
        funds = simulator.fund_platform(PLATFORM_FUNDS)
        payments.record_funding(cents=PLATFORM_FUNDS, stripe_object_id=funds, now=BEGINNING)
        self.staff = make_user(Role.STAFF)
        self.students = [make_student(card="ok") for _ in range(story.people)]
        for student in self.students:
            _give_credits(student)
        first_services = [
            make_service(simulator, lesson_price=12_000, minutes=60, modality="online", tier=tier)
            for tier, _ in zip(["growth", "entry", "pro", "founding"] * story.people, range(story.people), strict=False)
        ]
        self._services = {
            lesson.number: _offer(lesson, like=first_services[lesson.instructor]) for lesson in story.lessons
        }

    def lesson(self, number: int) -> Lesson:
        return self._lessons[number]

    def service(self, number: int) -> Service:
        """Return what a lesson is booked as; every lesson is a service of its own."""
        return self._services[number]

    def stage_of(self, number: int) -> Stage | None:
        """Return a lesson with its people, as scenarios have them; None if it was never booked."""
        service, lesson = self.service(number), self.lesson(number)
        booking = Booking.objects.filter(service=service).order_by("-id").first()
        if booking is None:
            return None
        return Stage(
            simulator=self.simulator,
            staff=self.staff,
            student=self.students[lesson.student],
            instructor=service.instructor,
            booking=booking,
            starts_at=lesson.starts_at,
            ends_at=lesson.ends_at,
        )

    def let_redis_run(self, running: bool) -> None:
        """Start or stop Redis, as far as this process can see."""
        if running != self.redis_runs:
            self.troubles["redis down"] += not running
            if running:
                self._redis_down.disable()
            else:
                self._redis_down.enable()
            self.redis_runs = running

    def let_clockwork_run(self, running: bool) -> None:
        """Start or stop our own sweeps."""
        self.troubles["clockwork down"] += self.traveller.clockwork_runs and not running
        self.traveller.clockwork_runs = running

    def let_redis_forget(self) -> None:
        """Let Redis lose all that it has: mutexes that somebody holds, the pace of calls, caches."""
        if self.redis_runs:
            self.troubles["redis forgets"] += 1
            get_redis_connection().flushdb()

    @contextmanager
    def alive(self) -> Iterator[None]:
        """Let things happen in it for as long as the block lasts: the ambush is laid, and what changes is seen."""
        with self.ambush.laid(), self.memory.watching():
            yield

    def leave(self) -> None:
        """Let everything of this process be as it was before."""
        self.ambush.call_off()
        self.let_redis_run(True)
        self._wall.stop()
        clock.flow()

    def _move(self, instant: datetime) -> None:
        clock.stand_at(instant)
        self.simulator.stand_at(instant)


def _give_credits(student: User) -> None:
    for cents, days in CREDITS:
        payments.grant_credit(
            student=student,
            cents=cents,
            source_key=f"grant:{student.pk}-{days}",
            expires_at=BEGINNING + timedelta(days=days),
            now=BEGINNING,
        )


def _offer(lesson: Lesson, *, like: Service) -> Service:
    """Let an instructor offer a lesson at an hourly price."""
    return Service.objects.create(
        instructor=like.instructor,
        title=f"Lesson {lesson.number}",
        category=Category.MUSIC,
        modality="online",
        hourly_price_cents=lesson.price,
        durations=[lesson.minutes],
    )
