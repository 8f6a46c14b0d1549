"""When each sweep next has something to do, for the travelling clock (design 7)."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any

from django.db.models import Case, DateTimeField, F, QuerySet, Value, When
from django.db.models.functions import Coalesce

from credits.models import CreditLot
from instainstru import clock
from instainstru.prepared import Given, PreparedValues
from payments import tasks
from payments.models import Operation, Payment, ScheduleChange
from payments.operations.warnings import BEFORE_EXPIRY

NOW: Any = Given("now", DateTimeField())
WALL: Any = Given("wall", DateTimeField())


@dataclass(frozen=True, slots=True)
class Sweep:
    """A sweep that the traveller can run: what it waits for, each with its instant `at`, and its task."""

    name: str
    awaited: Callable[[], QuerySet[Any]]  # may name the values NOW and WALL
    run: Callable[[], None]


def when_due(sweeps: Iterable[Sweep]) -> list[tuple[datetime, Sweep]]:
    """Return the sweeps that wait for something, each with the earliest instant of it. One statement asks them all."""
    asked = tuple(sweeps)
    rows = _earliest(asked).all(now=clock.now(), wall=clock.wall())
    return [(at, asked[number]) for number, at in sorted(rows, key=itemgetter(0))]


@functools.cache
def _earliest(sweeps: tuple[Sweep, ...]) -> PreparedValues:
    def one_row_each() -> QuerySet[Any, Any]:
        first, *others = (
            sweep.awaited().filter(at__isnull=False).order_by("at").values_list(Value(number), "at")[:1]
            for number, sweep in enumerate(sweeps)
        )
        return first.union(*others, all=True)

    return PreparedValues(one_row_each)


def _of_payments(name: str, field: str, run: Callable[[], None]) -> Sweep:
    return Sweep(name, lambda: Payment.objects.unclaimed(at=WALL).without_open_operation().annotate(at=F(field)), run)


def _operations() -> QuerySet[Any]:
    return Operation.objects.open().exclude(leased_until__gt=WALL).annotate(at=Coalesce("resume_at", NOW))


def _schedule_changes() -> QuerySet[Any]:
    return ScheduleChange.objects.annotate(at=F("next_try_at"))


def _expiring() -> QuerySet[Any]:
    return CreditLot.objects.filter(available_cents__gt=0).annotate(at=F("expires_at"))


def _credit_warnings() -> QuerySet[Any]:
    next_warning = [
        When(expiry_warnings=told, then=F("expires_at") - ahead) for told, ahead in enumerate(BEFORE_EXPIRY)
    ]
    return CreditLot.objects.spendable(at=NOW).annotate(at=Case(*next_warning))


# In the order in which they run at one and the same instant: what is under way ends before anything begins.
SWEEPS = (
    Sweep("unfinished operations", _operations, tasks.sweep_unfinished_operations),
    Sweep("payout schedules", _schedule_changes, tasks.sweep_unanswered_schedule_changes),
    _of_payments("holds lapsed", "capture_before", tasks.sweep_lapsed_holds),
    _of_payments("final warnings", "warn_at", tasks.sweep_final_warnings),
    _of_payments("unpaid expired", "expire_at", tasks.sweep_expired_unpaid),
    _of_payments("authorizations due", "authorize_at", tasks.sweep_authorizations_due),
    _of_payments("settlements due", "settle_at", tasks.sweep_settlements_due),
    Sweep("credits expiring", _credit_warnings, tasks.sweep_expiring_credits),
    Sweep("credits expired", _expiring, tasks.sweep_expired_credits),
)
