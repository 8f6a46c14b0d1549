"""What Prometheus is told of the money, read from the database when it asks (design 9)."""

from collections.abc import Callable
from datetime import datetime

from django.db.models import Min

from instainstru import clock
from payments.models import Operation, Payment, ReconciliationItem, Step

SWEPT = ("authorize_at", "expire_at", "settle_at", "warn_at", "capture_before")


def drift() -> float:
    return ReconciliationItem.objects.unresolved().drift()


def age_of_the_oldest_operation() -> float:
    return _seconds_since(Operation.objects.open().aggregate(at=Min("accepted_at"))["at"])


def unanswered_calls() -> float:
    return Step.objects.filter(state=Step.State.SENT, operation__in=Operation.objects.open()).count()


def lateness_of_the_sweeps() -> float:
    """How long ago the first payment fell due that no sweep has taken up, and nothing else is being done with."""
    now = clock.now()
    free = Payment.objects.unclaimed(at=clock.wall()).without_open_operation()
    # One look into the small index behind each sweep.
    first = (free.filter(**{f"{name}__lte": now}).order_by(name).values_list(name, flat=True).first() for name in SWEPT)
    return _seconds_since(min((at for at in first if at is not None), default=None))


def _seconds_since(instant: datetime | None) -> float:
    return 0.0 if instant is None else max(0.0, (clock.now() - instant).total_seconds())


GAUGES: dict[str, tuple[str, Callable[[], float]]] = {
    "books_drift_cents": (
        "Cents by which our books and Stripe's differ: every work item of reconciling that is not resolved.",
        drift,
    ),
    "operations_oldest_open_seconds": ("Age of the oldest operation that is under way.", age_of_the_oldest_operation),
    "stripe_calls_unanswered": ("Calls whose answer is not known.", unanswered_calls),
    "sweeps_late_seconds": ("Since when the first due payment waits for its sweep.", lateness_of_the_sweeps),
}
