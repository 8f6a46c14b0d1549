"""Several machines share one PostgreSQL and one Redis, and one of them dies in the middle of its work.

Each has a web server and a worker, one has beat. A backlog of settlements is due, people go on doing business through
all web servers, and when a third of the backlog is done everything on one machine is killed in one moment.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from django.urls import reverse
from rich.console import Console

from instainstru import clock
from instainstru.local.chaos import account, backlog, diary, people
from instainstru.local.chaos.asking import Record
from instainstru.local.chaos.load import Client, Market
from instainstru.local.chaos.machines_report import MachinesReport, Share, Taken
from instainstru.local.chaos.network import Machine, Network
from instainstru.local.chaos.passing import Time
from instainstru.local.chaos.programs import Wiring, with_settings
from instainstru.local.chaos.run import LAST_WORDS, PROFILE, in_chaos, start_stripe
from instainstru.local.chaos.servers import Servers
from instainstru.local.demo import programs as demo
from instainstru.local.demo.programs import Places
from instainstru.local.processes import CannotRun, Program, Supervisor
from instainstru.local.servers.profile import Profile, Urls
from instainstru.local.servers.server import free_port
from instainstru.local.simulator import SimulatorControl
from payments.models import Operation

STRIPE_TAKES = 200  # ms for an answer
KILLED_AT = 1 / 3  # of the backlog
PATIENCE = 300.0  # seconds for the backlog to be done


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """How many machines, and what they have before them."""

    machines: int
    settlements: int
    clients: int
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Equipped:
    """A machine with what runs on it, and its workers' diary."""

    machine: Machine
    programs: tuple[Program, ...]
    site: str
    diary: Path

    @property
    def everything(self) -> tuple[Program, ...]:
        return (*self.programs, *filter(None, [self.machine.holder]))


def run(wish: Wish, *, console: Console) -> MachinesReport:
    """Let machines share the work and kill the first of them; return who did what. Raises CannotRun."""
    profile = Profile.named(PROFILE)
    profile.make_folder()
    places = Places(host="127.0.0.1", web_port=free_port(None), simulator_port=free_port(None), folder=profile.folder)
    began = time.monotonic()

    def tell(what: str) -> None:
        console.print(f"{time.monotonic() - began:4.0f} s  {what}")

    with (
        Supervisor(places.logs) as supervisor,
        Servers(profile, supervisor) as servers,
        servers.fresh_database() as urls,
        in_chaos(places),
    ):
        simulator = start_stripe(places, demo.simulator(places), supervisor)
        simulator.order_fault("any", "none")
        staff, teachers = people.make_staff(), people.make_teachers(simulator, wish.clients)
        tell(f"booking and authorizing {wish.settlements} lessons")
        began_at = clock.now()
        payments = backlog.pile_up(simulator, wish.settlements)
        simulator.order_fault("any", "latency", times="always", latency_ms=STRIPE_TAKES)
        network = Network(supervisor, shared_ports=[*servers.ports, places.simulator_port])
        machines = [
            _equip(machine, network, places, urls, has_beat=number == wish.machines)
            for number, machine in enumerate(network.build(_names(wish.machines)), start=1)
        ]
        simulator.push_webhooks_to(f"{machines[-1].site}{reverse('stripe-webhook')}")
        tell(f"starting {wish.machines} machines, {_how(network)}")
        scene = _Scene(wish, supervisor, simulator, machines, teachers, tell)
        report = scene.play(payments, is_real=network.is_real)
        tell("ending all machines; letting time pass until everything is settled")
        account.wait_out_what_the_dead_held()
        report.account = account.settle_account(
            simulator, staff=staff, began_at=began_at, asked=report.record.asked, without_key=payments
        )
        return report


class _Scene:
    """The part of a run in which the machines work."""

    def __init__(
        self,
        wish: Wish,
        supervisor: Supervisor,
        simulator: SimulatorControl,
        machines: Sequence[Equipped],
        teachers: list[people.Teacher],
        tell: Callable[[str], None],
    ) -> None:
        self._wish = wish
        self._supervisor = supervisor
        self._machines = machines
        self._tell = tell
        self._time = Time(simulator)
        self._record = Record()
        market = Market(sites=[one.site for one in machines], teachers=teachers, time=self._time, record=self._record)
        self._clients = [Client(number, market, seed=wish.seed) for number in range(1, wish.clients + 1)]

    def play(self, payments: set[int], *, is_real: bool) -> MachinesReport:
        """Let the machines work, kill the first, and wait until the others have done it all."""
        doomed, *others = self._machines
        self._time.start()
        try:
            self._supervisor.start(*(program for one in reversed(self._machines) for program in one.programs))
            for client in self._clients:
                client.start()
            started = time.time()
            self._tell("all machines work")
            done = self._wait_until(payments, KILLED_AT * len(payments))
            for program in doomed.everything:
                self._supervisor.kill(program)
            died = time.time()
            self._tell(f"{doomed.machine.name} is dead; {done} of {len(payments)} were settled")
            self._wait_until(payments, len(payments))
            ended = time.time()
            self._tell(f"all {len(payments)} are settled")
            left = self._until_answered()
        finally:
            for client in self._clients:
                client.ask_to_stop()
            self._time.stop()
        for one in others:
            for program in one.everything:
                self._supervisor.kill(program)
        notes = {one.machine.name: list(diary.read(one.diary)) for one in self._machines}
        of_operation = dict(Operation.objects.values_list("pk", "payment_id"))
        return MachinesReport(
            separate=is_real,
            settlements=len(payments),
            done_when_it_died=done,
            seconds=ended - started,
            seconds_before=died - started,
            shares=[Share.of(name, noted, died=died) for name, noted in notes.items()],
            dead=doomed.machine.name,
            taken=Taken.from_notes(notes, dead=doomed.machine.name, died=died, of_operation=of_operation),
            record=self._record,
            never_answered=left,
        )

    def _wait_until(self, payments: set[int], how_many: float) -> int:
        deadline = time.monotonic() + PATIENCE
        while (done := backlog.settled(payments)) < how_many:
            if time.monotonic() > deadline:
                raise CannotRun(f"Only {done} of {len(payments)} were settled within {PATIENCE:.0f} s.")
            time.sleep(0.1)
        return done

    def _until_answered(self) -> int:
        for client in self._clients:
            client.ask_to_stop()
        deadline = time.monotonic() + LAST_WORDS
        return sum(not client.wait(max(0.0, deadline - time.monotonic())) for client in self._clients)


def _equip(machine: Machine, network: Network, shared: Places, urls: Urls, *, has_beat: bool) -> Equipped:
    """Say what runs on a machine, and tell it where to find what all share."""
    places = replace(shared, host=machine.address, web_port=free_port(None))
    seen_from_there = Urls(
        database_url=urls.database_url.replace("127.0.0.1", machine.gateway),
        redis_url=urls.redis_url.replace("127.0.0.1", machine.gateway),
    )
    more = {"STRIPE_API_BASE": f"http://{machine.gateway}:{shared.simulator_port}"}
    wiring = Wiring(places=places, urls=seen_from_there, more=more)
    diary_of_workers = shared.logs / f"{machine.name}.diary"
    diary_of_workers.unlink(missing_ok=True)
    programs = [demo.web_server(places), demo.worker(places, host=machine.name)]
    if has_beat:
        programs.append(demo.beat(places))
    return Equipped(
        machine=machine,
        programs=tuple(
            network.on(machine, with_settings(program, wiring, diary=diary_of_workers)) for program in programs
        ),
        site=places.site,
        diary=diary_of_workers,
    )


def _names(how_many: int) -> list[str]:
    return [f"machine-{number}" for number in range(1, how_many + 1)]


def _how(network: Network) -> str:
    if network.is_real:
        return "each with a host name and a network of its own"
    return "as groups of processes: a network of their own is not allowed here"
