"""One run of chaos, from nothing to the last account."""

from __future__ import annotations

import logging
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO

from django.core.management import call_command
from django.test.utils import override_settings
from rich.console import Console

from instainstru import clock
from instainstru.local.chaos import account, deeds, people, programs
from instainstru.local.chaos import settings as chaos
from instainstru.local.chaos.asking import Record
from instainstru.local.chaos.deeds import Scene
from instainstru.local.chaos.load import Client, Market
from instainstru.local.chaos.passing import Time
from instainstru.local.chaos.programs import Cast, Wiring
from instainstru.local.chaos.report import Phase, Report
from instainstru.local.chaos.servers import Servers
from instainstru.local.chaos.watching import Watch
from instainstru.local.demo.programs import Places
from instainstru.local.processes import Program, Supervisor
from instainstru.local.servers.profile import Profile
from instainstru.local.servers.server import free_port
from instainstru.local.simulator import SimulatorControl

PROFILE = "chaos"
CALM_SHARE = 0.2  # of the time, before anything is broken
HOURS = 120  # that go by in a run, however short: long enough for lessons booked at first to be paid for
WARM_UP = 30.0  # seconds at most until everybody has registered, which is not counted
DRAIN_SHARE = 0.2  # of the time, in which our own programs go on with nothing broken any more
LONGEST_DRAIN = 20.0  # seconds
LAST_WORDS = 75.0  # seconds for a client to hear the answer to the last thing that it asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What kind of chaos is wanted."""

    seconds: float
    seed: int
    clients: int
    workers: int


def run(wish: Wish, *, console: Console) -> Report:
    """Break everything for a while, and return what became of it. Raises CannotRun, and KeyboardInterrupt on Ctrl-C."""
    profile = Profile.named(PROFILE)
    profile.make_folder()
    places = Places(host="127.0.0.1", web_port=free_port(None), simulator_port=free_port(None), folder=profile.folder)
    began = time.monotonic()

    def tell(what: str) -> None:
        console.print(f"{time.monotonic() - began:4.0f} s  {what}")

    tell("starting PostgreSQL, Redis and Stripe")
    with (
        Supervisor(places.logs) as supervisor,
        Servers(profile, supervisor) as servers,
        servers.fresh_database() as urls,
        in_chaos(places),
    ):
        cast = programs.cast(Wiring(places=places, urls=urls), workers=wish.workers)
        simulator = start_stripe(places, cast.simulator, supervisor)
        began_at = clock.now()
        tell("bringing instructors in, starting web server, workers and beat")
        staff = people.make_staff()
        teachers = people.make_teachers(simulator, wish.clients)
        supervisor.start(*cast.ours)
        stage = Stage(wish, cast, supervisor, servers, simulator, tell)
        record, phases, never_answered = stage.play([places.site], teachers)
        tell("ending web server, workers and beat; letting time pass until everything is settled")
        for program in cast.ours:
            supervisor.kill(program)
        account.wait_out_what_the_dead_held()
        final = account.settle_account(simulator, staff=staff, began_at=began_at, asked=record.asked)
        tell("done")
        return Report(
            seed=wish.seed,
            seconds=time.monotonic() - began,
            record=record,
            phases=phases,
            done=stage.done,
            recovered=stage.recovered,
            account=final,
            never_answered=never_answered,
        )


class Stage:
    """The part of a run in which people are about."""

    def __init__(
        self,
        wish: Wish,
        cast: Cast,
        supervisor: Supervisor,
        servers: Servers,
        simulator: SimulatorControl,
        tell: Callable[[str], None],
    ) -> None:
        self._wish = wish
        self._tell = tell
        self._time = Time(simulator, random.Random(f"time of {wish.seed}"))
        self._watch = Watch()
        self.done: Counter[str] = Counter()
        self._scene = Scene(supervisor, servers, simulator, cast, random.Random(f"deeds of {wish.seed}"), self.done)

    def play(self, sites: list[str], teachers: list[people.Teacher]) -> tuple[Record, list[Phase], int]:
        """Let people do business, first in peace; return what they asked, when, and how many were left waiting."""
        wish, record = self._wish, Record()
        market = Market(sites=sites, teachers=teachers, time=self._time, record=record)
        clients = [Client(number, market, seed=wish.seed) for number in range(1, wish.clients + 1)]
        self._time.go_at(HOURS / wish.seconds)
        self._time.start()
        self._watch.start()
        for client in clients:
            client.start()
        try:
            marks = [self._begin_business(clients)]
            marks.append(self._in_peace(marks[0]))
            marks.append(self._in_chaos(marks[0] + wish.seconds))
            for client in clients:
                client.ask_to_stop()
            left = self._until_answered(clients)
            self._drain()
        finally:  # nothing of ours may still be at work when this process means another database again
            for client in clients:
                client.ask_to_stop()
            self._time.stop()
            self.recovered = self._watch.stop()
        phases = [
            Phase(name=name, began=began, ended=ended)
            for name, began, ended in zip(("calm", "chaos"), marks, marks[1:], strict=False)
        ]
        return record, phases, left

    def _begin_business(self, clients: Sequence[Client]) -> float:
        self._tell("people register")
        deadline = time.monotonic() + WARM_UP
        while not all(client.is_in_business for client in clients) and time.monotonic() < deadline:
            time.sleep(0.1)
        return time.monotonic()

    def _in_peace(self, began: float) -> float:
        self._tell("people do business")
        time.sleep(max(0.0, began + CALM_SHARE * self._wish.seconds - time.monotonic()))
        return time.monotonic()

    def _in_chaos(self, until: float) -> float:
        self._tell("everything breaks")
        deeds.do_harm(self._scene, until=until)
        return time.monotonic()

    def _until_answered(self, clients: Sequence[Client]) -> int:
        deadline = time.monotonic() + LAST_WORDS
        self._tell("nothing is broken any more; everybody hears an answer")
        return sum(not client.wait(max(0.0, deadline - time.monotonic())) for client in clients)

    def _drain(self) -> None:
        self._tell("workers take up what was left")
        time.sleep(min(DRAIN_SHARE * self._wish.seconds, LONGEST_DRAIN))
        self._scene.revive()


def start_stripe(places: Places, program: Program, supervisor: Supervisor) -> SimulatorControl:
    """Start an empty simulator with the platform's money in it."""
    for old in places.folder.glob(f"{places.simulator_state.name}*"):
        old.unlink()
    supervisor.start(program)
    simulator = SimulatorControl(places.stripe)
    deeds.be_as_usual(simulator)
    people.fund(simulator)
    return simulator


@contextmanager
def in_chaos(places: Places) -> Iterator[None]:
    """Let this process mean the same Stripe as the programs, and keep what it would log out of sight."""
    with override_settings(
        STRIPE_API_BASE=places.stripe,
        SITE_URL=places.site,
        CLOCKWORK=chaos.CLOCKWORK,
        EMAIL_BACKEND=chaos.EMAIL_BACKEND,
        OPERATION_LEASE=chaos.OPERATION_LEASE,
        STRIPE_CALLS_PER_SECOND=programs.CALLS_PER_SECOND,
    ):
        call_command("sync_clockwork", stdout=StringIO())
        root = logging.getLogger()
        former, root.handlers = root.handlers, [logging.FileHandler(places.logs / "chaos.log", mode="w")]
        try:
            yield
        finally:
            root.handlers = former
