"""Free time against an oracle that knows nothing of spans: it reads the wall clock every five minutes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from bookings.calendar import GRID, Calendar, Hours, Span, free_slots, obstacle_to

TICK = timedelta(minutes=5)  # hours, lessons and what is taken begin and end on ticks, so reading these is enough
WINDOW = timedelta(days=2)

# Days on which the clocks of these zones change, by an hour, by half of one, by two, over midnight; and one quiet zone.
NIGHTS = [
    ("America/New_York", datetime(2026, 3, 8, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 11, 1, tzinfo=UTC)),
    ("Europe/London", datetime(2026, 10, 25, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 4, 4, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 10, 3, tzinfo=UTC)),
    ("Antarctica/Troll", datetime(2026, 10, 25, tzinfo=UTC)),
    ("America/Santiago", datetime(2026, 4, 5, tzinfo=UTC)),
    ("Asia/Beirut", datetime(2026, 3, 28, tzinfo=UTC)),
    ("America/St_Johns", datetime(2026, 3, 8, tzinfo=UTC)),
    ("Asia/Kathmandu", datetime(2026, 6, 1, tzinfo=UTC)),
]


def ticks(low: int, high: int) -> st.SearchStrategy[timedelta]:
    return st.integers(low, high).map(lambda count: count * TICK)


@st.composite
def hours_of_a_day(draw: st.DrawFn) -> tuple[Hours, ...]:
    edges = sorted(draw(st.sets(st.integers(0, 288), max_size=6)))
    return tuple(Hours(opens * 5, closes * 5) for opens, closes in zip(edges[::2], edges[1::2], strict=False))


@st.composite
def spans_around(draw: st.DrawFn, instant: datetime) -> Span:
    starts_at = instant + draw(ticks(-288, 576))
    return Span(starts_at, starts_at + draw(ticks(1, 60)))


@st.composite
def situations(draw: st.DrawFn) -> tuple[Calendar, datetime, datetime]:
    """Draw a calendar, the start of the window that is looked at, and the present instant."""
    name, night = draw(st.sampled_from(NIGHTS))
    day = (night + timedelta(hours=12)).date()
    calendar = Calendar(
        zone=ZoneInfo(name),
        weekly=draw(st.dictionaries(st.integers(0, 6), hours_of_a_day())),
        exceptions=draw(
            st.dictionaries(st.integers(-1, 2).map(lambda days: day + timedelta(days=days)), hours_of_a_day())
        ),
        times_off=tuple(draw(st.lists(spans_around(night), max_size=2))),
        occupied=tuple(draw(st.lists(spans_around(night), max_size=4))),
        buffer=draw(ticks(0, 12)),
        minimum_notice=draw(ticks(0, 36)),
        horizon=draw(ticks(1, 576)),
    )
    return calendar, night, night + draw(ticks(-288, 288))


lengths = st.integers(2, 16).map(lambda quarters: quarters * GRID)


def is_open(calendar: Calendar, instant: datetime) -> bool:
    reading = instant.astimezone(calendar.zone)
    minute = reading.hour * 60 + reading.minute
    return any(hours.opens <= minute < hours.closes for hours in calendar.hours_of(reading.date()))


def starts_by_reading_the_clock(
    calendar: Calendar, *, length: timedelta, since: datetime, now: datetime
) -> list[datetime]:
    """Return what `free_slots` should offer in the window, judged instant by instant."""
    count = length // TICK
    readings = [is_open(calendar, since + tick * TICK) for tick in range(WINDOW // TICK + count)]
    offered = []
    for tick in range(0, WINDOW // TICK, GRID // TICK):
        starts_at = since + tick * TICK
        lesson, with_buffer = Span(starts_at, starts_at + length), Span(starts_at, starts_at + length + calendar.buffer)
        if (
            now < starts_at
            and now + calendar.minimum_notice <= starts_at <= now + calendar.horizon
            and all(readings[tick : tick + count])
            and not any(lesson.overlaps(off) for off in calendar.times_off)
            and not any(with_buffer.overlaps(taken) for taken in calendar.occupied)
        ):
            offered.append(starts_at)
    return offered


@settings(deadline=None, max_examples=150)
@given(situations(), lengths)
def test_exactly_those_slots_are_offered_that_the_wall_clock_allows(situation, length):
    calendar, since, now = situation

    slots = free_slots(calendar, length=length, since=since, until=since + WINDOW, now=now)

    assert [slot.starts_at for slot in slots] == starts_by_reading_the_clock(
        calendar, length=length, since=since, now=now
    )
    assert {slot.ends_at - slot.starts_at for slot in slots} <= {length}


@settings(deadline=None, max_examples=60)
@given(situations(), lengths)
def test_a_quarter_hour_is_offered_just_when_nothing_stands_in_its_way(situation, length):
    calendar, since, now = situation

    offered = set(free_slots(calendar, length=length, since=since, until=since + WINDOW, now=now))

    for quarter in range(WINDOW // GRID):
        lesson = Span(since + quarter * GRID, since + quarter * GRID + length)
        assert (obstacle_to(lesson, calendar=calendar, now=now) is None) == (lesson in offered)


@settings(deadline=None, max_examples=60)
@given(situations(), lengths, st.data())
def test_taking_more_time_never_frees_any(situation, length, data):
    calendar, since, now = situation
    busier = replace(calendar, occupied=(*calendar.occupied, data.draw(spans_around(since))))

    def offered(calendar: Calendar) -> set[Span]:
        return set(free_slots(calendar, length=length, since=since, until=since + WINDOW, now=now))

    assert offered(busier) <= offered(calendar)


@settings(deadline=None, max_examples=60)
@given(situations(), lengths)
def test_a_window_cut_in_two_offers_the_same(situation, length):
    calendar, since, now = situation
    middle, until = since + WINDOW / 2, since + WINDOW

    halves = [
        slot
        for start, end in [(since, middle), (middle, until)]
        for slot in free_slots(calendar, length=length, since=start, until=end, now=now)
    ]

    assert halves == free_slots(calendar, length=length, since=since, until=until, now=now)
