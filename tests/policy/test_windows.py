"""Time windows (policy section 3). They are differences of UTC instants, whatever the clocks on the wall do."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.policy.rules import DEFAULT_RULES
from payments.policy.windows import (
    Window,
    authorization_due_at,
    checkout_expires_at,
    in_words,
    next_authorization_at,
    settlement_due_at,
    unpaid_cancellation_due_at,
    window_at,
)
from tests.policy.given import ENDS, STARTS

MOMENT = timedelta(microseconds=1)
HOUR = timedelta(hours=1)
NEW_YORK = ZoneInfo("America/New_York")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")  # moves its clocks by half an hour

AHEAD = {
    "days": (timedelta(days=9), Window.EARLY),
    "a moment more than 24 h": (24 * HOUR + MOMENT, Window.EARLY),
    "exactly 24 h": (24 * HOUR, Window.EARLY),
    "a moment less than 24 h": (24 * HOUR - MOMENT, Window.MIDDLE),
    "18 h": (18 * HOUR, Window.MIDDLE),
    "a moment more than 12 h": (12 * HOUR + MOMENT, Window.MIDDLE),
    "exactly 12 h": (12 * HOUR, Window.MIDDLE),
    "a moment less than 12 h": (12 * HOUR - MOMENT, Window.LATE),
    "a moment": (MOMENT, Window.LATE),
    "the start": (timedelta(0), Window.STARTED),
    "a moment after the start": (-MOMENT, Window.STARTED),
}


@pytest.mark.rule("P3.1")
@pytest.mark.parametrize(("ahead", "window"), AHEAD.values(), ids=AHEAD)
def test_each_window_includes_its_last_instant(ahead: timedelta, window: Window) -> None:
    assert window_at(STARTS - ahead, starts_at=STARTS, rules=DEFAULT_RULES) == window


WALL_CLOCKS = {  # the lesson, the request as the same wall clock shows it, the window
    # 2027-03-14 02:00 becomes 03:00 in New York: the day has 23 hours.
    "the same time a day before the spring change": (
        datetime(2027, 3, 14, 9, tzinfo=NEW_YORK),
        datetime(2027, 3, 13, 9, tzinfo=NEW_YORK),
        Window.MIDDLE,
    ),
    "an hour before that": (
        datetime(2027, 3, 14, 9, tzinfo=NEW_YORK),
        datetime(2027, 3, 13, 8, tzinfo=NEW_YORK),
        Window.EARLY,
    ),
    "twelve on the wall over the spring change": (
        datetime(2027, 3, 14, 9, tzinfo=NEW_YORK),
        datetime(2027, 3, 13, 21, tzinfo=NEW_YORK),
        Window.LATE,
    ),
    # 2027-11-07 02:00 becomes 01:00 again: the day has 25 hours.
    "the same time a day before the autumn change": (
        datetime(2027, 11, 7, 9, tzinfo=NEW_YORK),
        datetime(2027, 11, 6, 9, tzinfo=NEW_YORK),
        Window.EARLY,
    ),
    "an hour after that": (
        datetime(2027, 11, 7, 9, tzinfo=NEW_YORK),
        datetime(2027, 11, 6, 10, tzinfo=NEW_YORK),
        Window.EARLY,
    ),
    "a moment later still": (
        datetime(2027, 11, 7, 9, tzinfo=NEW_YORK),
        datetime(2027, 11, 6, 10, 0, 0, 1, tzinfo=NEW_YORK),
        Window.MIDDLE,
    ),
    "the first of the two half past ones": (
        datetime(2027, 11, 7, 13, 30, tzinfo=NEW_YORK),
        datetime(2027, 11, 7, 1, 30, tzinfo=NEW_YORK, fold=0),
        Window.MIDDLE,
    ),
    "the second of the two half past ones": (
        datetime(2027, 11, 7, 13, 30, tzinfo=NEW_YORK),
        datetime(2027, 11, 7, 1, 30, tzinfo=NEW_YORK, fold=1),
        Window.MIDDLE,
    ),
    "a moment after the second": (
        datetime(2027, 11, 7, 13, 30, tzinfo=NEW_YORK),
        datetime(2027, 11, 7, 1, 30, 0, 1, tzinfo=NEW_YORK, fold=1),
        Window.LATE,
    ),
    "half an hour's change": (
        datetime(2027, 10, 3, 12, tzinfo=LORD_HOWE),
        datetime(2027, 10, 2, 12, tzinfo=LORD_HOWE),
        Window.MIDDLE,
    ),
    "over midnight and the year": (
        datetime(2028, 1, 1, 0, 0, tzinfo=NEW_YORK),
        datetime(2027, 12, 31, 0, 0, tzinfo=NEW_YORK),
        Window.EARLY,
    ),
}


@pytest.mark.rule("P3.1")
@pytest.mark.parametrize(("lesson", "request_at", "window"), WALL_CLOCKS.values(), ids=WALL_CLOCKS)
def test_windows_do_not_follow_the_wall_clock(lesson: datetime, request_at: datetime, window: Window) -> None:
    # Differences of two instants in one zone are differences on its wall clock; the platform keeps UTC.
    starts_at, instant = (moment.astimezone(ZoneInfo("UTC")) for moment in (lesson, request_at))

    assert window_at(instant, starts_at=starts_at, rules=DEFAULT_RULES) == window


@pytest.mark.rule("P3.1")
@given(st.datetimes(timezones=st.timezones()), st.timedeltas(timedelta(days=-2), timedelta(days=2)))
def test_the_window_is_the_same_in_every_zone(lesson: datetime, ahead: timedelta) -> None:
    utc = ZoneInfo("UTC")
    try:
        starts_at = lesson.astimezone(utc)
        instant = starts_at - ahead
    except OverflowError:  # at the ends of the calendar
        return

    window = window_at(instant, starts_at=starts_at, rules=DEFAULT_RULES)

    order = [Window.STARTED, Window.LATE, Window.MIDDLE, Window.EARLY]
    assert order.index(window) == sum((ahead > timedelta(0), ahead >= 12 * HOUR, ahead >= 24 * HOUR))


# --- What is due when ---------------------------------------------------------------------------------------------


@pytest.mark.rule("P5.1")
def test_authorization_is_due_exactly_24_hours_before_the_start() -> None:
    assert authorization_due_at(STARTS, rules=DEFAULT_RULES) == STARTS - 24 * HOUR


@pytest.mark.rule("P5.5")
def test_settlement_is_due_exactly_24_hours_after_the_end() -> None:
    assert settlement_due_at(ENDS, rules=DEFAULT_RULES) == ENDS + 24 * HOUR


@pytest.mark.rule("P10.1")
def test_an_unpaid_lesson_is_cancelled_12_hours_before_its_start() -> None:
    assert unpaid_cancellation_due_at(STARTS, rules=DEFAULT_RULES) == STARTS - 12 * HOUR


@pytest.mark.rule("P5.2")
@pytest.mark.parametrize(
    ("made_before", "expires_before"),
    [
        (timedelta(hours=20), timedelta(hours=19, minutes=30)),
        (timedelta(minutes=31), timedelta(minutes=1)),
        (timedelta(minutes=30), timedelta(0)),
        (timedelta(minutes=29), timedelta(0)),
        (MOMENT, timedelta(0)),
    ],
    ids=str,
)
def test_a_checkout_expires_after_30_minutes_or_at_the_start(made_before: timedelta, expires_before: timedelta) -> None:
    expires_at = checkout_expires_at(made_at=STARTS - made_before, starts_at=STARTS, rules=DEFAULT_RULES)

    assert expires_at == STARTS - expires_before


@pytest.mark.rule("P10.1")
def test_a_refused_card_is_tried_after_1_h_then_4_h_then_every_8_h_until_12_h_are_left() -> None:
    def tries(first: timedelta) -> list[timedelta]:
        made, at = [first], STARTS - first
        while at := next_authorization_at(refused_at=at, refusals=len(made), starts_at=STARTS, rules=DEFAULT_RULES):
            made.append(STARTS - at)
        return made

    assert tries(24 * HOUR) == [24 * HOUR, 23 * HOUR, 19 * HOUR]  # with the default windows
    assert tries(72 * HOUR) == [hours * HOUR for hours in (72, 71, 67, 59, 51, 43, 35, 27, 19)]


@pytest.mark.rule("P10.1")
def test_no_try_is_made_at_the_instant_of_the_cancellation() -> None:
    def next_try(refused_before: timedelta) -> datetime | None:
        return next_authorization_at(
            refused_at=STARTS - refused_before, refusals=1, starts_at=STARTS, rules=DEFAULT_RULES
        )

    assert next_try(13 * HOUR + MOMENT) == STARTS - 12 * HOUR - MOMENT
    assert next_try(13 * HOUR) is None


@pytest.mark.parametrize(
    ("window", "words"),
    [(24 * HOUR, "24 hours"), (72 * HOUR, "72 hours"), (HOUR, "1 hour"), (1.5 * HOUR, "90 minutes")],
)
def test_a_window_is_named_as_it_is_configured(window: timedelta, words: str) -> None:
    assert in_words(window) == words
