"""What lies in wait at the points of an operation: the end of whoever comes there, or somebody else's act."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import NoReturn
from unittest import mock

from django.db import connections

from instainstru import clock
from instainstru.local.points import watched
from payments import engine
from payments.models import Operation, Payment

A_MOMENT_AGO = timedelta(seconds=1)


class Killed(BaseException):
    """A worker or a request dies here. No code may catch it, and until it is buried it does nothing more."""


class Ambush:
    """One peril at a time, armed by a step of the story; whoever comes to the point meets it."""

    def __init__(self) -> None:
        self._at_point: int | None = None
        self._at_call: tuple[int, Callable[[], object]] | None = None
        self.is_dead = False
        self.points_passed = 0  # since nothing was passed nothing has been written
        self.struck: Counter[str] = Counter()

    @contextmanager
    def laid(self) -> Iterator[None]:
        """Watch this process's points for as long as the block lasts; how slow it is has no say in what happens."""
        with watched(self._reach), mock.patch.object(engine, "INLINE_BUDGET", timedelta(days=1)):
            yield

    def kill_at(self, points_from_now: int) -> None:
        """Let whoever comes to the so-manieth point from now die there; 0 is the next one."""
        self._at_point = points_from_now

    def meet_at(self, calls_from_now: int, act: Callable[[], object]) -> None:
        """Let something else happen before the so-manieth call to Stripe from now, while no transaction is open."""
        self._at_call = (calls_from_now, act)

    def call_off(self) -> None:
        self._at_point = self._at_call = None

    def bury(self) -> None:
        """Let what the dead one leaves behind come to its end, its leases and claims, as if their time had passed."""
        self.is_dead = False
        for connection in connections.all(initialized_only=True):
            connection.connection = None  # the next query connects
        past = clock.wall() - A_MOMENT_AGO
        Operation.objects.exclude(leased_until=None).update(leased_until=past)
        Payment.objects.exclude(claimed_until=None).update(claimed_until=past)

    def _reach(self, point: str) -> None:
        if self.is_dead:
            raise Killed(point)
        self.points_passed += 1
        if point.startswith(("before GET", "before POST", "before DELETE")):
            self._meet()
        if self._at_point is not None:
            if self._at_point == 0:
                self._at_point = None
                self._die(point)
            self._at_point -= 1

    def _die(self, point: str) -> NoReturn:
        """End without another word to the database, so that the server rolls back what was open."""
        self.is_dead = True
        self.struck[f"killed {_where(point)}"] += 1
        for connection in connections.all(initialized_only=True):
            if connection.connection is not None:
                connection.connection.close()
                connection.closed_in_transaction = connection.needs_rollback = True
        raise Killed(point)

    def _meet(self) -> None:
        if self._at_call is not None:
            left, act = self._at_call
            self._at_call = (left - 1, act)
            if left == 0:
                self._at_call = None
                self.struck["met during a call"] += 1
                act()


def _where(point: str) -> str:
    """Return a point's kind: before or after a commit, a call to Stripe, or a write that is a commit of its own."""
    when, what, *_ = point.split()
    return f"{when} a call" if what in ("GET", "POST", "DELETE") else f"{when} a commit"
