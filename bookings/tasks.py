"""The clockwork of the calendar."""

from celery import shared_task

from bookings.operations.tiers import evaluate_tiers as evaluate
from instainstru import clock


@shared_task(ignore_result=True)
def evaluate_tiers() -> None:
    """Recompute every instructor's tier, once a night (P1.3)."""
    evaluate(now=clock.now())
