"""Ends the programs of a supervisor that was killed: `python -m instainstru.local.janitor`, with a pipe as its input.

The kernel closes the pipe however the supervisor dies, on Linux and macOS alike; nothing else does that for a SIGKILL.
Lines on the pipe are `watch PID` and `done PID`. Each PID leads a process group of its own.
"""

import os
import signal
import sys
import time
from contextlib import suppress

import psutil

GRACE = 10.0  # seconds to end by themselves, all together


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # meant for the supervisor, which then ends its programs itself
    watched: dict[int, psutil.Process] = {}
    for line in sys.stdin:
        command, pid = line.split()
        if command == "done":
            watched.pop(int(pid), None)
            continue
        try:
            watched[int(pid)] = psutil.Process(int(pid))
        except psutil.NoSuchProcess:
            continue
    _end(list(reversed(watched.values())))


def _end(leaders: list[psutil.Process]) -> None:
    """Ask each leader to stop, the last started first; then end whatever is left of their groups."""
    for leader in leaders:
        try:
            leader.terminate()
        except psutil.NoSuchProcess:
            continue
    deadline = time.monotonic() + GRACE
    while any(_lives(leader) for leader in leaders) and time.monotonic() < deadline:
        time.sleep(0.05)
    for leader in leaders:
        kill_group(leader.pid)


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def kill_group(leader: int) -> None:
    """End what is left of a process group; its leader may be gone."""
    with suppress(ProcessLookupError, PermissionError):  # macOS says the latter of a group of zombies
        os.killpg(leader, signal.SIGKILL)


if __name__ == "__main__":
    main()
