"""What PostgreSQL and Valkey have in common as processes."""

import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

import psutil

# Below the ranges from which Linux (32768) and macOS (49152) give ports to outgoing connections, so that a port
# which is remembered while the servers are down is seldom taken when they come back.
PORTS = range(15_000, 32_000)


class StartFailed(Exception):
    """A server did not come up; the message ends with what its log said."""


def free_port(remembered: int | None) -> int:
    """Return the remembered port if nobody else listens there now, else another free one on loopback."""
    candidates = [remembered] if remembered else []
    candidates += random.sample(PORTS, 50)
    for port in candidates:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise StartFailed("No free port was found on 127.0.0.1.")


def spawn(command: list[str], *, log: Path, folder: Path) -> psutil.Process:
    """Start a server in a session of its own, with an environment that nobody's shell can colour."""
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
    with log.open("ab") as output:
        return psutil.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=folder,
            env=environment,
            start_new_session=True,
        )


def find_running(pid_file: Path, argument: Path) -> psutil.Process | None:
    """Return the live process that a pid file names, if it really is that server: pids are reused after a crash."""
    try:
        process = psutil.Process(int(pid_file.read_text().split("\n", 1)[0]))
        if process.status() != psutil.STATUS_ZOMBIE and str(argument) in process.cmdline():
            return process
    except (OSError, ValueError, psutil.Error):
        pass
    return None


def forget_reused_pid(pid_file: Path) -> None:
    """Remove a pid file whose pid now belongs to some other program, which PostgreSQL would take for a server."""
    try:
        if psutil.pid_exists(int(pid_file.read_text().split("\n", 1)[0])):
            pid_file.unlink()
    except (FileNotFoundError, ValueError):
        pid_file.unlink(missing_ok=True)


def has_ended(process: psutil.Process) -> bool:
    """Tell whether a server is dead, and reap it if it was our child.

    Dead is also one that nobody has reaped: in a container the first process may never do that for an orphan.
    """
    if isinstance(process, psutil.Popen):
        return process.poll() is not None
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def stop(process: psutil.Process, signals: Iterable[tuple[signal.Signals, float]]) -> None:
    """Send each signal in turn until the process has ended, waiting its number of seconds; at last, SIGKILL."""
    for number, patience in (*signals, (signal.SIGKILL, 5.0)):
        if has_ended(process):
            return
        process.send_signal(number)
        deadline = time.monotonic() + patience
        while not has_ended(process) and time.monotonic() < deadline:
            time.sleep(0.01)
