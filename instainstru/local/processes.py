"""Programs that run together for as long as one command does: started in order, watched, and ended in reverse.

Nothing stays behind, not even when the command itself is killed: see `janitor`. No Django here.
"""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self
from urllib.parse import urlsplit

import psutil

from instainstru.local.filelocks import FileLock
from instainstru.local.janitor import kill_group

# A program is not let loose before the janitor knows its pid, or one started at the instant of a kill would survive.
# It waits for a word on its input, and ends if the starter does.
WAIT_FOR_THE_WORD = ["sh", "-c", 'read -r go && exec "$@" </dev/null', "sh"]


class CannotRun(Exception):
    """Something that a person has to see to; the message says what happened and what can be done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One program, and how to tell that it is ready. Without `ready_url` and `ready_line` it is ready at once."""

    name: str  # what people call it, and its log: "web server"
    command: Sequence[str | Path]
    environment: Mapping[str, str] = field(default_factory=dict)  # beside that of the command itself
    port: int | None = None  # on which it listens; looked at before it starts
    port_setting: str = ""  # the environment variable that changes the port
    ready_url: str = ""  # answers, with anything below 500, when it is ready
    ready_line: str = ""  # a pattern in its log when it is ready
    patience: float = 60.0  # seconds until it must be ready
    grace: float = 10.0  # seconds to end by itself when asked to


@dataclass(slots=True)
class Running:
    program: Program
    process: "subprocess.Popen[bytes]"
    log: Path
    log_begins_at: int = 0  # what stands before it is of a former life


class Supervisor:
    """Runs programs inside a `with` block: leaving it, in whatever way, ends them all.

    SIGTERM is turned into the KeyboardInterrupt that Ctrl-C gives, so that both leave the block. Another signal while
    the programs are ending stops the waiting for them. Use it from the main thread.
    """

    def __init__(self, log_folder: Path) -> None:
        self._log_folder = log_folder
        self._running: list[Running] = []
        self._names: set[str] = set()  # of all that were ever started
        self._is_ending = False
        self._is_in_a_hurry = False

    def __enter__(self) -> Self:
        self._log_folder.mkdir(parents=True, exist_ok=True)
        self._former_handlers = {
            number: signal.signal(number, self._interrupt) for number in (signal.SIGINT, signal.SIGTERM)
        }
        self._janitor = subprocess.Popen(
            [sys.executable, "-m", "instainstru.local.janitor"],
            stdin=subprocess.PIPE,
            cwd=Path(__file__).resolve().parents[2],
            start_new_session=True,
        )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._is_ending = True
        while self._running:
            self._end(self._running.pop())
        self._janitor.communicate()
        for number, handler in self._former_handlers.items():
            signal.signal(number, handler)

    def start(self, *programs: Program, wait: bool = True) -> None:
        """Start programs side by side and return when all are ready, or at once. Raises CannotRun."""
        for program in programs:
            _look_at_port(program)
        started = [self._launch(program) for program in programs]
        if wait:
            for one in started:
                self._wait_until_ready(one)

    def kill(self, program: Program) -> None:
        """End a program and all that it has started as a crash would; it can be started anew."""
        one = self._running.pop(self._place_of(program))
        children = _children_of(one.process.pid)
        kill_group(one.process.pid)
        one.process.wait()
        psutil.wait_procs(children, timeout=one.program.grace)  # until then they may still hold its port
        _say(self._janitor, f"done {one.process.pid}")

    def pid_of(self, program: Program) -> int:
        return self._running[self._place_of(program)].process.pid

    def has_ended(self, program: Program) -> bool:
        """Tell whether a program has ended by itself; `kill` clears away what it left."""
        return self._running[self._place_of(program)].process.poll() is not None

    def is_ready(self, program: Program) -> bool:
        """Tell whether a program that was started without waiting for it has come up."""
        one = self._running[self._place_of(program)]
        return one.process.poll() is None and _is_ready(one)

    def look_after(self, pid: int) -> None:
        """Let a process that somebody else started and ends be ended also when this process is killed."""
        _say(self._janitor, f"watch {pid}")

    def let_go(self, pid: int) -> None:
        """Look after a process no longer."""
        _say(self._janitor, f"done {pid}")

    def check(self) -> None:
        """Raise CannotRun, with the end of its log, if a program has ended by itself."""
        for one in self._running:
            _require_alive(one)

    def watch(self, period: float = 0.5) -> None:
        """Stay until Ctrl-C, or raise CannotRun when a program ends by itself."""
        while True:
            self.check()
            time.sleep(period)

    def log_of(self, program: Program) -> Path:
        return self._log_folder / f"{program.name.replace(' ', '-')}.log"

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        if self._is_ending:
            self._is_in_a_hurry = True
        else:
            raise KeyboardInterrupt

    def _place_of(self, program: Program) -> int:
        return next(place for place, one in enumerate(self._running) if one.program.name == program.name)

    def _launch(self, program: Program) -> Running:
        log = self.log_of(program)
        is_restart = program.name in self._names
        self._names.add(program.name)
        with log.open("ab" if is_restart else "wb") as output:
            begins_at = output.tell()
            process = subprocess.Popen(
                [*WAIT_FOR_THE_WORD, *map(str, program.command)],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **program.environment},
                start_new_session=True,  # Ctrl-C in the terminal is for the supervisor, which ends them in order
            )
        one = Running(program, process, log, begins_at)
        self._running.append(one)
        _say(self._janitor, f"watch {process.pid}")
        _say(process, "go", and_no_more=True)
        return one

    def _wait_until_ready(self, one: Running) -> None:
        deadline = time.monotonic() + one.program.patience
        while not _is_ready(one):
            _require_alive(one)
            if time.monotonic() > deadline:
                raise CannotRun(
                    f"The {one.program.name} was not ready after {one.program.patience:.0f} s. {_end_of(one.log)}"
                )
            time.sleep(0.05)

    def _end(self, one: Running) -> None:
        if one.process.poll() is None:
            one.process.terminate()
            deadline = time.monotonic() + one.program.grace
            while one.process.poll() is None and time.monotonic() < deadline and not self._is_in_a_hurry:
                time.sleep(0.02)
        kill_group(one.process.pid)  # the program if it would not end, and whatever it left
        one.process.wait()
        _say(self._janitor, f"done {one.process.pid}")


@contextmanager
def only_one(lock_file: Path, *, what: str, address: str) -> Iterator[None]:
    """Hold a lock while the block runs. Raises CannotRun, naming pid and address of the first, if another holds it."""
    lock_file.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(lock_file)
    if not lock.try_exclusive():
        try:
            first = json.loads(lock_file.read_text())
        except ValueError:
            first = {"pid": "unknown", "address": "starting"}  # it has the lock, and has not written yet
        raise CannotRun(f"A {what} is already running: pid {first['pid']}, {first['address']}. End that one first.")
    try:
        lock_file.write_text(json.dumps({"pid": os.getpid(), "address": address}))
        yield
    finally:
        lock.release()


def _say(process: "subprocess.Popen[bytes]", line: str, *, and_no_more: bool = False) -> None:
    """Write a line to a program's input; should it be dead already, others notice."""
    assert process.stdin is not None
    with suppress(BrokenPipeError):
        process.stdin.write(f"{line}\n".encode())
        process.stdin.flush()
        if and_no_more:
            process.stdin.close()


def _children_of(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _require_alive(one: Running) -> None:
    if (code := one.process.poll()) is not None:
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
        raise CannotRun(f"The {one.program.name} {how}. {_end_of(one.log)}")


def _is_ready(one: Running) -> bool:
    if one.program.ready_url:
        return _answers(one.program.ready_url)
    if one.program.ready_line:
        written = one.log.read_bytes()[one.log_begins_at :].decode(errors="replace")
        return re.search(one.program.ready_line, written) is not None
    return True


def _answers(url: str) -> bool:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=5)
    try:
        connection.request("GET", f"{parts.path or '/'}?{parts.query}")
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _look_at_port(program: Program) -> None:
    if program.port is None or not _is_taken(program.port):
        return
    message = f"Port {program.port}, on which the {program.name} would listen, is in use{_by_whom(program.port)}."
    if program.port_setting:
        message += f" Free it, or choose another: {program.port_setting}={program.port + 1}"
    raise CannotRun(message)


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            return True
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def _by_whom(port: int) -> str:
    """Name the program that listens on a port, where the system lets us see it."""
    try:
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port and connection.pid:
                return f" by {psutil.Process(connection.pid).name()} (pid {connection.pid})"
    except psutil.Error:
        pass  # macOS shows other people's connections to root alone
    return ""


def _end_of(log: Path, lines: int = 20) -> str:
    text = "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
    return f"{log} ends with:\n{text}" if text else f"{log} is empty."
