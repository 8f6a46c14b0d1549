"""A worker's diary: which operations and payments it took in hand and when it let go of them, a line for each.

A killed worker can't be asked. What it began and never ended is what was in its hands.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from celery.signals import task_postrun, task_prerun

WORK = {"payments.tasks.begin_due", "payments.tasks.continue_operation"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One line. `ended` tells the beginning of a task from its end; `at` is seconds since 1970."""

    task: str
    name: str
    about: dict[str, Any]
    at: float
    ended: bool


def keep(path: str) -> None:
    """Note every task of this process that works on money from now on."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def note(sender: Any, task_id: str, kwargs: dict[str, Any], *, ended: bool) -> None:
        if sender.name in WORK:
            line = {"task": task_id, "name": sender.name, "about": kwargs, "at": time.time(), "ended": ended}
            os.write(descriptor, f"{json.dumps(line)}\n".encode())  # one write, so that lines of forks don't mix

    def began(sender: Any, task_id: str, kwargs: dict[str, Any], **_: Any) -> None:
        note(sender, task_id, kwargs, ended=False)

    def ended(sender: Any, task_id: str, kwargs: dict[str, Any], **_: Any) -> None:
        note(sender, task_id, kwargs, ended=True)

    task_prerun.connect(began, weak=False)
    task_postrun.connect(ended, weak=False)


def read(path: Path) -> Iterator[Note]:
    """Return what was noted, in order; nothing if nothing ever was."""
    if path.exists():
        for line in path.read_text().splitlines():
            yield Note(**json.loads(line))
