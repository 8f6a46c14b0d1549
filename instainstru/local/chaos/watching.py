"""Sees operations that nobody is at any more, and how long until somebody takes them up (design 4, "Recovery")."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from django.db import DatabaseError, connection
from django.db.models import Q

from instainstru import clock
from payments.models import Operation

PERIOD = 0.2  # seconds between two looks
A_MOMENT = 1.0  # seconds that an operation may lie between its begin and its first runner


@dataclass(slots=True)
class Recovered:
    """Operations whose runner died, and after how many seconds each was taken up by another."""

    seconds: list[float] = field(default_factory=list)
    abandoned: int = 0  # of them all


class Watch:
    """Looks at the open operations, in a thread of its own, for as long as it runs."""

    def __init__(self) -> None:
        self.recovered = Recovered()
        self._alone_since: dict[tuple[int, str], float] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> Recovered:
        """Return what was seen; what is still without a runner counts as abandoned and not as taken up."""
        self._ended.set()
        self._thread.join()
        self.recovered.abandoned += sum(map(_is_abandoned, self._alone_since.values()))
        return self.recovered

    def _run(self) -> None:
        while not self._ended.wait(PERIOD):
            try:
                self._look()
            except DatabaseError:
                connection.close()
        connection.close()

    def _look(self) -> None:
        """Compare who lies alone now with who did before: who does not any more was taken up."""
        expired = ~Q(lease_token="") & Q(leased_until__lt=clock.wall())
        alone = Operation.objects.open().filter(expired | Q(lease_token="", resume_at=None))
        now = {(pk, token) for pk, token in alone.values_list("pk", "lease_token")}
        at = time.monotonic()
        for one in self._alone_since.keys() - now:
            since = self._alone_since.pop(one)
            if _is_abandoned(since):
                self.recovered.abandoned += 1
                self.recovered.seconds.append(at - since)
        for one in now:
            self._alone_since.setdefault(one, at)


def _is_abandoned(since: float) -> bool:
    """One that lies alone for a moment only has just been begun; its runner is on the way."""
    return time.monotonic() - since > A_MOMENT
