"""Dying for real: an act is played in a fork of this process, which kills itself at a point."""

import itertools
import os
import signal
import traceback
import warnings
from collections.abc import Callable

from django.db import connections

from instainstru.local.points import Reach, watched

Act = Callable[[], object]

LEFT: list[object] = []  # a fork's connections of its parent, who goes on with them: never closed here, nor collected


def points_of(act: Act) -> list[str]:
    """Play an act to its end, here, and return the points that it came to, in order."""
    points: list[str] = []
    with watched(points.append):
        act()
    return points


def play_and_die(act: Act, *, at: int) -> str:
    """Play an act in a fork that is killed (SIGKILL) at its `at`-th point, counted from 0; return the point's name.

    Raises AssertionError with the fork's words if it ended otherwise.
    """
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        # Only this thread goes on in the fork. The others are the simulator's: they stay here, and it knows of forks.
        warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        _play_in_the_fork(act, at=at, writing=writing)
    os.close(writing)
    with os.fdopen(reading) as words:
        said = words.read()
    _, status = os.waitpid(pid, 0)
    assert os.WIFSIGNALED(status), f"It was to be killed at point {at}, but ended:\n{said}"
    assert os.WTERMSIG(status) == signal.SIGKILL
    return said


def _play_in_the_fork(act: Act, *, at: int, writing: int) -> None:
    _leave_connections_to_the_parent()
    try:
        with watched(_kill_at(at, writing)):
            act()
        os.write(writing, b"It came to its end alive.")
    except BaseException:  # noqa: BLE001 - whatever it is, the parent has to hear of it, and pytest must not go on here
        os.write(writing, traceback.format_exc().encode())
    finally:
        os._exit(1)


def _leave_connections_to_the_parent() -> None:
    for connection in connections.all():
        LEFT.append(connection.connection)
        connection.connection = None  # the next query opens another


def _kill_at(number: int, writing: int) -> Reach:
    passed = itertools.count()

    def reach(point: str) -> None:
        if next(passed) == number:
            os.write(writing, point.encode())
            os.kill(os.getpid(), signal.SIGKILL)

    return reach
