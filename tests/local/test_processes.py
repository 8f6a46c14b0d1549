"""Programs come up in order, are missed when they die, and leave nothing behind in any way of ending."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from instainstru.local.processes import CannotRun, Program, Supervisor, only_one
from instainstru.local.servers.profile import REPOSITORY

SLEEPER = [sys.executable, "-c", "import time; print('up'); time.sleep(60)"]
STUBBORN = [sys.executable, "-c", "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);" + SLEEPER[2]]
WITH_A_CHILD = [sys.executable, "-c", "import subprocess; subprocess.Popen(['sleep', '60']);" + SLEEPER[2]]

# A command of its own, to be killed: it runs what the test names, marked so that the test finds what is left.
COMMAND = """
import sys
from pathlib import Path
from instainstru.local.processes import Program, Supervisor
with Supervisor(Path(sys.argv[1])) as supervisor:
    for number, code in enumerate(sys.argv[2:]):
        environment = {"MARK": sys.argv[1]}
        command = [sys.executable, "-c", code]
        supervisor.start(Program(name=f"program {number}", command=command, environment=environment, ready_line="up"))
    print("all up", flush=True)
    supervisor.watch(0.05)
"""


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    return tmp_path / "log"


@pytest.fixture
def command(logs: Path) -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    started: list[subprocess.Popen[str]] = []

    def start(*programs: list[str]) -> "subprocess.Popen[str]":
        codes = [program[2] for program in programs]
        process = subprocess.Popen(
            [sys.executable, "-c", COMMAND, str(logs), *codes],
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout.readline() == "all up\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def left_behind(logs: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("MARK") == str(logs) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def wait_until(condition: Callable[[], object], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.02)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


# --- Coming up ----------------------------------------------------------------------------------------------------


def test_a_program_is_waited_for_until_it_answers(logs):
    port = free_port()
    web = Program(
        name="web server",
        command=[sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"],
        port=port,
        ready_url=f"http://127.0.0.1:{port}/",
    )

    with Supervisor(logs) as supervisor:
        supervisor.start(web)
        with socket.create_connection(("127.0.0.1", port)):
            pass
        supervisor.check()

    assert "GET /" in (logs / "web-server.log").read_text()


def test_programs_started_together_come_up_side_by_side(logs):
    slow = [sys.executable, "-c", "import time; time.sleep(0.5); print('up'); time.sleep(60)"]
    programs = [Program(name=name, command=slow, ready_line="^up") for name in ("web", "worker", "beat", "simulator")]

    begun = time.monotonic()
    with Supervisor(logs) as supervisor:
        supervisor.start(*programs)
        took = time.monotonic() - begun

    assert took < 4 * 0.5


def test_what_is_not_ready_in_time_is_named_with_its_log(logs):
    mute = Program(name="worker", command=SLEEPER, ready_line="never said", patience=0.3)

    with (
        pytest.raises(CannotRun, match=r"The worker was not ready after 0 s\. .*worker\.log"),
        Supervisor(logs) as all_of_them,
    ):
        all_of_them.start(mute)


def test_what_dies_while_starting_shows_its_last_words(logs):
    broken = Program(
        name="beat", command=[sys.executable, "-c", "raise SystemExit('no such schedule')"], ready_line="never"
    )

    with (
        pytest.raises(CannotRun, match=r"The beat ended with code 1\.(.|\n)*no such schedule"),
        Supervisor(logs) as all_of_them,
    ):
        all_of_them.start(broken)


def test_a_port_in_use_is_told_with_its_holder_and_the_way_to_change_it(logs):
    with socket.create_server(("127.0.0.1", 0)) as taken, Supervisor(logs) as supervisor:
        port = taken.getsockname()[1]
        web = Program(name="web server", command=SLEEPER, port=port, port_setting="WEB_PORT")
        with pytest.raises(CannotRun) as refusal:
            supervisor.start(web)

    message = str(refusal.value)
    assert f"Port {port}, on which the web server would listen, is in use" in message
    assert f"WEB_PORT={port + 1}" in message
    if sys.platform == "linux":
        assert f"(pid {os.getpid()})" in message


# --- Ending -------------------------------------------------------------------------------------------------------


def test_programs_end_in_reverse_order(logs, tmp_path):
    ended = tmp_path / "ended"
    code = (
        "import signal, sys, time\n"
        "def end(*_): open(sys.argv[1], 'a').write(sys.argv[2] + ' '); sys.exit()\n"
        "signal.signal(signal.SIGTERM, end); print('up'); time.sleep(60)"
    )

    with Supervisor(logs) as supervisor:
        for name in ("simulator", "web", "worker"):
            supervisor.start(Program(name=name, command=[sys.executable, "-c", code, ended, name], ready_line="up"))

    assert ended.read_text().split() == ["worker", "web", "simulator"]


def test_the_stubborn_and_the_children_of_programs_end_too(logs):
    mark = {"MARK": str(logs)}
    with Supervisor(logs) as supervisor:
        supervisor.start(
            Program(name="stubborn", command=STUBBORN, ready_line="up", grace=0.2, environment=mark),
            Program(name="parent", command=WITH_A_CHILD, ready_line="up", environment=mark),
        )
        assert len(left_behind(logs)) == 3

    wait_until(lambda: not left_behind(logs))


def test_a_program_that_dies_later_is_noticed(logs):
    with Supervisor(logs) as supervisor:
        supervisor.start(Program(name="worker", command=SLEEPER, ready_line="up"))
        running = [child for child in psutil.Process().children() if "print('up')" in " ".join(child.cmdline())]
        running[0].kill()
        with pytest.raises(CannotRun, match="The worker was killed by SIGKILL"):
            supervisor.watch(0.02)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_however_the_command_ends(logs, command, number):
    process = command(SLEEPER, WITH_A_CHILD)
    assert len(left_behind(logs)) == 3

    process.send_signal(number)
    process.wait(timeout=10)

    wait_until(lambda: not left_behind(logs))


def test_a_second_ctrl_c_does_not_wait(logs, command):
    process = command(STUBBORN)
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)

    process.send_signal(signal.SIGINT)

    process.wait(timeout=3)  # and not the ten seconds of grace
    wait_until(lambda: not left_behind(logs))


# --- Only one -----------------------------------------------------------------------------------------------------


def test_a_second_start_names_the_first(tmp_path):
    lock_file = tmp_path / "demo.lock"
    with (
        only_one(lock_file, what="demo", address="http://127.0.0.1:8000"),
        pytest.raises(CannotRun) as refusal,
        only_one(lock_file, what="demo", address="http://127.0.0.1:8001"),
    ):
        pass

    assert re.search(rf"A demo is already running: pid {os.getpid()}, http://127\.0\.0\.1:8000\.", str(refusal.value))
    with only_one(lock_file, what="demo", address="http://127.0.0.1:8002"):
        pass


def test_a_killed_first_does_not_bar_the_second(tmp_path):
    lock_file = tmp_path / "demo.lock"
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom instainstru.local.processes import only_one\n"
        "with only_one(Path(sys.argv[1]), what='demo', address='here'): print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, lock_file], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
    ) as first:
        assert first.stdout.readline() == "held\n"
        first.kill()

    with only_one(lock_file, what="demo", address="there"):
        assert "there" in lock_file.read_text()


# --- Being killed and started again -------------------------------------------------------------------------------


def test_a_killed_program_takes_along_what_it_started_and_can_be_started_again(logs):
    program = Program(name="worker", command=WITH_A_CHILD, environment={"MARK": str(logs)}, ready_line="^up")

    with Supervisor(logs) as supervisor:
        supervisor.start(program)
        supervisor.kill(program)
        assert not left_behind(logs)
        supervisor.start(program)  # waits for the word of this life, not of the last one
        assert supervisor.is_ready(program)
        assert not supervisor.has_ended(program)
        supervisor.check()

    assert (logs / "worker.log").read_text().count("up") == 2
    assert not left_behind(logs)
