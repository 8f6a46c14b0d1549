"""Instructors' tiers: evaluated each night, and the founding places, which are few (P1.3)."""

from datetime import datetime

from django.db import connection
from django.db.models import Count, Max, Q, QuerySet

from bookings.models import Instructor
from payments.policy.states import BookingStatus, Tier
from payments.policy.tiers import COUNTED, FOUNDING_CAP, next_tier

FOUNDING_PLACES = 4_117_001  # the advisory lock under which founding places are counted and given
BATCH = 500


def evaluate_tiers(*, now: datetime) -> int:
    """Recompute every instructor's tier but the founding ones' and return how many changed.

    A tier change never alters an existing booking (P1.2). Running twice in one night would lower a tier twice, so each
    evaluation is kept with its date, and a second one on the same UTC date finds nothing to do.
    """
    changed = 0
    last_id = 0
    while batch := list(_to_evaluate(now).filter(pk__gt=last_id)[:BATCH]):
        last_id = batch[-1][0]
        for instructor_id, tier, completed, last_completed_at in batch:
            current = Tier(tier)
            new = next_tier(current, completed=completed, last_completed_at=last_completed_at, now=now)
            if _set_tier(instructor_id, current, new, now=now) and new != current:
                changed += 1
    return changed


def count_founding_places_left() -> int:
    """Return how many founding places are left; nobody else counts or gives one until the open transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [FOUNDING_PLACES])
    return FOUNDING_CAP - Instructor.objects.filter(tier=Tier.FOUNDING).count()


def _to_evaluate(now: datetime) -> QuerySet[Instructor, tuple[int, str, int, datetime | None]]:
    """Who was not evaluated today: id, tier, lessons completed in the last 30 days, the end of the last one."""
    taken = Q(bookings__status=BookingStatus.COMPLETED)
    lately = taken & Q(bookings__ends_at__gt=now - COUNTED)
    evaluated_before = Q(tier_evaluated_on=None) | Q(tier_evaluated_on__lt=now.date())
    return (
        Instructor.objects.exclude(tier=Tier.FOUNDING)
        .filter(evaluated_before)
        .annotate(completed=Count("bookings", filter=lately), last=Max("bookings__ends_at", filter=taken))
        .order_by("pk")
        .values_list("pk", "tier", "completed", "last")
    )


def _set_tier(instructor_id: int, current: Tier, new: Tier, *, now: datetime) -> bool:
    """Keep an evaluation; False if the tier changed meanwhile: a founding place is not taken away again."""
    unchanged = Instructor.objects.filter(pk=instructor_id, tier=current)
    return bool(unchanged.update(tier=new, tier_evaluated_on=now.date()))
