"""Stripe for tests, and a stage on it: the cast ready to do business, with every clock in step.

A pytest plugin. `stripe` is the simulator that this process's Stripe calls go to, through the real SDK; it runs once
per process and forgets everything between tests. `stage` sets the cast on it: the student's card is saved, the
instructor is open round the clock and can be paid, the platform has money. Both commit for real. The stage is set once
per process; after that it is brought back, before anything else that a test asks for is made.
"""

import copy
import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime, timedelta
from typing import Generic, TypeVar

import pytest
from django.test import override_settings

from bookings.models import Booking, Instructor, Service
from bookings.operations import checkout
from instainstru import clock
from instainstru.accounts.models import User
from instainstru.local.databases.seed import Seed
from instainstru.local.scenarios.stage import save_card
from instainstru.local.simulator import SimulatorControl
from instainstru.local.traveller import Traveller
from payments import operations as payments
from payments.ledger import books
from payments.models import Operation
from payments.simulator import Server, start
from payments.simulator.core.core import Moment
from tests.bookings.factories import InstructorFactory, ServiceFactory
from tests.factories import Cast, UserFactory, make_ines, make_sam
from tests.seat import SEAT

PLATFORM_FUNDS = 1_000_000_00  # cents; never the reason why a test fails
UNPACED = 100_000  # calls a second: the simulator is nobody's rate limit


@pytest.fixture(scope="session")
def simulator() -> Iterator[Server]:
    """The one simulator of this process; tests speak to it through `stripe`."""
    server = start(port=0)
    yield server
    server.stop()


@pytest.fixture
def stripe(simulator: Server, transactional_db: None) -> Iterator[SimulatorControl]:
    """An empty simulator in this process, without webhooks, that every Stripe call goes to."""
    simulator.core.reset()
    with override_settings(STRIPE_API_BASE=simulator.url, STRIPE_CALLS_PER_SECOND=UNPACED):
        yield SimulatorControl(simulator.url)
    while simulator.core.keys_in_use:  # who asked has stopped waiting; what is still done for them belongs to this test
        time.sleep(0.01)


def turn_into_euros(simulator: Server, *object_ids: str) -> list[str]:
    """Let these payouts, transfers or reversals have been in euros; return the balance transactions that moved them."""
    with simulator.core.unit():
        found = [simulator.core.objects.must_get(object_id) for object_id in object_ids]
        moved = [simulator.core.objects.must_get(each["balance_transaction"]) for each in found]
        for body in [*found, *moved]:
            body["currency"] = "eur"
            simulator.core.objects.save(body)
    return [body["id"] for body in moved]


class Stage:
    """The cast on the simulator: what a test is given, in one line each. Lessons cost 120.00, tier growth (P1.3)."""

    def __init__(self, simulator: SimulatorControl, cast: Cast) -> None:
        self.simulator = simulator
        self.student, self.instructor, self.service = cast.student, cast.instructor, cast.service
        self.traveller = Traveller(move=self.stand_at)
        self._grants = itertools.count(1)

    @classmethod
    def set(cls, simulator: SimulatorControl, *, student: User, instructor: User) -> "Stage":
        """Make these two ready to do business."""
        stage = cls(simulator, Cast(student, instructor, service=make_service(simulator, user=instructor)))
        funds = simulator.fund_platform(PLATFORM_FUNDS)
        payments.record_funding(cents=PLATFORM_FUNDS, stripe_object_id=funds, now=clock.now())
        stage.use_card("ok")
        return stage

    def use_card(self, card: str) -> None:
        """Save one of the scenarios' cards: `ok`, `declined`, `insufficient_funds`, `requires_3ds`."""
        save_card(self.student, card=card)

    def give_credit(self, cents: int, *, lasts: timedelta = timedelta(days=30)) -> None:
        payments.grant_credit(
            student=self.student,
            cents=cents,
            source_key=f"grant:{self.student.pk}-{next(self._grants)}",
            expires_at=clock.now() + lasts,
            now=clock.now(),
        )

    def book(self, *, hours_ahead: float = 72, credits: int = 0, student: User | None = None) -> Booking:
        """Book an hour's lesson through checkout; whether it is confirmed is for the card to say."""
        operation = checkout(
            student=student or self.student,
            service=self.service,
            starts_at=clock.now() + timedelta(hours=hours_ahead),
            minutes=60,
            credits=credits,
            now=clock.now(),
        )
        return Booking.objects.get(payment_id=operation.payment_id)

    def stand_at(self, instant: datetime) -> None:
        """Set every clock to an instant; nothing that falls due on the way is done."""
        clock.stand_at(instant)
        self.simulator.stand_at(instant)

    def travel_to(self, instant: datetime, *, run_what_is_due_then: bool = False) -> None:
        """Travel to an instant and run every sweep that is due on the way, at its own time."""
        self.traveller.go_to(instant, run_what_is_due_then=run_what_is_due_then)

    def travel(self, **distance: float) -> None:
        """Travel on by `hours=`, `minutes=`, …, as `timedelta` takes them."""
        self.travel_to(clock.now() + timedelta(**distance))

    def disorder(self) -> list[str]:
        """Return what is wrong with the books, compared with Stripe to the cent; no call may be unanswered."""
        assert not Operation.objects.open().exists()
        return [str(finding) for finding in books.findings(ask_stripe=True)]


Made = TypeVar("Made")


class Memory(Generic[Made]):
    """What takes many calls to make: made by hand the first time, and brought back from memory ever after."""

    def __init__(self, simulator: Server, seed: Seed) -> None:
        self._simulator = simulator
        self._seed = seed
        self._kept: tuple[object, Made, Moment] | None = None

    def recall(self, name: object, make: Callable[[], Made]) -> Made:
        """Return what was last made under that name, and bring database and simulator back to that; else make it.

        Both hold nothing.
        """
        if self._kept is None or self._kept[0] != name:
            made = make()
            self._seed.plant()
            self._kept = (name, copy.deepcopy(made), self._simulator.core.moment())
            return made
        _, made, moment = self._kept
        self._seed.bring_back()
        self._simulator.core.come_back_to(moment)
        return copy.deepcopy(made)


class House:
    """Where the stage is set for a test."""

    def __init__(self, memory: Memory[Cast]) -> None:
        self._memory = memory

    def set_stage(self, control: SimulatorControl) -> Cast:
        """Set the stage in a database and a simulator that hold nothing, and return who stands on it."""

        def set_by_hand() -> Cast:
            control.stand_at(clock.now())
            stage = Stage.set(control, student=make_sam(), instructor=make_ines())
            return Cast(stage.student, stage.instructor, stage.service)

        return self._memory.recall(clock.now(), set_by_hand)


@pytest.fixture(scope="session")
def house(simulator: Server, django_db_setup: None, request: pytest.FixtureRequest) -> Iterator[House]:
    with closing(Seed(request.config.stash[SEAT].database_url, schema="stage")) as seed:
        yield House(Memory(simulator, seed))


@pytest.fixture
def cast_on_stage(house: House, stripe: SimulatorControl, standing_clock: object) -> Cast:
    return house.set_stage(stripe)


@pytest.fixture(autouse=True)
def cast(request: pytest.FixtureRequest) -> Cast | None:
    """Those on the stage of a test that has one: there first, since all that its tables held goes when it is set."""
    return request.getfixturevalue("cast_on_stage") if "cast_on_stage" in request.fixturenames else None


@pytest.fixture
def stage(stripe: SimulatorControl, cast_on_stage: Cast) -> Stage:
    """The cast ready to do business, on A_MONDAY."""
    return Stage(stripe, cast_on_stage)


def make_service(simulator: SimulatorControl, *, user: User | None = None, hourly_price: int = 12_000) -> Service:
    """Make an instructor who is always open and can be paid, and a service of 30, 45, 60 or 90 minutes."""
    user = user or UserFactory(as_instructor=True)
    payee = payments.open_account(instructor=user, now=clock.now())  # first: the factory would make up another
    simulator.make_payable(payee.account_id)
    payments.refresh_account(payee=payee, now=clock.now())
    instructor: Instructor = InstructorFactory(
        user=user,
        open_always=True,
        buffer_minutes=0,
        minimum_notice_minutes=0,
        booking_horizon_days=365,
    )
    return ServiceFactory(instructor=instructor, hourly_price_cents=hourly_price)
