"""A backlog as an outage leaves it: lessons taken and authorized, whose settlement has been due for a while."""

from __future__ import annotations

from datetime import datetime, timedelta

from bookings.models import Service
from bookings.operations import checkout
from instainstru import clock
from instainstru.accounts.models import User
from instainstru.local.journey import keep_in_step
from instainstru.local.scenarios.stage import make_service, make_student
from instainstru.local.simulator import SimulatorControl
from instainstru.local.traveller import Traveller
from instainstru.models import ClockOffset
from payments.models import Payment
from payments.policy.states import PaymentStatus

LESSONS_EACH = 10  # of one student with one instructor, hour after hour
AHEAD = timedelta(hours=48)
HOUR = timedelta(hours=1)
UNTIL_SETTLED = timedelta(hours=24)


def pile_up(simulator: SimulatorControl, how_many: int) -> set[int]:
    """Book so many lessons, authorize them, and let time flow on from when all of them should have been settled.

    No program of ours runs yet: every operation is carried out here, at its own time. Returns the payments' ids.
    """

    def move(instant: datetime) -> None:
        clock.stand_at(instant)
        simulator.stand_at(instant)

    move(clock.now())
    first = clock.now() + AHEAD
    pairs = [_pair(simulator, number) for number in range(-(-how_many // LESSONS_EACH))]
    for number in range(how_many):
        student, service = pairs[number // LESSONS_EACH]
        starts_at = first + number % LESSONS_EACH * HOUR
        checkout(student=student, service=service, starts_at=starts_at, minutes=60, credits=0, now=clock.now())
    Traveller(move=move).go_to(first + HOUR + UNTIL_SETTLED - timedelta(minutes=1))
    clock.flow()
    overdue = first + LESSONS_EACH * HOUR + UNTIL_SETTLED + HOUR
    clock.travel_by(overdue - clock.wall() - ClockOffset.current())
    keep_in_step(simulator)
    return set(Payment.objects.values_list("pk", flat=True))


def settled(payments: set[int]) -> int:
    """Return how many of them are settled."""
    return Payment.objects.filter(pk__in=payments, status=PaymentStatus.SETTLED).count()


def _pair(simulator: SimulatorControl, number: int) -> tuple[User, Service]:
    tier = ("growth", "entry", "pro", "founding")[number % 4]
    service = make_service(simulator, lesson_price=12_000, minutes=60, modality="online", tier=tier)
    return make_student(card="ok"), service
