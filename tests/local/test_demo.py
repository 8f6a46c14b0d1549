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

pytestmark = [
    pytest.mark.timeout(900),  # a run takes half a minute, on a busy machine many times that; here are several
    pytest.mark.xdist_group("demo"),  # one after the other, on the same data
]

RUNNING = "Everything is running"
STAYING = "Ctrl-C ends it all"
IN_THE_MIDDLE = "moves the lesson"  # after the first journey
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


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    found = Machine(tmp_path_factory.mktemp("demo") / "data", web_port=free_port(), simulator_port=free_port())
    yield found
    for demo in found.started:
        if demo.process.poll() is None:
            demo.end()
    found.wait_until_nothing_is_left()


@pytest.fixture(scope="module")
def told(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """The report of a whole run, on data that a run killed in the middle of its story has left."""
    killed = machine.start("--once")
    killed.wait_for(IN_THE_MIDDLE)
    killed.end(signal.SIGKILL)
    machine.wait_until_nothing_is_left()

    report = tmp_path_factory.mktemp("report") / "report.json"
    whole = machine.start("--once", f"--report={report}")

    assert whole.process.wait(2 * PATIENCE) == 0, whole.said
    machine.wait_until_nothing_is_left()
    return json.loads(report.read_text())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_the_story_comes_out_as_the_policy_says_and_the_books_are_right(told):
    assert told["passed"]
    assert re.fullmatch(r"The books balance and agree with Stripe: \d+ entries\.", told["books"])
    assert [row["title"] for row in told["rows"]] == [line.title for line in STORY]
    assert [row["problems"] for row in told["rows"]] == [[]] * len(STORY)


def test_the_platforms_own_example_is_among_them(told):
    """Section 13 of the policy: LP 120.00, tier 12 %."""
    got = {row["title"]: (row["card"], row["wallet"], row["instructor"]) for row in told["rows"]}

    assert got["Taken, paid by card"] == (134_40, 0, 105_60)
    assert got["Taken, wholly with credits"] == (14_40, -120_00, 105_60)
    assert got["Cancelled 18 h before"] == (134_40, 120_00, 0)
    assert got["Cancelled 6 h before"] == (134_40, 60_00, 52_80)
    assert got["Cancelled 6 h before, all credits"] == (14_40, -60_00, 52_80)


def test_it_stays_until_ctrl_c_and_everything_works_meanwhile(machine, told):
    demo = machine.start()
    demo.wait_for(STAYING)

    assert "The story was told here before" in demo.said
    site = f"http://127.0.0.1:{machine.web_port}"
    with urllib.request.urlopen(f"{site}/readyz", timeout=30) as answer:
        assert json.load(answer)["status"] == "ready"
    for page in ("/", "/admin/login/", "/api/docs", "/instructors"):
        with urllib.request.urlopen(site + page, timeout=30) as answer:
            assert answer.status == 200
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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
@pytest.mark.parametrize("at", [None, RUNNING], ids=["at once", "while telling"])
def test_nothing_is_left_behind_wherever_it_is_interrupted(machine, told, number, at):
    demo = machine.start("--again")
    if at:
        demo.wait_for(at)
    else:
        time.sleep(3)  # somewhere on the way

    assert demo.end(number) != 0
    machine.wait_until_nothing_is_left()


def test_a_port_in_use_is_named_with_what_changes_it(machine, told):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", machine.web_port))
        taken.listen()

        demo = machine.start("--once")

        assert demo.process.wait(PATIENCE) == 1
    assert f"Port {machine.web_port}, on which the web server would listen, is in use" in demo.said
    assert f"--web-port={machine.web_port + 1}" in demo.said
    machine.wait_until_nothing_is_left()


def test_a_simulator_without_its_state_is_noticed(machine, told):
    state = machine.folder / "default" / "stripe-simulator.sqlite"
    hidden = state.rename(state.with_suffix(".hidden"))

    demo = machine.start("--once")

    assert demo.process.wait(PATIENCE) == 1
    assert "the Stripe simulator that belonged to it is gone" in demo.said
    assert "make demo-reset" in demo.said
    machine.wait_until_nothing_is_left()
    hidden.rename(state)
