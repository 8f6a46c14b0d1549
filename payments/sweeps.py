"""When each sweep next has something to do, for the travelling clock (design 7)."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Min, Q

from credits.models import CreditLot
from instainstru import clock
from payments import tasks
from payments.models import Operation, Payment, ScheduleChange
from payments.operations.warnings import BEFORE_EXPIRY


@dataclass(frozen=True, slots=True)
class Sweep:
    """A sweep that the traveller can run: its next due instant, or None, and its task."""

    name: str
    next_due_at: Callable[[], datetime | None]
    run: Callable[[], None]
    payment_field: str = ""  # of the sweeps that look at the earliest such instant of all payments


def when_due(sweeps: Iterable[Sweep]) -> list[tuple[datetime, Sweep]]:
    """Ask each sweep, those of payments together, and return what has an instant."""
    asked = list(sweeps)
    of_payments = _next_payments(*(sweep.payment_field for sweep in asked if sweep.payment_field))
    instants = (of_payments[sweep.payment_field] if sweep.payment_field else sweep.next_due_at() for sweep in asked)
    return [(at, sweep) for at, sweep in zip(instants, asked, strict=True) if at is not None]


def _next_payments(*fields: str) -> dict[str, datetime | None]:
    free = Payment.objects.unclaimed(at=clock.wall()).without_open_operation()
    return free.aggregate(**{field: Min(field) for field in fields})


def _of_payments(name: str, field: str, run: Callable[[], None]) -> Sweep:
    return Sweep(name, lambda: _next_payments(field)[field], run, payment_field=field)


def _next_operation() -> datetime | None:
    waiting = Operation.objects.open().exclude(leased_until__gt=clock.wall())
    if waiting.filter(resume_at=None).exists():
        return clock.now()
    return waiting.aggregate(at=Min("resume_at"))["at"]


def _next_schedule_change() -> datetime | None:
    return ScheduleChange.objects.aggregate(at=Min("next_try_at"))["at"]


def _next_expiry() -> datetime | None:
    return CreditLot.objects.filter(available_cents__gt=0).aggregate(at=Min("expires_at"))["at"]


def _next_credit_warning() -> datetime | None:
    expires_at = CreditLot.objects.spendable(at=clock.now()).aggregate(
        **{
            f"before_warning_{number}": Min("expires_at", filter=Q(expiry_warnings__lt=number))
            for number in range(1, len(BEFORE_EXPIRY) + 1)
        }
    )
    at = [instant - ahead for instant, ahead in zip(expires_at.values(), BEFORE_EXPIRY, strict=True) if instant]
    return min(at, default=None)


# In the order in which they run at one and the same instant: what is under way ends before anything begins.
SWEEPS = (
    Sweep("unfinished operations", _next_operation, tasks.sweep_unfinished_operations),
    Sweep("payout schedules", _next_schedule_change, tasks.sweep_unanswered_schedule_changes),
    _of_payments("holds lapsed", "capture_before", tasks.sweep_lapsed_holds),
    _of_payments("final warnings", "warn_at", tasks.sweep_final_warnings),
    _of_payments("unpaid expired", "expire_at", tasks.sweep_expired_unpaid),
    _of_payments("authorizations due", "authorize_at", tasks.sweep_authorizations_due),
    _of_payments("settlements due", "settle_at", tasks.sweep_settlements_due),
    Sweep("credits expiring", _next_credit_warning, tasks.sweep_expiring_credits),
    Sweep("credits expired", _next_expiry, tasks.sweep_expired_credits),
)
