"""A student is told 30 and 7 days before credit expires, once each, and of what can still be spent (P9.1)."""

from datetime import datetime, timedelta

import pytest

from credits.models import CreditLot
from instainstru.notifications.models import Message
from tests.stage import Stage

pytestmark = pytest.mark.rule("P9.1")

DAY = timedelta(days=1)


def told(stage: Stage) -> list[tuple[float, int]]:
    """Return how many days ahead the student was told, and of how many cents."""
    messages = Message.objects.filter(key="credit_expiring", recipient=stage.student).order_by("id")
    expiries = {f"CR-{lot.pk}": lot.expires_at for lot in CreditLot.objects.all()}
    return [
        ((expiries[message.reference] - message.queued_at) / DAY, message.context["amount_cents"])
        for message in messages
    ]


def expiry(stage: Stage) -> datetime:
    return CreditLot.objects.get().expires_at


def test_30_and_7_days_ahead_once_each(stage: Stage) -> None:
    stage.give_credit(4_000, lasts=40 * DAY)

    stage.travel(days=20)
    assert told(stage) == [(30, 4_000)]
    stage.travel(days=30)

    assert told(stage) == [(30, 4_000), (7, 4_000)]


@pytest.mark.parametrize("lasts", [1, 5, 7])
def test_credit_that_lasts_less_than_a_week_is_told_of_once(stage: Stage, lasts: int) -> None:
    stage.give_credit(4_000, lasts=lasts * DAY)

    stage.travel(days=lasts + 1)

    assert told(stage) == [(lasts, 4_000)]


def test_a_clockwork_that_was_down_for_weeks_tells_once(stage: Stage) -> None:
    stage.give_credit(4_000, lasts=40 * DAY)
    stage.stand_at(expiry(stage) - 3 * DAY)

    stage.travel(days=1)

    assert told(stage) == [(3, 4_000)]


def test_it_tells_of_what_can_be_spent_and_nothing_of_what_is_reserved(stage: Stage) -> None:
    stage.give_credit(4_000, lasts=40 * DAY)
    booking = stage.book(hours_ahead=24 * 60, credits=3_000)

    stage.travel_to(expiry(stage) - 20 * DAY)
    assert told(stage) == [(30, 1_000)]
    stage.travel_to(booking.starts_at - 2 * DAY)

    assert told(stage) == [(30, 1_000), (7, 1_000)]


def test_credit_that_is_all_reserved_is_not_told_of(stage: Stage) -> None:
    stage.give_credit(4_000, lasts=40 * DAY)
    stage.book(hours_ahead=24 * 60, credits=4_000)

    stage.travel(days=50)

    assert told(stage) == []


def test_each_credit_is_told_of_by_itself(stage: Stage) -> None:
    stage.give_credit(4_000, lasts=40 * DAY)
    stage.give_credit(1_500, lasts=42 * DAY)

    stage.travel(days=50)

    assert told(stage) == [(30, 4_000), (30, 1_500), (7, 4_000), (7, 1_500)]
