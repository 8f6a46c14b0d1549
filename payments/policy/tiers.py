"""What share of a lesson an instructor gives up: tiers, earned night by night (P1.3)."""

from datetime import datetime, timedelta

from payments.policy.states import Tier

COUNTED = timedelta(days=30)  # lessons completed within
FORGOTTEN_AFTER = timedelta(days=90)  # without a completed lesson
GROWTH_FROM = 5  # lessons
PRO_FROM = 11
FOUNDING_CAP = 100  # instructors, ever

_LADDER = (Tier.ENTRY, Tier.GROWTH, Tier.PRO)


def next_tier(current: Tier, *, completed: int, last_completed_at: datetime | None, now: datetime) -> Tier:
    """Return an instructor's tier after tonight's evaluation (P1.3).

    `completed` counts the lessons completed in the last 30 days. Founding is kept for life; a tier rises at once and
    goes down at most one step a night; 90 days without a completed lesson return to entry.
    """
    if current == Tier.FOUNDING:
        return current
    if last_completed_at is None or now - last_completed_at >= FORGOTTEN_AFTER:
        return Tier.ENTRY
    earned = _LADDER.index(_earned_by(completed))
    return _LADDER[max(earned, _LADDER.index(current) - 1)]


def _earned_by(completed: int) -> Tier:
    if completed >= PRO_FROM:
        return Tier.PRO
    return Tier.GROWTH if completed >= GROWTH_FROM else Tier.ENTRY
