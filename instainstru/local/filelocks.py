"""Locks on files that the kernel itself drops, however their holder dies."""

import fcntl
import os
import time
from pathlib import Path


class FileLock:
    """One open lock file. A fork shares the lock with its parent: it is free when the last of them has closed or died.

    A program that is *executed* doesn't inherit it, so that a started server never counts as its starter.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd: int | None = None

    def try_exclusive(self) -> bool:
        """Take the lock for this holder alone, if nobody else has it."""
        return self._try(fcntl.LOCK_EX)

    def try_shared(self) -> bool:
        """Take the lock together with any others who share it, if nobody has it alone."""
        return self._try(fcntl.LOCK_SH)

    def exclusive_within(self, seconds: float) -> bool:
        """Wait for the lock, alone; return whether it was had in time."""
        return self._within(seconds, fcntl.LOCK_EX)

    def shared_within(self, seconds: float) -> bool:
        """Wait for the lock, shared; return whether it was had in time."""
        return self._within(seconds, fcntl.LOCK_SH)

    def is_held_by_another(self) -> bool:
        """Look whether someone else has the lock alone. Call it on a lock that is not held here."""
        if self.try_shared():
            self.release()
            return False
        return True

    def touch(self) -> None:
        """Leave the present time on the file, for the one who waits for it to be idle."""
        os.utime(self._descriptor())

    def touched_at(self) -> float:
        return os.fstat(self._descriptor()).st_mtime

    def is_gone(self) -> bool:
        """Tell whether the file was removed or replaced since it was opened: then the lock guards nothing any more."""
        mine = os.fstat(self._descriptor())
        try:
            there = self.path.stat()
        except FileNotFoundError:
            return True
        return (mine.st_dev, mine.st_ino) != (there.st_dev, there.st_ino)

    def release(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _descriptor(self) -> int:
        if self._fd is None:
            self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        return self._fd

    def _try(self, kind: int) -> bool:
        while True:
            try:
                fcntl.flock(self._descriptor(), kind | fcntl.LOCK_NB)
            except BlockingIOError:
                self.release()
                return False
            if not self.is_gone():
                return True
            self.release()  # the folder was cleared between open and lock: look at the new file

    def _within(self, seconds: float, kind: int) -> bool:
        deadline = time.monotonic() + seconds
        while not self._try(kind):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True
