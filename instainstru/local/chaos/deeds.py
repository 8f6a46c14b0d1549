"""The harm that is done, drawn from a seed: what each deed breaks, for how long, and how it is mended.

A deed is a context: entering it breaks something, leaving it mends it. Two may overlap.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import psutil

from instainstru.local.chaos.programs import Cast, with_clock_off_by
from instainstru.local.chaos.servers import Servers
from instainstru.local.processes import Program, Supervisor
from instainstru.local.simulator import SimulatorControl

LASTS = (0.5, 4.0)  # seconds until it is mended
CALM = (0.5, 2.5)  # seconds between two deeds
TWO_AT_ONCE = 0.35
MOST_OFF_BY = 6.0  # seconds of a wrong clock; less than a lease
USUAL_LATENCY = 150  # ms; what Stripe takes when all is well
CALLS = ("authorize", "capture", "reverse", "payout", "refund", "void")


@dataclass(slots=True)
class Scene:
    """What can be broken, and the tally of what was."""

    supervisor: Supervisor
    servers: Servers
    simulator: SimulatorControl
    cast: Cast
    rng: random.Random
    done: Counter[str]

    def revive(self) -> None:
        """Start again what has ended by itself, as a supervisor of services does."""
        for program in (*self.cast.ours, self.cast.simulator):
            if self.supervisor.has_ended(program):
                self.done[f"{_kind(program)} ended by itself, restarted"] += 1
                self.supervisor.kill(program)
                self.supervisor.start(program, wait=False)

    def one_that_is_up(self, *programs: Program) -> Program | None:
        """Draw one of those that have come up since they were killed last: the dead are left in peace."""
        up = [program for program in programs if self.supervisor.is_ready(program)]
        return self.rng.choice(up) if up else None


Deed = Callable[[Scene], AbstractContextManager[None]]


def be_as_usual(simulator: SimulatorControl) -> None:
    """Let Stripe answer as it does every day: nothing fails, and everything takes a moment."""
    simulator.order_fault("any", "none")
    simulator.order_fault("any", "latency", times="always", latency_ms=USUAL_LATENCY)


def do_harm(scene: Scene, *, until: float) -> None:
    """Do one deed after the other until a moment of time.monotonic; each has its turn before any comes again."""
    bag: list[Deed] = []
    while time.monotonic() < until:
        bag = bag or scene.rng.sample(ALL, len(ALL))
        chosen = [bag.pop()]
        if bag and scene.rng.random() < TWO_AT_ONCE and _target_of(bag[-1]) != _target_of(chosen[0]):
            chosen.append(bag.pop())
        _do(scene, chosen)
        time.sleep(scene.rng.uniform(*CALM))
        scene.revive()


def _do(scene: Scene, chosen: Sequence[Deed]) -> None:
    """Break, wait, mend. Programs need their servers to come up, so servers, broken last, are mended first."""
    with contextlib.ExitStack() as broken:
        for deed in sorted(chosen, key=ALL.index):
            broken.enter_context(deed(scene))
        time.sleep(scene.rng.uniform(*LASTS))


# --- Programs -----------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def web_is_killed(scene: Scene) -> Iterator[None]:
    with _killed(scene, *scene.cast.webs):
        yield


@contextlib.contextmanager
def worker_is_killed(scene: Scene) -> Iterator[None]:
    with _killed(scene, *scene.cast.workers):
        yield


@contextlib.contextmanager
def beat_is_killed(scene: Scene) -> Iterator[None]:
    with _killed(scene, scene.cast.beat):
        yield


@contextlib.contextmanager
def machine_is_killed(scene: Scene) -> Iterator[None]:
    """All that is ours dies in one moment."""
    if not scene.one_that_is_up(*scene.cast.webs):
        yield
        return
    for program in scene.cast.ours:
        scene.supervisor.kill(program)
    scene.done["web server, workers and beat killed together, restarted"] += 1
    yield
    scene.supervisor.start(*scene.cast.ours, wait=False)


@contextlib.contextmanager
def child_is_killed(scene: Scene) -> Iterator[None]:
    """One process of a web server or worker dies, and its master makes another."""
    if program := scene.one_that_is_up(*scene.cast.webs, *scene.cast.workers):
        with contextlib.suppress(psutil.NoSuchProcess):
            if children := psutil.Process(scene.supervisor.pid_of(program)).children():
                scene.rng.choice(children).kill()
                scene.done[f"process of a {_kind(program)} killed"] += 1
    yield


@contextlib.contextmanager
def clock_is_wrong(scene: Scene) -> Iterator[None]:
    """Somebody comes up again on a machine whose clock is some seconds off, and stays so until it is killed next."""
    program = scene.one_that_is_up(*scene.cast.webs, *scene.cast.workers)
    if program is None:
        yield
        return
    off_by = round(scene.rng.uniform(-MOST_OFF_BY, MOST_OFF_BY), 1)
    scene.supervisor.kill(program)
    scene.done[f"{_kind(program)} with a wrong clock"] += 1
    yield
    scene.supervisor.start(with_clock_off_by(program, off_by), wait=False)


@contextlib.contextmanager
def _killed(scene: Scene, *programs: Program) -> Iterator[None]:
    program = scene.one_that_is_up(*programs)
    if program is None:
        yield
        return
    scene.supervisor.kill(program)
    scene.done[f"{_kind(program)} killed, restarted"] += 1
    yield
    scene.supervisor.start(program, wait=False)


def _kind(program: Program) -> str:
    return program.name.rpartition("-")[0] or program.name


# --- Servers ------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def postgres_is_down(scene: Scene) -> Iterator[None]:
    how = scene.rng.choice(["fast", "immediate", "killed"])
    scene.servers.stop_postgres(how)
    scene.done[f"PostgreSQL stopped ({how}), restarted"] += 1
    yield
    scene.servers.start_postgres()


@contextlib.contextmanager
def redis_is_down(scene: Scene) -> Iterator[None]:
    how = scene.rng.choice(["asked", "killed"])
    scene.servers.stop_redis(how)
    scene.done[f"Redis stopped ({how}), restarted"] += 1
    yield
    scene.servers.start_redis()


# --- Stripe -------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def stripe_hangs(scene: Scene) -> Iterator[None]:
    """Connections are taken and nothing comes back."""
    pid = scene.supervisor.pid_of(scene.cast.simulator)
    os.kill(pid, signal.SIGSTOP)
    scene.done["Stripe cut off (hangs)"] += 1
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@contextlib.contextmanager
def stripe_is_gone(scene: Scene) -> Iterator[None]:
    """Connections are refused. What it answered before it remembers, as it writes everything down."""
    scene.supervisor.kill(scene.cast.simulator)
    scene.done["Stripe cut off (refuses connections)"] += 1
    yield
    scene.supervisor.start(scene.cast.simulator)
    be_as_usual(scene.simulator)


@contextlib.contextmanager
def stripe_is_slow(scene: Scene) -> Iterator[None]:
    latency = scene.rng.randrange(200, 2_500)
    with _faulty(scene, "latency", calls=("any", "read"), times="always", latency_ms=latency):
        scene.done["Stripe slow (0.2 to 2.5 s)"] += 1
        yield


@contextlib.contextmanager
def stripe_limits_rate(scene: Scene) -> Iterator[None]:
    with _faulty(scene, "error_429", calls=("any", "read"), times="always"):
        scene.done["Stripe limits the rate (429)"] += 1
        yield


@contextlib.contextmanager
def stripe_fails(scene: Scene) -> Iterator[None]:
    """Some calls end in a 500: without effect, or so that the 500 is what their key remembers."""
    with _faulty(scene, "error_500", calls=("any", "read"), times=scene.rng.randrange(3, 15)):
        for call in CALLS:
            scene.simulator.order_fault(call, "stored_500")
        scene.done["Stripe answers 500"] += 1
        yield


@contextlib.contextmanager
def answers_are_lost(scene: Scene) -> Iterator[None]:
    """Some calls take effect and their answers never come; others never arrive."""
    with _faulty(scene, "lost_answer", calls=("any",), times=scene.rng.randrange(3, 15)):
        scene.simulator.order_fault("any", "timeout_before", times=scene.rng.randrange(3, 15))
        scene.done["Stripe's answers lost"] += 1
        yield


@contextlib.contextmanager
def _faulty(scene: Scene, fault: str, *, calls: Sequence[str], times: int | str, latency_ms: int = 0) -> Iterator[None]:
    scene.simulator.order_fault("any", "none")
    for call in calls:
        scene.simulator.order_fault(call, fault, times=times, latency_ms=latency_ms)
    yield
    be_as_usual(scene.simulator)


# What is broken later is mended sooner: programs come before the servers that they need to come up.
DEEDS: dict[str, tuple[Deed, ...]] = {
    "programs": (
        web_is_killed,
        worker_is_killed,
        beat_is_killed,
        machine_is_killed,
        clock_is_wrong,
        child_is_killed,
    ),
    "Stripe": (stripe_is_slow, stripe_limits_rate, stripe_fails, answers_are_lost, stripe_is_gone, stripe_hangs),
    "Redis": (redis_is_down,),
    "PostgreSQL": (postgres_is_down,),
}
ALL = [deed for deeds in DEEDS.values() for deed in deeds]


def _target_of(deed: Deed) -> str:
    return next(target for target, deeds in DEEDS.items() if deed in deeds)
