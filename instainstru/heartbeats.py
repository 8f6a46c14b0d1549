"""Signs of life of the processes that no request reaches: Celery's worker and beat (design 9)."""

from datetime import datetime, timedelta
from typing import Any

from celery.signals import beat_init, before_task_publish, heartbeat_sent
from django.core.cache import cache

from instainstru import clock

PARTS = ("worker", "beat")
NOTED_EVERY = timedelta(seconds=10)  # a worker's heart beats every 2 s; that often nobody needs to know
DEAD_AFTER = timedelta(seconds=90)  # beat publishes some sweep every 30 s; three in a row are missing

_last_noted: dict[str, datetime] = {}


def note(part: str) -> None:
    """Note that the part is alive now."""
    now = clock.wall()
    if part in _last_noted and now - _last_noted[part] < NOTED_EVERY:
        return
    _last_noted[part] = now
    cache.set(_key(part), now, timeout=None)


def last_seen(part: str) -> datetime | None:
    """Return when the part was last alive, or None if nobody ever saw it here."""
    return cache.get(_key(part))


def _key(part: str) -> str:
    return f"heartbeat:{part}"


@heartbeat_sent.connect
def _worker_is_alive(**_: Any) -> None:
    note("worker")


@beat_init.connect
def _this_process_is_beat(**_: Any) -> None:
    before_task_publish.connect(_beat_is_alive)


def _beat_is_alive(**_: Any) -> None:
    note("beat")
