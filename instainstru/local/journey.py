"""Travelling while everything runs: web server, worker, beat and simulator are other processes, and stay in step.

The stored offset is what they all follow. During a hop this process alone stands still, at the instant whose sweeps it
runs; the others flow on from there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from urllib.error import URLError

from django.conf import settings
from django.db.models import F, QuerySet

from instainstru import clock
from instainstru.local import gate
from instainstru.local.gate import CannotTravel
from instainstru.local.simulator import SimulatorControl
from instainstru.local.traveller import SWEEPS, Traveller
from instainstru.models import ClockOffset
from instainstru.notifications.models import Message
from instainstru.notifications.tasks import sweep_unsent_messages
from payments.sweeps import WALL, Sweep, when_due


def _messages() -> QuerySet[Any]:
    return Message.objects.unclaimed(at=WALL).annotate(at=F("next_try_at"))


ALL_SWEEPS = (*SWEEPS, Sweep("messages unsent", _messages, sweep_unsent_messages))


def travel_to(instant: datetime, *, tell: Callable[[datetime], None] = lambda arrived_at: None) -> None:
    """Take the whole marketplace to an instant, hop by hop, and let it flow on from there; `tell` hears of each hop.

    Nothing happens for an instant that has passed. Raises CannotTravel where nothing travels, while somebody else
    travels, and when the simulator does not answer.
    """
    if not settings.CLOCK_TRAVELS:
        raise CannotTravel("The clock travels only with DEBUG on and the Stripe simulator.")
    if instant <= clock.now():
        return

    def move(arrived_at: datetime) -> None:
        _move(arrived_at)
        tell(arrived_at)

    with gate.shut(), _standing_still():
        Traveller(move=move, sweeps=ALL_SWEEPS).go_to(instant, run_what_is_due_then=True)


def keep_in_step(simulator: SimulatorControl) -> None:
    """Let the simulator's clock run as far ahead as ours. Raises CannotTravel when it does not answer."""
    try:
        simulator.be_ahead_by(ClockOffset.current().total_seconds())
    except (URLError, ConnectionError) as error:
        raise CannotTravel(
            f"The Stripe simulator does not answer at {simulator.url}, and time passes for both or for none. "
            "Start `make demo` first; STRIPE_API_BASE names a simulator elsewhere."
        ) from error


def next_due() -> list[tuple[datetime, str]]:
    """Return when each sweep next has something to do, the soonest first."""
    return sorted((at, sweep.name) for at, sweep in when_due(ALL_SWEEPS))


def _move(instant: datetime) -> None:
    """Take all clocks to an instant, ours first: should we die in between, the next journey takes the other along."""
    clock.stand_at(instant)
    missing = instant - clock.wall() - ClockOffset.current()
    if missing > timedelta(0):  # else they flowed past it while the sweeps of the last hop ran
        clock.travel_by(missing)
    keep_in_step(SimulatorControl(settings.STRIPE_API_BASE))


@contextmanager
def _standing_still() -> Iterator[None]:
    with clock.standing_at(clock.now()):
        keep_in_step(SimulatorControl(settings.STRIPE_API_BASE))
        yield
