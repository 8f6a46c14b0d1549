"""The keeper: one small detached process per profile that owns both servers and outlives whoever started it.

The servers must not hang on the life of the first process that needed them: a demo would lose its database when an
earlier shell exits. So nobody owns them but the keeper, and the keeper asks the kernel who is left: each user holds a
shared lock on one file for its life, and when the keeper can have that lock for itself, nobody is there any more.
"""

import os
import signal
import sys
import time
import traceback
from dataclasses import dataclass

import psutil

from instainstru.local.filelocks import FileLock
from instainstru.local.servers import server
from instainstru.local.servers.postgres import Postgres
from instainstru.local.servers.profile import Profile, ServersUnavailable
from instainstru.local.servers.valkey import Valkey

LINGER = 10.0  # seconds; so that one manage.py command after another finds the servers running
PERIOD = 0.25  # seconds between looks; a look costs three system calls
RESTARTS = 5  # of a server that dies by itself, within a minute; then something is really wrong


def keep(profile: Profile, *, linger: float = LINGER) -> int:
    """Become the keeper of a profile, in the background, unless there is one; return the exit code.

    Returns to the caller (the starter's child) once the keeper's lock is held, so that from then on "there is a
    keeper" is true or it has failed and said why in the state.
    """
    lock = FileLock(profile.keeper_lock)
    if not lock.exclusive_within(2):  # those who only look hold it for an instant
        return 0
    profile.write_state(phase="starting", ports=profile.read_state().get("ports", {}))
    if os.fork():
        os._exit(0)  # the fork shares the lock, which therefore is never free in between
    os.setsid()
    os.chdir("/")
    keeper = Keeper(profile, lock, linger)
    signal.signal(signal.SIGTERM, keeper.ask_to_stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        keeper.run()
    except (ServersUnavailable, server.StartFailed) as failure:
        keeper.fail(str(failure))
    except Exception:  # noqa: BLE001 - nobody sees a detached process fail: it says why, and takes its servers along
        keeper.fail(f"The keeper failed:\n{traceback.format_exc()}")
    finally:
        lock.release()
    return 0


def stop_orphans(profile: Profile) -> bool:
    """Stop what a killed keeper left running; return False if there is a live keeper, whose business that is."""
    lock = FileLock(profile.keeper_lock)
    if not lock.exclusive_within(2):
        return False
    try:
        for one in (Valkey(profile), Postgres(profile)):
            if running := one.adopt():
                one.stop(running[0])
        return True
    finally:
        lock.release()


@dataclass(slots=True)
class Kept:
    """A server in the keeper's care."""

    server: Postgres | Valkey
    process: psutil.Process
    port: int


class Keeper:
    """Starts, watches and stops the servers of one profile. `lock` is the keeper's lock, held."""

    def __init__(self, profile: Profile, lock: FileLock, linger: float) -> None:
        self._profile = profile
        self._lock = lock
        self._linger = linger
        self._users = FileLock(profile.users_lock)
        self._kept: list[Kept] = []
        self._restarted_at: list[float] = []
        self._asked_to_stop = False

    def ask_to_stop(self, *_: object) -> None:
        self._asked_to_stop = True

    def run(self) -> None:
        """Start the servers, watch over them until nobody needs them, and stop them."""
        remembered = self._profile.read_state().get("ports", {})
        for kind in (Postgres, Valkey):
            one = kind(self._profile)
            process, port = one.adopt() or one.start(remembered.get(one.name))
            self._kept.append(Kept(one, process, port))
        self._write_state("ready")
        self._watch()
        self._stop_servers()

    def fail(self, reason: str) -> None:
        print(reason, file=sys.stderr, flush=True)
        self._stop_servers(failure=reason)

    def _watch(self) -> None:
        """Return when the servers should stop; the users' lock is held then, unless someone insisted."""
        used_at, touched_at = time.monotonic(), 0.0
        while not self._asked_to_stop and not self._lock.is_gone():
            time.sleep(PERIOD)
            self._revive()
            if not self._users.try_exclusive():
                used_at = time.monotonic()
                continue
            if self._users.touched_at() != touched_at:  # someone came and went between two looks
                used_at, touched_at = time.monotonic(), self._users.touched_at()
            if time.monotonic() - used_at >= self._linger:
                return
            self._users.release()

    def _revive(self) -> None:
        """Start again what died by itself: its users reconnect, as they would to a restarted server."""
        for kept in self._kept:
            if server.has_ended(kept.process):
                now = time.monotonic()
                self._restarted_at = [at for at in self._restarted_at if now - at < 60] + [now]
                if len(self._restarted_at) > RESTARTS:
                    raise server.StartFailed(f"{kept.server.name} died {RESTARTS} times within a minute.")
                kept.process, kept.port = kept.server.start(kept.port)
                self._write_state("ready")

    def _stop_servers(self, failure: str = "") -> None:
        self._write_state("stopping")  # first, so that whoever comes now waits for the next keeper
        for kept in reversed(self._kept):
            kept.server.stop(kept.process)
        self._write_state("failed" if failure else "stopped", failure=failure)

    def _write_state(self, phase: str, failure: str = "") -> None:
        if self._lock.is_gone():
            return  # the folder was cleared under our feet: what is there now belongs to another keeper
        ports = self._profile.read_state().get("ports", {}) | {kept.server.name: kept.port for kept in self._kept}
        self._profile.write_state(phase=phase, keeper=os.getpid(), ports=ports, failure=failure)
