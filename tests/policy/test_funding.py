"""What is left of the platform's balance day by day, and what to top up."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.policy.funding import Cause, Movement, forecast

DAY = timedelta(days=1)
MONDAY = date(2026, 3, 2)

DAYS = {  # available, movements as (day, cents): what is left each day, the first short day, what to top up
    "nothing happens": (100, [], [100, 100, 100], None, 0),
    "it suffices to the cent": (100, [(0, -40), (2, -60)], [60, 60, 0], None, 0),
    "short for a day": (100, [(1, -120), (2, 50)], [100, -20, 30], 1, 20),
    "short, then shorter": (100, [(1, -120), (2, -30)], [100, -20, -50], 1, 50),
    "what arrives counts on its day": (0, [(1, 30), (1, -30)], [0, 0, 0], None, 0),
    "a single cent arrives, a single cent leaves": (0, [(0, 1), (1, -1)], [1, 0, 0], None, 0),
    "what was due before is due today": (10, [(-3, -20)], [-10, -10, -10], 0, 10),
    "what comes later is no concern of these days": (10, [(3, -20)], [10, 10, 10], None, 0),
}


def moving(asked: list[tuple[int, int]]) -> list[Movement]:
    return [Movement(on=MONDAY + ahead * DAY, cents=cents, cause=Cause.SETTLEMENT) for ahead, cents in asked]


@pytest.mark.parametrize(("available", "asked", "left", "short", "top_up"), DAYS.values(), ids=DAYS)
def test_what_is_left_of_each_day(available, asked, left, short, top_up):
    found = forecast(available=available, movements=moving(asked), first=MONDAY, days=3)

    assert (found.opening, [day.closing for day in found.days]) == (available, left)
    assert [day.day for day in found.days] == [MONDAY, MONDAY + DAY, MONDAY + 2 * DAY]
    assert (found.short_on.day if found.short_on else None) == (None if short is None else MONDAY + short * DAY)
    assert found.top_up == top_up


def test_each_day_says_what_arrives_and_what_leaves():
    asked = moving([(0, 30), (0, -50), (0, -7), (1, 4)])

    today, tomorrow = forecast(available=0, movements=asked, first=MONDAY, days=2).days

    assert (today.arrives, today.leaves, today.movements) == (30, 57, tuple(asked[:3]))
    assert (tomorrow.arrives, tomorrow.leaves, tomorrow.closing) == (4, 0, -23)


def test_no_days_lack_nothing():
    assert forecast(available=-5, movements=[], first=MONDAY, days=0).top_up == 0


@given(
    available=st.integers(-1_000, 1_000),
    asked=st.lists(st.tuples(st.integers(-2, 6), st.integers(-1_000, 1_000).filter(bool))),
)
def test_what_is_told_to_top_up_suffices_and_a_cent_less_does_not(available, asked):
    def short_with(added: int) -> bool:
        return forecast(available=available + added, movements=moving(asked), first=MONDAY, days=5).short_on is not None

    top_up = forecast(available=available, movements=moving(asked), first=MONDAY, days=5).top_up

    assert not short_with(top_up)
    assert top_up == 0 or short_with(top_up - 1)
