"""When each sweep next has something to do, for the travelling clock (design 7)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Min

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


def _next_payment(field: str) -> Callable[[], datetime | None]:
    def next_due_at() -> datetime | None:
        free = Payment.objects.unclaimed(at=clock.wall()).without_open_operation()
        return free.aggregate(at=Min(field))["at"]

    return next_due_at


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
    at = [
        CreditLot.objects.spendable(at=clock.now())
        .filter(expiry_warnings__lt=number)
        .aggregate(at=Min("expires_at") - ahead)["at"]
        for number, ahead in enumerate(BEFORE_EXPIRY, start=1)
    ]
    return min((instant for instant in at if instant is not None), default=None)


# In the order in which they run at one and the same instant: what is under way ends before anything begins.
SWEEPS = (
    Sweep("unfinished operations", _next_operation, tasks.sweep_unfinished_operations),
    Sweep("payout schedules", _next_schedule_change, tasks.sweep_unanswered_schedule_changes),
    Sweep("final warnings", _next_payment("warn_at"), tasks.sweep_final_warnings),
    Sweep("unpaid expired", _next_payment("expire_at"), tasks.sweep_expired_unpaid),
    Sweep("authorizations due", _next_payment("authorize_at"), tasks.sweep_authorizations_due),
    Sweep("settlements due", _next_payment("settle_at"), tasks.sweep_settlements_due),
    Sweep("credits expiring", _next_credit_warning, tasks.sweep_expiring_credits),
    Sweep("credits expired", _next_expiry, tasks.sweep_expired_credits),
)
