"""People who can do business with Stripe, beside a crowd with a history, and the requests that they send."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.urls import reverse

from bookings.models import Booking, Instructor, Service
from instainstru import clock
from instainstru.accounts import operations as accounts
from instainstru.accounts.models import User
from instainstru.local.scenarios.stage import make_service, make_student
from instainstru.local.simulator import SimulatorControl
from payments import operations as payments
from tests.benchmarks.crowd import Crowd
from tests.benchmarks.load import Asked

PLATFORM_FUNDS = 1_000_000_00  # cents
MINUTES = 30  # of a lesson
LESSON_PRICE = 8_000  # cents
SLOTS = 21  # lessons that one instructor has time for in the middle window, while the benchmark lasts
SLOT = timedelta(minutes=30)
FIRST_SLOT = timedelta(hours=12, minutes=45)


class Market:
    """Students with cards and instructors who can be paid; `readers` are students of the crowd, who only look."""

    def __init__(self, simulator: SimulatorControl, *, bookings: int, students: int, instructors: int) -> None:
        Crowd().grow_to(bookings)
        funds = simulator.fund_platform(PLATFORM_FUNDS)
        payments.record_funding(cents=PLATFORM_FUNDS, stripe_object_id=funds, now=clock.now())
        self.students = [make_student(card="ok") for _ in range(students)]
        self.services = [
            make_service(simulator, lesson_price=LESSON_PRICE, minutes=MINUTES, modality="online", tier="growth")
            for _ in range(instructors)
        ]
        Instructor.objects.filter(services__in=self.services).update(is_listed=True)
        self.readers = list(
            User.objects.filter(email__startswith="pupil-", bookings__isnull=False).distinct()[:students]
        )
        self._tokens = {user.pk: accounts.issue_token(user)[1] for user in (*self.students, *self.readers)}
        self._lessons = itertools.count()

    def floors(self, *, signed_in: bool = False) -> list[Asked]:
        """The few words that the floor has for a few bookings of each reader's."""
        if signed_in:
            return [self._get(booking.student, f"/floor/signed-in/{booking.ref}") for booking in self._some_bookings()]
        return [Asked(method="GET", path=f"/floor/{booking.ref}") for booking in self._some_bookings()]

    def plain_lists(self) -> list[Asked]:
        """The same as `lists`, without what is ours to say of a booking."""
        return [self._get(reader, "/floor/page/") for reader in self.readers]

    def lists(self, readers: Iterable[User] | None = None) -> list[Asked]:
        """Each reader's bookings, the first page."""
        return [self._get(reader, reverse("api:bookings")) for reader in readers or self.readers]

    def detail(self, reader: User, ref: str) -> Asked:
        return self._get(reader, reverse("api:booking", args=[ref]))

    def details(self) -> list[Asked]:
        """The same bookings as at the floor, each with everything that is to say of it."""
        return [self.detail(booking.student, booking.ref) for booking in self._some_bookings()]

    def quotes(self, number: int = 500) -> list[Asked]:
        """What lessons would cost the students."""
        return [self._post(student, reverse("api:quotes"), wish) for student, wish in self._wishes(number)]

    def checkouts(self, number: int, *, ahead: timedelta = FIRST_SLOT) -> list[Asked]:
        """Lessons tomorrow, for which the card is held at once, or later; nobody wants what another one wants."""
        return [self._post(student, reverse("api:bookings"), wish) for student, wish in self._wishes(number, ahead)]

    def creates(self, service: Service) -> Iterator[tuple[str, Asked]]:
        """What an instructor adds to what they offer, by name."""
        user = service.instructor.user
        self._tokens.setdefault(user.pk, accounts.issue_token(user)[1])
        offer = {"title": "Scales", "category": "music", "modality": "online"}
        offer |= {"hourly_price_cents": 9_000, "durations": [60]}
        yield "a service", self._post(user, reverse("api:own-services"), offer)
        off = _next_half_hour(clock.wall()) + timedelta(days=60)
        away = {"starts_at": off.isoformat(), "ends_at": (off + timedelta(days=7)).isoformat()}
        yield "time off", self._post(user, reverse("api:own-times-off"), away)

    def cancellations(self, refs: Iterable[str], *, preview: bool = False) -> list[Asked]:
        """The students' cancelling of these lessons, or only what it would do."""
        view = "api:booking-cancel-preview" if preview else "api:booking-cancel"
        booked = Booking.objects.filter(ref__in=refs).select_related("student")
        return [self._post(booking.student, reverse(view, args=[booking.ref]), {}) for booking in booked]

    def _some_bookings(self) -> QuerySet[Booking]:
        return Booking.objects.filter(student__in=self.readers).order_by("id").select_related("student")[:500]

    def _wishes(self, number: int, ahead: timedelta = FIRST_SLOT) -> Iterator[tuple[User, dict[str, object]]]:
        first = _next_half_hour(clock.wall() + ahead)
        for lesson in itertools.islice(self._lessons, number):
            service: Service = self.services[lesson % len(self.services)]
            starts_at = first + lesson // len(self.services) % SLOTS * SLOT
            student = self.students[lesson % len(self.students)]
            yield student, {"service": service.ref, "starts_at": starts_at.isoformat(), "minutes": MINUTES}

    def _get(self, user: User, path: str) -> Asked:
        return Asked(method="GET", path=path, token=self._tokens[user.pk])

    def _post(self, user: User, path: str, body: dict[str, object]) -> Asked:
        return Asked(method="POST", path=path, token=self._tokens[user.pk], body=json.dumps(body))


def _next_half_hour(instant: datetime) -> datetime:
    return instant.replace(minute=0, second=0, microsecond=0) + timedelta(minutes=30 if instant.minute < 30 else 60)
