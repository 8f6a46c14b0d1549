"""Look at a profile's servers from outside, stop them, and clear their data."""

import os
import shutil
import signal
import time
from dataclasses import dataclass

from instainstru.local.filelocks import FileLock
from instainstru.local.servers.keeper import stop_orphans
from instainstru.local.servers.profile import Profile
from instainstru.local.servers.users import has_keeper

PATIENCE = 60  # seconds for both servers to stop


@dataclass(frozen=True, slots=True)
class Status:
    """What can be seen of a profile from outside."""

    profile: Profile
    phase: str  # "never started", "starting", "ready", "stopping", "stopped", "failed"
    is_in_use: bool
    keeper: int | None
    ports: dict[str, int]


def status(name: str) -> Status:
    """Look at a profile without starting anything and without counting as a user."""
    profile = Profile.named(name)
    if not profile.folder.exists():
        return Status(profile, phase="never started", is_in_use=False, keeper=None, ports={})
    state = profile.read_state()
    lives = has_keeper(profile)
    phase = state.get("phase", "never started")
    if not lives and phase in ("starting", "ready", "stopping"):
        phase = "abandoned by a killed keeper"
    users = _alone(profile)
    if users is not None:
        users.release()
    return Status(
        profile,
        phase=phase,
        is_in_use=users is None,
        keeper=state.get("keeper") if lives else None,
        ports=state.get("ports", {}),
    )


def stop(name: str, *, while_in_use: bool = False) -> bool:
    """Stop a profile's servers, those too that a killed keeper left behind; return whether they are stopped.

    Returns False, and does nothing, when someone uses them and `while_in_use` is not given.
    """
    profile = Profile.named(name)
    if not profile.folder.exists():
        return True
    users = _alone(profile)
    if users is None and not while_in_use:
        return False
    try:
        return _stop(profile)
    finally:
        if users is not None:
            users.release()


def reset(name: str) -> bool:
    """Stop a profile's servers and delete its data; return False, and do nothing, while someone uses them."""
    profile = Profile.named(name)
    if not profile.folder.exists():
        return True
    users = _alone(profile)
    if users is None:
        return False
    try:
        if not _stop(profile):
            return False
        # Moved away at one stroke: whoever comes now makes a new folder and never sees half of the old one.
        doomed = profile.folder.with_name(f"{profile.name}.deleted-{os.getpid()}")
        profile.folder.rename(doomed)
        shutil.rmtree(doomed)
        return True
    finally:
        users.release()


def _alone(profile: Profile) -> FileLock | None:
    """Take the users' lock alone, or return None because there are users."""
    users = FileLock(profile.users_lock)
    # The keeper holds it too: for an instant each time it looks for users, and for long while it stops the servers.
    patience = PATIENCE if profile.read_state().get("phase") == "stopping" and has_keeper(profile) else 0.2
    return users if users.exclusive_within(patience) else None


def _stop(profile: Profile) -> bool:
    deadline = time.monotonic() + PATIENCE
    asked = False
    while has_keeper(profile):
        if time.monotonic() > deadline:
            return False
        state = profile.read_state()
        if not asked and state.get("phase") == "ready":
            os.kill(state["keeper"], signal.SIGTERM)
            asked = True
        time.sleep(0.02)
    return stop_orphans(profile)
