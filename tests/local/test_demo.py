"""The demo as a person runs it, with every process that it starts: it comes out right, and leaves nothing behind."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from instainstru.local.demo.story import STORY
from instainstru.local.servers.profile import REPOSITORY

RUNNING = "Everything is running"
STAYING = "Ctrl-C ends it all"
IN_THE_MIDDLE = "confirms at the bank"  # some bookings are made, others not yet
PATIENCE = 300  # seconds


@dataclass
class Machine:
    """A data folder and ports of its own, and the demos that are run on them."""

    folder: Path
    web_port: int
    simulator_port: int
    started: "list[Demo]" = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        own = {"INSTAINSTRU_DATA": str(self.folder), "INSTAINSTRU_LINGER": "0.2"}
        return {name: value for name, value in os.environ.items() if name not in OUR_SERVERS} | own

    def start(self, *options: str) -> "Demo":
        self.started.append(Demo(self, *options))
        return self.started[-1]

    def manage(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        environment = self.environment | {"STRIPE_API_BASE": f"http://127.0.0.1:{self.simulator_port}"}
        return self._run(["manage.py", *arguments], environment)

    def reset(self) -> "subprocess.CompletedProcess[str]":
        return self._run(["-m", "instainstru.local.servers", "reset"], self.environment)

    def left_behind(self) -> list[str]:
        """Whatever runs with this data folder."""
        found = []
        for process in psutil.process_iter():
            try:
                is_ours = process.environ().get("INSTAINSTRU_DATA") == str(self.folder)
                if is_ours and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(" ".join(process.cmdline()))
            except psutil.Error:
                continue
        return found

    def wait_until_nothing_is_left(self) -> None:
        deadline = time.monotonic() + 60
        while left := self.left_behind():
            assert time.monotonic() < deadline, left
            time.sleep(0.1)

    def _run(self, command: list[str], environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, *command],
            cwd=REPOSITORY,
            env=environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )


OUR_SERVERS = {"DATABASE_URL", "REDIS_URL", "STRIPE_API_BASE"}  # those of this test run


class Demo:
    """One `manage.py demo`, and what it has said so far."""

    def __init__(self, machine: Machine, *options: str) -> None:
        ports = [f"--web-port={machine.web_port}", f"--simulator-port={machine.simulator_port}"]
        self.log = machine.folder.with_name(f"demo-{time.monotonic_ns()}.log")
        with self.log.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "demo", *ports, *options],
                cwd=REPOSITORY,
                env=machine.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def said(self) -> str:
        return self.log.read_text()

    def wait_for(self, text: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while text not in self.said:
            assert self.process.poll() is None, self.said
            assert time.monotonic() < deadline, self.said
            time.sleep(0.05)

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    found = Machine(tmp_path / "data", web_port=free_port(), simulator_port=free_port())
    yield found
    for demo in found.started:
        if demo.process.poll() is None:
            demo.end()
    found.wait_until_nothing_is_left()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.timeout(900)  # half a minute to a telling; on a busy machine many times that
def test_a_demo_from_its_first_start_to_its_last(machine, tmp_path):
    """One test of many steps, each on the data that the one before has left: telling the story is dear."""
    it_is_killed_in_the_middle_of_its_story(machine)
    it_is_told_once_and_right(machine, report=tmp_path / "report.json")
    it_stays_until_ctrl_c(machine)
    it_is_interrupted_while_it_tells(machine)
    it_is_terminated_somewhere_on_the_way(machine)
    its_port_is_taken(machine)
    its_simulator_has_lost_its_state(machine)


def it_is_killed_in_the_middle_of_its_story(machine: Machine) -> None:
    demo = machine.start("--once")
    demo.wait_for(IN_THE_MIDDLE)

    demo.end(signal.SIGKILL)

    machine.wait_until_nothing_is_left()


def it_is_told_once_and_right(machine: Machine, *, report: Path) -> None:
    demo = machine.start("--once", f"--report={report}")

    assert demo.process.wait(2 * PATIENCE) == 0, demo.said
    machine.wait_until_nothing_is_left()
    told = json.loads(report.read_text())
    assert told["passed"]
    assert re.fullmatch(r"The books balance and agree with Stripe: \d+ entries\.", told["books"])
    assert [row["title"] for row in told["rows"]] == [line.title for line in STORY]
    assert [row["problems"] for row in told["rows"]] == [[]] * len(STORY)
    got = {row["title"]: (row["card"], row["wallet"], row["instructor"]) for row in told["rows"]}
    assert got["Taken, paid by card"] == (134_40, 0, 105_60)  # the policy's own example, section 13
    assert got["Taken, wholly with credits"] == (14_40, -120_00, 105_60)
    assert got["Cancelled 18 h before"] == (134_40, 120_00, 0)
    assert got["Cancelled 6 h before"] == (134_40, 60_00, 52_80)
    assert got["Cancelled 6 h before, all credits"] == (14_40, -60_00, 52_80)


def it_stays_until_ctrl_c(machine: Machine) -> None:
    demo = machine.start()
    demo.wait_for(STAYING)

    assert "The story was told here before" in demo.said
    site = f"http://127.0.0.1:{machine.web_port}"
    for page in ("/", "/instructors", "/admin/login/", "/api/docs", "/readyz"):
        with urllib.request.urlopen(site + page, timeout=30) as answer:
            assert answer.status == 200, page
    second = machine.manage("demo")
    assert second.returncode == 1
    assert f"A demo is already running: pid {demo.process.pid}, {site}" in second.stderr
    assert machine.reset().returncode == 1
    travelled = machine.manage("clock", "advance", "30h")
    assert travelled.returncode == 0, travelled.stderr
    books = machine.manage("verify_books", "--stripe")
    assert books.returncode == 0, books.stdout

    assert demo.end() == 0
    machine.wait_until_nothing_is_left()


def it_is_interrupted_while_it_tells(machine: Machine) -> None:
    demo = machine.start("--again")
    demo.wait_for(RUNNING)

    assert demo.end(signal.SIGINT) == 130
    machine.wait_until_nothing_is_left()


def it_is_terminated_somewhere_on_the_way(machine: Machine) -> None:
    demo = machine.start()
    time.sleep(3)

    assert demo.end(signal.SIGTERM) != 0
    machine.wait_until_nothing_is_left()


def its_port_is_taken(machine: Machine) -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # the demo before has just let go of it
        taken.bind(("127.0.0.1", machine.web_port))
        taken.listen()

        demo = machine.start("--once")

        assert demo.process.wait(PATIENCE) == 1
    assert f"Port {machine.web_port}, on which the web server would listen, is in use" in demo.said
    assert f"--web-port={machine.web_port + 1}" in demo.said
    machine.wait_until_nothing_is_left()


def its_simulator_has_lost_its_state(machine: Machine) -> None:
    (machine.folder / "default" / "stripe-simulator.sqlite").unlink()

    demo = machine.start("--once")

    assert demo.process.wait(PATIENCE) == 1
    assert "the Stripe simulator that belonged to it is gone" in demo.said
    assert "make demo-reset" in demo.said
    machine.wait_until_nothing_is_left()
