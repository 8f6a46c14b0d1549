"""Free time as tables: hours, exceptions, time off, other lessons, notice, and the nights when clocks change."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bookings.calendar import Calendar, Hours, Obstacle, Span, free_slots, obstacle_to, open_spans

NEW_YORK = ZoneInfo("America/New_York")
HOUR = timedelta(hours=1)
EVERY_DAY = {weekday: (Hours(0, 1_440),) for weekday in range(7)}
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def span(text: str) -> Span:
    """Read `2026-03-02 14:00/15:00`, or two full instants around the slash, as UTC."""
    starts, _, ends = text.partition("/")
    return Span(utc(starts), utc(ends if " " in ends else f"{starts[:10]} {ends}"))


def minutes(text: str) -> int:
    hours, _, rest = text.partition(":")
    return int(hours) * 60 + int(rest)


def hours(text: str) -> tuple[Hours, ...]:
    """Read `09:00-12:00 13:00-17:00`."""
    return tuple(Hours(*map(minutes, stretch.split("-"))) for stretch in text.split())


def free(calendar: Calendar, day: str, *, length=HOUR, now=LONG_AGO) -> list[str]:
    """Return the starts offered on one local day, as its wall clock shows them."""
    starts = datetime.fromisoformat(day).replace(tzinfo=calendar.zone).astimezone(UTC)
    slots = free_slots(calendar, length=length, since=starts, until=starts + timedelta(days=1), now=now)
    return [slot.starts_at.astimezone(calendar.zone).strftime("%H:%M") for slot in slots]


def of_new_york(**rules) -> Calendar:
    """A calendar without notice or buffer whose horizon no test reaches."""
    bare = {"minimum_notice": timedelta(0), "buffer": timedelta(0), "horizon": timedelta(days=20_000)}
    return Calendar(**{"zone": NEW_YORK, **bare, **rules})


class TestHours:
    def test_lessons_are_offered_at_quarter_hours_and_end_within_the_hours(self):
        calendar = of_new_york(weekly={0: hours("09:00-10:30")})

        assert free(calendar, "2026-03-02") == ["09:00", "09:15", "09:30"]

    def test_hours_that_open_off_the_quarter_are_offered_from_the_next_one(self):
        calendar = of_new_york(weekly={0: hours("09:10-10:30")})

        assert free(calendar, "2026-03-02") == ["09:15", "09:30"]

    def test_a_weekday_without_hours_is_closed(self):
        assert free(of_new_york(weekly={0: hours("09:00-17:00")}), "2026-03-03") == []

    def test_an_exception_replaces_the_hours_of_its_date(self):
        calendar = of_new_york(
            weekly={0: hours("09:00-17:00")}, exceptions={date(2026, 3, 2): hours("12:00-13:00 15:00-16:00")}
        )

        assert free(calendar, "2026-03-02") == ["12:00", "15:00"]
        assert "09:00" in free(calendar, "2026-03-09")

    def test_an_exception_without_hours_closes_its_date(self):
        calendar = of_new_york(weekly=EVERY_DAY, exceptions={date(2026, 3, 2): ()})

        assert free(calendar, "2026-03-02") == []

    def test_hours_past_midnight_are_two_rows_and_one_stretch(self):
        calendar = of_new_york(weekly={0: hours("23:00-24:00"), 1: hours("00:00-01:00")})

        starts = free_slots(
            calendar, length=HOUR, since=utc("2026-03-02 00:00"), until=utc("2026-03-04 00:00"), now=LONG_AGO
        )

        assert [f"{slot.starts_at:%d %H:%M}" for slot in starts] == [
            "03 04:00",
            "03 04:15",
            "03 04:30",
            "03 04:45",
            "03 05:00",
        ]

    def test_round_the_clock_is_one_stretch_however_long(self):
        calendar = of_new_york(weekly=EVERY_DAY)

        spans = open_spans(calendar, since=utc("2026-01-01 00:00"), until=utc("2027-01-01 00:00"))

        assert spans == [Span(utc("2026-01-01 00:00"), utc("2027-01-01 00:00"))]

    def test_the_calendars_zone_decides_not_the_students(self):
        calendar = of_new_york(zone=ZoneInfo("Asia/Kolkata"), weekly={0: hours("09:00-10:00")})

        slots = free_slots(
            calendar, length=HOUR, since=utc("2026-03-01 00:00"), until=utc("2026-03-08 00:00"), now=LONG_AGO
        )

        assert slots == [span("2026-03-02 03:30/04:30")]


class TestWhatIsTaken:
    def test_time_off_is_not_offered_and_needs_no_buffer_before_it(self):
        calendar = of_new_york(
            weekly={0: hours("09:00-13:00")}, times_off=(span("2026-03-02 15:00/16:00"),), buffer=timedelta(minutes=30)
        )

        assert free(calendar, "2026-03-02") == ["09:00", "11:00", "11:15", "11:30", "11:45", "12:00"]

    def test_the_buffer_fits_before_the_next_lesson(self):
        # Occupied: a lesson 15:00–16:00 UTC with its own buffer of 15 minutes, so 10:00–11:15 in New York.
        calendar = of_new_york(
            weekly={0: hours("08:00-12:30")}, occupied=(span("2026-03-02 15:00/16:15"),), buffer=timedelta(minutes=30)
        )

        assert free(calendar, "2026-03-02") == ["08:00", "08:15", "08:30", "11:15", "11:30"]

    def test_the_buffer_may_reach_past_the_closing_hour(self):
        calendar = of_new_york(weekly={0: hours("09:00-10:00")}, buffer=timedelta(minutes=30))

        assert free(calendar, "2026-03-02") == ["09:00"]


class TestNoticeAndHorizon:
    CALENDAR = of_new_york(
        weekly=EVERY_DAY, minimum_notice=timedelta(hours=2), horizon=timedelta(days=7), buffer=timedelta(0)
    )
    NOW = utc("2026-03-02 12:00")

    def offered(self) -> list[Span]:
        return free_slots(self.CALENDAR, length=HOUR, since=LONG_AGO, until=utc("2027-01-01 00:00"), now=self.NOW)

    def test_the_first_lesson_starts_exactly_when_the_notice_ends(self):
        assert self.offered()[0].starts_at == utc("2026-03-02 14:00")

    def test_the_last_lesson_starts_exactly_at_the_horizon(self):
        assert self.offered()[-1].starts_at == utc("2026-03-09 12:00")

    def test_without_notice_a_lesson_starts_after_now_and_not_at_it(self):
        calendar = of_new_york(weekly=EVERY_DAY)

        slots = free_slots(calendar, length=HOUR, since=self.NOW, until=self.NOW + HOUR, now=self.NOW)

        assert [f"{slot.starts_at:%H:%M}" for slot in slots] == ["12:15", "12:30", "12:45"]


OBSTACLES = {
    "free": ("2026-03-02 16:00/17:00", None),
    "free off the quarter hour": ("2026-03-02 16:07/17:07", None),
    "in the past": ("2026-03-02 11:00/12:00", Obstacle.STARTED),
    "just now": ("2026-03-02 12:00/13:00", Obstacle.STARTED),
    "within the notice": ("2026-03-02 13:59/14:59", Obstacle.TOO_SOON),
    "at the notice's last instant": ("2026-03-02 14:00/15:00", None),
    "past the horizon": ("2026-03-16 14:00/15:00", Obstacle.TOO_FAR_AHEAD),
    "before opening": ("2026-03-03 13:30/14:30", Obstacle.CLOSED),
    "past closing": ("2026-03-02 21:30/22:30", Obstacle.CLOSED),
    "time off": ("2026-03-03 14:30/15:30", Obstacle.TIME_OFF),
    "another lesson": ("2026-03-04 15:30/16:30", Obstacle.TAKEN),
    "its buffer would meet another lesson": ("2026-03-04 14:00/15:00", Obstacle.TAKEN),
}


@pytest.mark.parametrize(("lesson", "expected"), OBSTACLES.values(), ids=OBSTACLES)
def test_an_obstacle_says_why_a_lesson_is_impossible(lesson, expected):
    calendar = of_new_york(
        weekly={weekday: hours("09:00-17:00") for weekday in range(7)},
        times_off=(span("2026-03-03 15:00/20:00"),),
        occupied=(span("2026-03-04 15:00/16:15"),),
        buffer=timedelta(minutes=15),
        minimum_notice=timedelta(hours=2),
        horizon=timedelta(days=14),
    )

    assert obstacle_to(span(lesson), calendar=calendar, now=utc("2026-03-02 12:00")) == expected


def test_an_obstacle_ignores_everything_that_was_switched_off():
    calendar = of_new_york(weekly=EVERY_DAY)

    lesson = Span(utc("2026-03-08 06:59:59"), utc("2026-03-08 10:59:59"))

    assert obstacle_to(lesson, calendar=calendar, now=utc("2026-03-08 06:59:58")) is None


# Zone, local day, hours, what is open of them in UTC. Each row is one of the nights that go wrong elsewhere.
CLOCK_CHANGES = {
    "New York springs forward: 02:00-03:00 does not exist": (
        "America/New_York", "2026-03-08", "00:00-06:00", ["2026-03-08 05:00/10:00"],
    ),
    "New York springs forward: hours that open in the gap open at its end": (
        "America/New_York", "2026-03-08", "02:30-05:00", ["2026-03-08 07:00/09:00"],
    ),
    "New York springs forward: hours that close in the gap close at its start": (
        "America/New_York", "2026-03-08", "01:00-02:30", ["2026-03-08 06:00/07:00"],
    ),
    "New York springs forward: hours inside the gap never come": (
        "America/New_York", "2026-03-08", "02:15-02:45", [],
    ),
    "New York springs forward: the day has 23 hours": (
        "America/New_York", "2026-03-08", "00:00-24:00", ["2026-03-08 05:00/2026-03-09 04:00"],
    ),
    "New York falls back: the day has 25 hours": (
        "America/New_York", "2026-11-01", "00:00-24:00", ["2026-11-01 04:00/2026-11-02 05:00"],
    ),
    "New York falls back: 01:00-02:00 comes twice without a break": (
        "America/New_York", "2026-11-01", "01:00-02:00", ["2026-11-01 05:00/07:00"],
    ),
    "New York falls back: 01:00-01:30 comes twice with a break": (
        "America/New_York", "2026-11-01", "01:00-01:30", ["2026-11-01 05:00/05:30", "2026-11-01 06:00/06:30"],
    ),
    "New York falls back: closing at 01:30 happens twice": (
        "America/New_York", "2026-11-01", "00:00-01:30", ["2026-11-01 04:00/05:30", "2026-11-01 06:00/06:30"],
    ),
    "Berlin springs forward": ("Europe/Berlin", "2026-03-29", "00:00-04:00", ["2026-03-28 23:00/2026-03-29 02:00"]),
    "Berlin falls back": ("Europe/Berlin", "2026-10-25", "01:00-04:00", ["2026-10-24 23:00/2026-10-25 03:00"]),
    "Lord Howe springs forward by half an hour": (
        "Australia/Lord_Howe", "2026-10-04", "01:00-04:00", ["2026-10-03 14:30/17:00"],
    ),
    "Lord Howe falls back by half an hour": (
        "Australia/Lord_Howe", "2026-04-05", "01:00-04:00", ["2026-04-04 14:00/17:30"],
    ),
    "Lord Howe falls back: a quarter hour comes twice": (
        "Australia/Lord_Howe", "2026-04-05", "01:30-01:45", ["2026-04-04 14:30/14:45", "2026-04-04 15:00/15:15"],
    ),
    "Troll springs forward by two hours": ("Antarctica/Troll", "2026-03-29", "00:00-04:00", ["2026-03-29 00:00/02:00"]),
    "Beirut has no midnight": ("Asia/Beirut", "2026-03-29", "00:00-02:00", ["2026-03-28 22:00/23:00"]),
    "Santiago has no midnight": ("America/Santiago", "2026-09-06", "00:00-02:00", ["2026-09-06 04:00/05:00"]),
    "Santiago has 23:00-24:00 twice": ("America/Santiago", "2026-04-04", "23:00-24:00", ["2026-04-05 02:00/04:00"]),
    "Kathmandu is three quarters off and never changes": (
        "Asia/Kathmandu", "2026-03-29", "09:00-10:00", ["2026-03-29 03:15/04:15"],
    ),
    "Apia skipped a whole day": ("Pacific/Apia", "2011-12-30", "00:00-24:00", []),
}  # fmt: skip


@pytest.mark.parametrize(("zone", "day", "open_hours", "expected"), CLOCK_CHANGES.values(), ids=CLOCK_CHANGES)
def test_hours_are_read_off_the_wall_when_the_clocks_change(zone, day, open_hours, expected):
    calendar = of_new_york(zone=ZoneInfo(zone), exceptions={date.fromisoformat(day): hours(open_hours)})
    around = utc(f"{day} 00:00")

    spans = open_spans(calendar, since=around - timedelta(days=2), until=around + timedelta(days=3))

    assert spans == [span(text) for text in expected]


def test_a_lesson_over_the_clock_change_lasts_real_minutes():
    calendar = of_new_york(weekly={6: hours("01:00-04:00")})

    assert free(calendar, "2026-03-08", length=2 * HOUR) == ["01:00"]  # 01:00 EST to 04:00 EDT
    assert free(calendar, "2026-03-15", length=2 * HOUR) == ["01:00", "01:15", "01:30", "01:45", "02:00"]


def test_a_quarter_hour_that_comes_twice_is_offered_twice():
    calendar = of_new_york(weekly={6: hours("01:00-02:00")})

    assert free(calendar, "2026-11-01") == ["01:00", "01:15", "01:30", "01:45", "01:00"]
