"""PostgreSQL and Redis of chaos's own: stopped and started at will, where others have a keeper that revives them."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import dj_database_url
import psutil
from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.db import connections
from django.test.utils import override_settings

from instainstru.local.databases import template
from instainstru.local.databases.seats import Seat
from instainstru.local.filelocks import FileLock
from instainstru.local.processes import CannotRun, Supervisor
from instainstru.local.servers import server
from instainstru.local.servers.keeper import stop_orphans
from instainstru.local.servers.postgres import Postgres
from instainstru.local.servers.profile import Profile, Urls
from instainstru.local.servers.valkey import Valkey

PATIENCE = 10.0  # seconds for a stop that was asked for


@dataclass(slots=True)
class _One:
    """A server, and its process and port while it runs."""

    kind: Postgres | Valkey
    process: psutil.Process | None = None
    port: int | None = None


class Servers:
    """Both servers of a profile, for as long as a `with` block lasts. Whoever holds them is the profile's keeper."""

    def __init__(self, profile: Profile, supervisor: Supervisor) -> None:
        self._profile = profile
        self._supervisor = supervisor
        self._lock = FileLock(profile.keeper_lock)
        self._postgres = _One(Postgres(profile))
        self._redis = _One(Valkey(profile))

    def __enter__(self) -> Self:
        stop_orphans(self._profile)  # of one that was killed together with its janitor
        if not self._lock.try_exclusive():
            raise CannotRun(f"Another chaos is going on in {self._profile.folder}. End that one first.")
        try:
            for one in (self._postgres, self._redis):
                self._start(one)
        except BaseException:
            self._leave()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._leave()

    @property
    def ports(self) -> list[int]:
        return [one.port for one in (self._postgres, self._redis) if one.port]

    def stop_postgres(self, how: str) -> None:
        """Stop PostgreSQL: `fast`, `immediate`, or `killed` as by a power cut."""
        self._stop(self._postgres, how, {"fast": signal.SIGINT, "immediate": signal.SIGQUIT})

    def start_postgres(self) -> None:
        self._start(self._postgres)

    def stop_redis(self, how: str) -> None:
        """Stop Redis: `asked`, or `killed`."""
        self._stop(self._redis, how, {"asked": signal.SIGTERM})

    def start_redis(self) -> None:
        self._start(self._redis)

    @contextlib.contextmanager
    def fresh_database(self) -> Iterator[Urls]:
        """Let this process, in all its threads, mean a fresh database and an empty Redis database on these servers."""
        urls = self._profile.urls()
        with _pointing_at(urls):
            seat = Seat.take(urls.database_url, urls.redis_url)
            template.make_database(seat)
            seat.empty_redis()
            seat.server.close()
        own = Urls(database_url=seat.database_url, redis_url=seat.redis_url)
        with _pointing_at(own):
            yield own

    def _start(self, one: _One) -> None:
        try:
            one.process, port = one.kind.start(one.port)
        except server.StartFailed as failure:
            raise CannotRun(str(failure)) from failure
        self._supervisor.look_after(one.process.pid)
        if one.port not in (None, port):
            raise CannotRun(f"{one.kind.name} lost its port {one.port} to another program while it was stopped.")
        one.port = port
        ports = {each.kind.name: each.port for each in (self._postgres, self._redis) if each.port}
        self._profile.write_state(phase="ready", ports=ports)

    def _stop(self, one: _One, how: str, signals: dict[str, signal.Signals]) -> None:
        assert one.process is not None
        if how == "killed":
            _kill_with_children(one.process)
        else:
            server.stop(one.process, [(signals[how], PATIENCE)])
        self._supervisor.let_go(one.process.pid)
        one.process = None

    def _leave(self) -> None:
        for one in (self._redis, self._postgres):
            if one.process is not None:
                one.kind.stop(one.process)
                self._supervisor.let_go(one.process.pid)
                one.process = None
        self._profile.write_state(phase="stopped", ports={})
        self._lock.release()


def _kill_with_children(process: psutil.Process) -> None:
    """A power cut spares nobody; backends that outlived their server would keep its memory and its next start."""
    children = process.children(recursive=True)
    for each in (process, *children):
        with contextlib.suppress(psutil.NoSuchProcess):
            each.kill()
    psutil.wait_procs(children, timeout=PATIENCE)
    process.wait(PATIENCE)


@contextlib.contextmanager
def _pointing_at(urls: Urls) -> Iterator[None]:
    configured = connections.settings["default"]
    former = dict(configured)
    caches = settings.CACHES | {"default": settings.CACHES["default"] | {"LOCATION": urls.redis_url}}
    connections.close_all()
    configured.update(dj_database_url.parse(urls.database_url))
    ContentType.objects.clear_cache()
    try:
        with override_settings(REDIS_URL=urls.redis_url, CELERY_BROKER_URL=urls.redis_url, CACHES=caches):
            yield
    finally:
        connections.close_all()
        configured.clear()
        configured.update(former)
        ContentType.objects.clear_cache()
