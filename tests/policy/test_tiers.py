"""Tiers, evaluated night by night (P1.3)."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.policy.states import Tier
from payments.policy.tiers import next_tier
from tests.policy.given import STARTS

TONIGHT = STARTS
FOUNDING, ENTRY, GROWTH, PRO = Tier.FOUNDING, Tier.ENTRY, Tier.GROWTH, Tier.PRO

NIGHTS = {  # the tier today, lessons in 30 days, days since the last -> the tier tomorrow
    "4 lessons are too few": (ENTRY, 4, 1, ENTRY),
    "5 lessons are growth": (ENTRY, 5, 1, GROWTH),
    "10 lessons are growth": (ENTRY, 10, 1, GROWTH),
    "11 lessons are pro, at once": (ENTRY, 11, 1, PRO),
    "growth is kept": (GROWTH, 5, 1, GROWTH),
    "pro is kept": (PRO, 11, 1, PRO),
    "pro goes down one step": (PRO, 10, 1, GROWTH),
    "pro goes down one step only": (PRO, 0, 40, GROWTH),
    "growth goes down one step": (GROWTH, 4, 1, ENTRY),
    "a day less than 90": (PRO, 0, 89, GROWTH),
    "90 days without a lesson": (PRO, 0, 90, ENTRY),
    "never a lesson": (GROWTH, 0, None, ENTRY),
    "founding is for life": (FOUNDING, 0, None, FOUNDING),
    "founding never rises": (FOUNDING, 50, 1, FOUNDING),
}


@pytest.mark.rule("P1.3")
@pytest.mark.parametrize(("today", "lessons", "days_ago", "tomorrow"), NIGHTS.values(), ids=NIGHTS)
def test_a_night_evaluates_a_tier(today: Tier, lessons: int, days_ago: int | None, tomorrow: Tier) -> None:
    last = None if days_ago is None else TONIGHT - timedelta(days=days_ago)

    assert next_tier(today, completed=lessons, last_completed_at=last, now=TONIGHT) == tomorrow


@pytest.mark.rule("P1.3")
@given(st.sampled_from([ENTRY, GROWTH, PRO]), st.integers(0, 40), st.integers(0, 29))
def test_with_the_same_lessons_every_night_a_tier_comes_to_rest(start: Tier, lessons: int, days_ago: int) -> None:
    tier, last = start, TONIGHT - timedelta(days=days_ago)
    for _ in range(2):  # from pro to entry takes two nights
        tier = next_tier(tier, completed=lessons, last_completed_at=last, now=TONIGHT)

    assert tier == (PRO if lessons >= 11 else GROWTH if lessons >= 5 else ENTRY)
