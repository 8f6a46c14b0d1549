"""Who may report, contest, withdraw and dispute, and when: each window with its last instant (P8.1, P8.2, P8.4)."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest

from disputes.policy import (
    Earlier,
    Lesson,
    require_contestable,
    require_disputable,
    require_reportable,
    require_withdrawable,
)
from instainstru.refusals import Refused
from payments.policy.rules import DEFAULT_RULES
from payments.policy.states import BookingStatus, Party, PaymentStatus
from tests.policy.given import ENDS, SETTLEMENT, STARTS

DAY, MOMENT = timedelta(days=1), timedelta(microseconds=1)
STUDENT, INSTRUCTOR, STAFF = Party.STUDENT, Party.INSTRUCTOR, Party.STAFF
DISPUTES_END = ENDS + 180 * DAY


def lesson(
    booking: BookingStatus = BookingStatus.CONFIRMED,
    payment: PaymentStatus = PaymentStatus.AUTHORIZED,
    *,
    is_decided: bool = False,
) -> Lesson:
    return Lesson(booking_status=booking, payment_status=payment, starts_at=STARTS, ends_at=ENDS, is_decided=is_decided)


def case(by: Party, *, absent: Party | None = None, is_open: bool = False) -> Earlier:
    return Earlier(by=by, absent=absent, is_open=is_open)


def refusal_of(ask: Callable[[], None]) -> str:
    """Return the refusal's code, or nothing if it is allowed."""
    try:
        ask()
    except Refused as refusal:
        return refusal.code
    return ""


# --- Reports --------------------------------------------------------------------------------------------------------


def report(now: datetime = ENDS, *, by: Party = STUDENT, absent: Party = INSTRUCTOR, **changes: Any) -> str:
    about, earlier = changes.pop("about", lesson()), changes.pop("earlier", ())
    return refusal_of(
        partial(require_reportable, about, now, by=by, absent=absent, earlier=earlier, rules=DEFAULT_RULES)
    )


@pytest.mark.rule("P8.1")
@pytest.mark.rule("P3.2")
@pytest.mark.parametrize(
    ("now", "code"),
    [
        (STARTS - MOMENT, "report_window_closed"),
        (STARTS, ""),
        (ENDS, ""),
        (SETTLEMENT, ""),
        (SETTLEMENT + MOMENT, "report_window_closed"),
    ],
)
@pytest.mark.parametrize("by", [STUDENT, INSTRUCTOR, STAFF])
def test_an_absence_is_reported_from_the_start_until_a_day_after_the_end(now: datetime, code: str, by: Party) -> None:
    assert report(now, by=by) == code


@pytest.mark.rule("P8.2")
@pytest.mark.parametrize(
    ("earlier", "code"),
    [
        ([case(STUDENT, absent=INSTRUCTOR)], "already_reported"),  # withdrawn, or unfounded
        ([case(STUDENT, absent=INSTRUCTOR, is_open=True)], "already_reported"),
        ([case(STAFF, absent=INSTRUCTOR, is_open=True)], "already_reported"),  # the same absence, open already
        ([case(STAFF, absent=INSTRUCTOR)], ""),
        ([case(INSTRUCTOR, absent=STUDENT, is_open=True)], ""),  # each reports the other: that is contested
        ([case(INSTRUCTOR, absent=STUDENT)], ""),
    ],
)
def test_a_side_reports_once(earlier: list[Earlier], code: str) -> None:
    assert report(earlier=earlier) == code


@pytest.mark.rule("P8.1")
@pytest.mark.parametrize(
    ("about", "code"),
    [
        (lesson(), ""),
        (lesson(BookingStatus.COMPLETED), ""),
        (lesson(BookingStatus.COMPLETED, PaymentStatus.SETTLED), "already_settled"),
        (lesson(BookingStatus.COMPLETED, PaymentStatus.MANUAL_REVIEW), ""),
        (lesson(BookingStatus.COMPLETED, PaymentStatus.MANUAL_REVIEW, is_decided=True), "already_settled"),
        (lesson(BookingStatus.CANCELLED, PaymentStatus.SETTLED), "already_settled"),
        (lesson(BookingStatus.CANCELLED), "already_completed"),
        (lesson(BookingStatus.PENDING), "already_completed"),
        (lesson(BookingStatus.NO_SHOW), "already_completed"),
    ],
)
def test_only_a_lesson_that_stands_has_absentees(about: Lesson, code: str) -> None:
    assert report(about=about) == code


@pytest.mark.rule("P8.2")
@pytest.mark.parametrize(
    ("after", "is_open", "code"),
    [
        (DAY, True, ""),
        (DAY + MOMENT, True, "contest_window_closed"),
        (DAY, False, "already_settled"),
        (DAY + MOMENT, False, "contest_window_closed"),  # a window already past is told first (section 12)
    ],
)
def test_the_accused_contests_within_a_day(after: timedelta, is_open: bool, code: str) -> None:
    assert refusal_of(partial(require_contestable, ENDS + after, reported_at=ENDS, is_open=is_open)) == code


@pytest.mark.rule("P8.2")
@pytest.mark.parametrize(
    ("is_open", "is_contested", "code"),
    [
        (True, False, ""),
        (True, True, "under_review"),
        (False, False, "already_settled"),
        (False, True, "already_settled"),
    ],
)
def test_the_reporter_withdraws_what_nobody_has_contested(is_open: bool, is_contested: bool, code: str) -> None:
    assert refusal_of(partial(require_withdrawable, is_open=is_open, is_contested=is_contested)) == code


# --- Disputes -------------------------------------------------------------------------------------------------------


def dispute(now: datetime = ENDS, *, by: Party = STUDENT, **changes: Any) -> str:
    when = {"cancelled_at": None, "earlier": ()} | changes
    return refusal_of(partial(require_disputable, lesson(), now, by=by, rules=DEFAULT_RULES, **when))


@pytest.mark.rule("P8.4")
@pytest.mark.rule("P3.2")
@pytest.mark.parametrize(("by", "closes"), [(STUDENT, SETTLEMENT), (INSTRUCTOR, SETTLEMENT), (STAFF, DISPUTES_END)])
def test_a_side_disputes_until_a_day_after_the_end_and_staff_for_half_a_year(by: Party, closes: datetime) -> None:
    assert dispute(STARTS - MOMENT, by=by) == "lesson_not_started"
    assert dispute(STARTS, by=by) == ""
    assert dispute(closes, by=by) == ""
    assert dispute(closes + MOMENT, by=by) == "dispute_window_closed"


@pytest.mark.rule("P8.4")
def test_staff_dispute_a_cancelled_booking_from_its_cancellation_on() -> None:
    cancelled_at = STARTS - 2 * DAY

    assert dispute(cancelled_at - MOMENT, by=STAFF, cancelled_at=cancelled_at) == "lesson_not_started"
    assert dispute(cancelled_at, by=STAFF, cancelled_at=cancelled_at) == ""
    assert dispute(cancelled_at, by=STUDENT, cancelled_at=cancelled_at) == "lesson_not_started"
    # Cancelled after its start, it may be disputed from its start like any other.
    assert dispute(STARTS, by=STAFF, cancelled_at=STARTS + DAY) == ""


@pytest.mark.rule("P8.4")
@pytest.mark.parametrize(
    ("by", "earlier", "code"),
    [
        (STUDENT, case(STUDENT), "already_reported"),
        (STUDENT, case(STUDENT, is_open=True), "already_reported"),
        (STUDENT, case(INSTRUCTOR), ""),
        (STUDENT, case(INSTRUCTOR, is_open=True), "under_review"),
        (STAFF, case(STAFF), ""),  # on behalf of either, so again
        (STAFF, case(STAFF, is_open=True), "already_reported"),
        (STAFF, case(STUDENT, is_open=True), "under_review"),
    ],
)
def test_one_dispute_at_a_time_and_one_for_each_side(by: Party, earlier: Earlier, code: str) -> None:
    assert dispute(by=by, earlier=[earlier]) == code
