"""The scenario runner itself: it reads times as they are written, sees every difference, and knows no case by name."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from instainstru.local.scenarios.runner import play_case
from instainstru.local.scenarios.times import read_time
from instainstru.local.simulator import SimulatorControl

START = datetime(2027, 1, 14, 16, tzinfo=UTC)
ANCHORS = {"start": START, "end": START + timedelta(hours=1), "now": START - timedelta(days=2)}

LATE_CANCEL: dict[str, Any] = {
    "id": "any-name",
    "rule": "P7.3",
    "given": {"booked_before_hours": 72},
    "events": [{"at": "start-6h", "do": "student_cancel"}],
    "expect": {"booking_status": "cancelled", "instructor_net_cents": 5_280, "credits_issued_cents": 6_000},
}


def play(case: dict[str, Any], simulator: SimulatorControl) -> tuple[str, ...]:
    return play_case(case, simulator=simulator, start_over=lambda: None).differences


@pytest.mark.parametrize(
    ("written", "instant"),
    [
        ("start", START),
        ("now", START - timedelta(days=2)),
        ("start-18h", START - timedelta(hours=18)),
        ("end+30m", START + timedelta(hours=1, minutes=30)),
        ("end+3d", START + timedelta(days=3, hours=1)),
        ("start-23h59m59s", START - timedelta(hours=23, minutes=59, seconds=59)),
    ],
)
def test_times_are_read_as_they_are_written(written: str, instant: datetime) -> None:
    assert read_time(written, ANCHORS) == instant


@pytest.mark.parametrize("written", ["", "begin+1h", "start+", "start+1w", "start 1h", "start-1h-1m", "18h"])
def test_other_words_are_no_times(written: str) -> None:
    with pytest.raises(ValueError, match="no time"):
        read_time(written, ANCHORS)


def test_a_case_goes_the_same_way_under_any_name(stripe: SimulatorControl) -> None:
    assert play(LATE_CANCEL | {"id": "renamed", "rule": "P0"}, stripe) == ()


def test_a_wrong_amount_is_a_difference(stripe: SimulatorControl) -> None:
    differences = play(LATE_CANCEL | {"expect": {"instructor_net_cents": 5_279}}, stripe)

    assert differences == ("instructor_net_cents: expected 5279, is 5280",)


def test_a_wrong_amount_in_between_is_a_difference(stripe: SimulatorControl) -> None:
    event = {"at": "start-30h", "do": "nothing", "expect": {"payment_status": "authorized"}}

    (difference,) = play({"id": "x", "given": {}, "events": [event], "expect": {}}, stripe)

    assert difference == "event 1 (start-30h nothing): payment_status: expected authorized, is scheduled"


def test_an_expectation_that_nobody_can_look_at_is_a_difference(stripe: SimulatorControl) -> None:
    assert play(LATE_CANCEL | {"expect": {"mood": "good"}}, stripe) == ("mood: nobody can look at this yet",)


def test_a_refusal_that_was_not_expected_is_a_difference(stripe: SimulatorControl) -> None:
    events = [{"at": "start+1h", "do": "student_cancel"}]

    assert play(LATE_CANCEL | {"events": events, "expect": {}}, stripe) == (
        "event 1 (start+1h student_cancel): refused with lesson_started",
    )


def test_a_refusal_with_another_code_is_a_difference(stripe: SimulatorControl) -> None:
    events = [{"at": "start+1h", "do": "student_cancel", "refused": "already_settled"}]

    assert play(LATE_CANCEL | {"events": events, "expect": {}}, stripe) == (
        "event 1 (start+1h student_cancel): refused with lesson_started instead of already_settled",
    )


def test_what_should_have_been_refused_is_a_difference(stripe: SimulatorControl) -> None:
    events = [{"at": "start-6h", "do": "student_cancel", "refused": "lesson_started"}]

    assert play(LATE_CANCEL | {"events": events, "expect": {}}, stripe) == (
        "event 1 (start-6h student_cancel): was accepted instead of refused with lesson_started",
    )


def test_what_nobody_can_do_yet_is_a_difference(stripe: SimulatorControl) -> None:
    (difference,) = play(LATE_CANCEL | {"events": [{"at": "start-6h", "do": "sing"}]}, stripe)

    assert difference == "not playable: sing"


def test_money_that_stripe_has_and_the_books_have_not_is_a_difference(
    stripe: SimulatorControl, monkeypatch: pytest.MonkeyPatch
) -> None:
    fund = stripe.fund_platform
    monkeypatch.setattr(stripe, "fund_platform", lambda cents: [fund(1), fund(cents)][1])

    (difference,) = play(LATE_CANCEL, stripe)

    assert difference == "Stripe agrees: platform balance is off by -$0.01"
