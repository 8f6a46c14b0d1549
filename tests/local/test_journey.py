"""Travelling beside everything that runs: all clocks move, and what falls due on the way is done at its own instant."""

import json
import re
from datetime import UTC, datetime, timedelta
from io import StringIO
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command

from instainstru import clock
from instainstru.local import journey
from instainstru.local.gate import CannotTravel
from instainstru.models import ClockOffset
from instainstru.notifications.models import Message
from payments.models import Operation, Payment
from tests.stage import Stage

HOUR = timedelta(hours=1)
A_MOMENT = timedelta(seconds=30)  # clocks flow while a test runs


@pytest.fixture
def flowing_stage(stripe, student, instructor) -> Stage:
    """The cast ready to do business, today."""
    return Stage.set(stripe, student=student, instructor=instructor)


def simulators_clock(stage: Stage) -> datetime:
    return datetime.fromtimestamp(stage.simulator._ask("GET", "/_control/clock")["now"], tz=UTC)


def test_all_clocks_arrive_and_flow_on(flowing_stage):
    destination = clock.now() + 100 * HOUR

    journey.travel_to(destination)

    assert destination <= clock.now() < destination + A_MOMENT
    assert destination <= simulators_clock(flowing_stage) < destination + A_MOMENT
    assert ClockOffset.current() > 99 * HOUR
    first_look = clock.now()
    assert clock.now() > first_look


def test_what_falls_due_on_the_way_is_done_at_its_own_instant(flowing_stage):
    booking = flowing_stage.book(hours_ahead=30)

    journey.travel_to(booking.ends_at + 24 * HOUR)

    done = dict(Operation.objects.values_list("kind", "accepted_at"))
    assert done["authorize"] == booking.starts_at - 24 * HOUR
    assert done["settle"] == booking.ends_at + 24 * HOUR  # also what is due at the destination
    assert Payment.objects.get().status == "settled"
    assert not flowing_stage.disorder()


def test_messages_go_out_on_the_way(flowing_stage, mailoutbox):
    booking = flowing_stage.book(hours_ahead=30)

    journey.travel_to(booking.starts_at)

    assert not Message.objects.exclude(next_try_at=None).exists()
    reminder = Message.objects.filter(key="lesson_reminder_student").order_by("sent_at").first()
    assert reminder is not None
    assert reminder.sent_at == booking.starts_at - 24 * HOUR
    assert mailoutbox


def test_the_past_is_no_destination(flowing_stage):
    before = ClockOffset.current()

    journey.travel_to(clock.now() - HOUR)

    assert ClockOffset.current() == before


def test_nothing_moves_without_the_simulator(flowing_stage, settings):
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"  # nobody listens there

    with pytest.raises(CannotTravel, match="does not answer"):
        journey.travel_to(clock.now() + HOUR)

    assert ClockOffset.current() == timedelta(0)


def test_nothing_travels_where_real_money_is(flowing_stage, settings):
    settings.CLOCK_TRAVELS = False

    with pytest.raises(CommandError, match="DEBUG on and the Stripe simulator"):
        call_command("clock", "advance", "24h")


def test_the_command_shows_time_and_what_is_due_next(flowing_stage):
    booking = flowing_stage.book(hours_ahead=30)
    out = StringIO()

    call_command("clock", "advance", "1h30m", stdout=out)

    assert re.search(r"\((1:30:00|1:29:5\d) behind\)", out.getvalue())
    assert f"{booking.starts_at - 24 * HOUR:%Y-%m-%d %H:%M:%S} UTC  authorizations due" in out.getvalue()


def test_the_command_travels_to_an_instant_of_any_zone(flowing_stage):
    destination = (clock.now() + 20 * HOUR).astimezone(ZoneInfo("Asia/Tokyo")).replace(microsecond=0)

    call_command("clock", "to", destination.isoformat(), stdout=StringIO())

    assert destination <= clock.now() < destination + A_MOMENT


@pytest.mark.parametrize(
    ("way", "said"),
    [
        (("advance", "24 hours"), "'24 hours' is no distance"),
        (("to", "tomorrow"), "no instant"),
        (("to", "2020-01-01"), "Time goes forward only"),
    ],
    ids=["distance", "instant", "the past"],
)
def test_the_command_says_what_it_does_not_understand(flowing_stage, way, said):
    with pytest.raises(CommandError, match=said):
        call_command("clock", *way)


def test_the_past_is_a_wrong_question_and_not_a_failure(flowing_stage):
    with pytest.raises(CommandError) as refused:
        call_command("clock", "to", "2020-01-01")

    assert refused.value.returncode == 2


def test_the_command_answers_in_json_wherever_it_is_asked_for(flowing_stage):
    booking = flowing_stage.book(hours_ahead=30)

    for asked in (("--json", "advance", "1h"), ("advance", "1h", "--json"), ("--json",)):
        out = StringIO()
        call_command("clock", *asked, stdout=out)
        told = json.loads(out.getvalue())
        assert told["dry_run"] is False
        assert {"at": (booking.starts_at - 24 * HOUR).isoformat(), "sweep": "authorizations due"} in told["next"]
    assert told["ahead_seconds"] == pytest.approx(2 * 3600, abs=A_MOMENT.total_seconds())


def test_a_dry_run_tells_what_is_known_to_fall_due_and_stays(flowing_stage):
    booking = flowing_stage.book(hours_ahead=30)
    out = StringIO()

    call_command("clock", "advance", "7h", "--dry-run", "--json", stdout=out)

    told = json.loads(out.getvalue())
    assert (told["dry_run"], ClockOffset.current()) == (True, timedelta(0))
    assert {"at": (booking.starts_at - 24 * HOUR).isoformat(), "sweep": "authorizations due"} in told["next"]
    assert all(datetime.fromisoformat(each["at"]) <= clock.now() + 7 * HOUR for each in told["next"])


def test_a_long_journey_tells_where_it_is(flowing_stage, monkeypatch):
    monkeypatch.setattr("instainstru.local.management.commands.clock.TELL_EVERY", timedelta(0))
    flowing_stage.book(hours_ahead=30)
    out, told = StringIO(), StringIO()

    call_command("clock", "advance", "8h", "--json", stdout=out, stderr=told)

    assert "on the way to" in told.getvalue()
    json.loads(out.getvalue())
