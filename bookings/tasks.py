"""The clockwork of the calendar."""

from celery import shared_task

from bookings.operations.reminders import send_due_reminders
from bookings.operations.tiers import evaluate_tiers as evaluate
from instainstru import clock


@shared_task(ignore_result=True)
def evaluate_tiers() -> None:
    """Recompute every instructor's tier, once a night (P1.3)."""
    evaluate(now=clock.now())


@shared_task(ignore_result=True)
def sweep_reminders_due(*, limit: int = 100) -> None:
    """Remind both sides of lessons that start in a day or in an hour."""
    while send_due_reminders(now=clock.now(), limit=limit) == limit:
        pass
