"""What the clockwork has to do next, derived from a payment's state alone."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.policy.deadlines import NONE_DUE, Deadlines, deadlines
from payments.policy.rules import DEFAULT_RULES
from payments.policy.states import BookingStatus, PaymentStatus
from tests.policy.given import ENDS, STARTS

HOUR, MOMENT = timedelta(hours=1), timedelta(microseconds=1)
MADE = STARTS - 72 * HOUR
SETTLE = ENDS + 24 * HOUR
SCHEDULED, AUTHORIZED, LOCKED, CARD_REFUSED = (
    PaymentStatus.SCHEDULED,
    PaymentStatus.AUTHORIZED,
    PaymentStatus.LOCKED,
    PaymentStatus.PAYMENT_METHOD_REQUIRED,
)
PENDING, CONFIRMED, COMPLETED = BookingStatus.PENDING, BookingStatus.CONFIRMED, BookingStatus.COMPLETED


def due(status: PaymentStatus, booking: BookingStatus = CONFIRMED, **state: Any) -> Deadlines:
    return deadlines(
        **{
            "booking_status": booking,
            "payment_status": status,
            "made_at": MADE,
            "starts_at": STARTS,
            "ends_at": ENDS,
            "is_held": False,
            "refused_at": None,
            "refusals": 0,
            "collection_refused_at": None,
            "now": MADE,
            "rules": DEFAULT_RULES,
        }
        | state
    )


@pytest.mark.rule("P5.1")
def test_a_scheduled_payment_waits_for_t_minus_24_and_for_the_settlement() -> None:
    assert due(SCHEDULED) == Deadlines(authorize_at=STARTS - 24 * HOUR, settle_at=SETTLE)


@pytest.mark.rule("P10.1")
def test_an_authorization_that_was_missed_stays_due() -> None:
    assert due(SCHEDULED, now=STARTS + HOUR) == due(SCHEDULED)


@pytest.mark.rule("P5.5")
@pytest.mark.parametrize("status", [AUTHORIZED, LOCKED])
@pytest.mark.parametrize("booking", [CONFIRMED, COMPLETED])
def test_a_paid_lesson_waits_for_the_settlement_marked_or_not(status: PaymentStatus, booking: BookingStatus) -> None:
    assert due(status, booking) == Deadlines(settle_at=SETTLE)


@pytest.mark.rule("P5.2")
def test_an_unpaid_checkout_waits_for_its_end_only() -> None:
    assert due(CARD_REFUSED, PENDING) == Deadlines(expire_at=MADE + timedelta(minutes=30))
    assert due(CARD_REFUSED, PENDING, made_at=STARTS - timedelta(minutes=10)) == Deadlines(expire_at=STARTS)


LADDER = {  # refused how long before the start, for the how many-th time -> next try before the start
    "first": (24, 1, 23),
    "second": (23, 2, 19),
    "third": (19, 3, None),
    "fourth, long before": (40, 4, 32),
    "first, late": (12.5, 1, None),
}


@pytest.mark.rule("P10.1")
@pytest.mark.parametrize(("before", "refusals", "next_before"), LADDER.values(), ids=LADDER)
def test_a_refused_card_is_tried_on_the_ladder(before: float, refusals: int, next_before: float | None) -> None:
    refused_at = STARTS - before * HOUR

    assert due(CARD_REFUSED, refused_at=refused_at, refusals=refusals, now=refused_at) == Deadlines(
        authorize_at=None if next_before is None else STARTS - next_before * HOUR,
        warn_at=STARTS - 13 * HOUR if before > 13 else None,
        expire_at=STARTS - 12 * HOUR,
        settle_at=SETTLE,
    )


@pytest.mark.rule("P10.1")
def test_after_the_start_nothing_is_cancelled_and_the_settlement_tries_again() -> None:
    refused_at = STARTS + HOUR

    assert due(CARD_REFUSED, refused_at=refused_at, refusals=1, now=refused_at) == Deadlines(settle_at=SETTLE)


@pytest.mark.rule("P10.2")
def test_a_refused_settlement_is_tried_again_after_4_hours() -> None:
    refused = {"refused_at": SETTLE, "refusals": 1, "collection_refused_at": SETTLE, "now": SETTLE}

    assert due(CARD_REFUSED, COMPLETED, **refused) == Deadlines(settle_at=SETTLE + 4 * HOUR)


@pytest.mark.rule("P10.1")
@pytest.mark.rule("P5.5")
def test_the_settlement_tries_when_it_is_due_however_lately_the_card_was_refused() -> None:
    refused_at = SETTLE - HOUR

    assert due(CARD_REFUSED, refused_at=refused_at, refusals=1, now=refused_at) == Deadlines(settle_at=SETTLE)


@pytest.mark.rule("P10.1")
@pytest.mark.parametrize(("before", "is_due"), [(12 * HOUR + MOMENT, True), (12 * HOUR, False), (-HOUR, False)])
def test_a_try_that_was_missed_is_made_as_long_as_t_minus_12_is_not_reached(before: timedelta, is_due: bool) -> None:
    missed = due(CARD_REFUSED, refused_at=STARTS - 23 * HOUR, refusals=2, now=STARTS - before)

    assert (missed.authorize_at is not None) == is_due


@pytest.mark.rule("P10.1")
@pytest.mark.rule("P10.2")
def test_a_card_that_is_held_is_not_asked_to_hold_once_more() -> None:
    """A capture that the student asked for may be refused while a try of the ladder was missed."""
    refused_at = STARTS - 23 * HOUR

    missed = {"refused_at": refused_at, "refusals": 2, "now": STARTS - 13 * HOUR}

    assert due(CARD_REFUSED, **missed).authorize_at == STARTS - 19 * HOUR
    assert due(CARD_REFUSED, **missed, is_held=True).authorize_at is None


@pytest.mark.rule("P4.2")
@pytest.mark.parametrize("status", [PaymentStatus.SETTLED, PaymentStatus.MANUAL_REVIEW])
@pytest.mark.parametrize("booking", [*BookingStatus])
def test_what_is_settled_or_frozen_waits_for_no_clockwork(status: PaymentStatus, booking: BookingStatus) -> None:
    assert due(status, booking) == NONE_DUE


@pytest.mark.rule("P7.10")
@pytest.mark.parametrize("status", [*PaymentStatus])
@pytest.mark.parametrize("booking", [BookingStatus.CANCELLED, BookingStatus.NO_SHOW])
def test_a_lesson_that_is_over_otherwise_waits_for_no_clockwork(status: PaymentStatus, booking: BookingStatus) -> None:
    ladder = booking == BookingStatus.NO_SHOW and status in (CARD_REFUSED, PaymentStatus.AUTHORIZED)
    if not ladder:
        assert due(status, booking, refused_at=MADE, refusals=1) == NONE_DUE


@pytest.mark.rule("P8.3")
@pytest.mark.rule("P10.2")
def test_a_student_who_did_not_come_and_whose_card_was_refused_is_asked_again_every_4_hours() -> None:
    """From the ruling on, even if the lesson has just begun; a card that is held by then is charged at once."""
    ruled_at = STARTS + HOUR / 4

    assert due(CARD_REFUSED, BookingStatus.NO_SHOW, refused_at=ruled_at, refusals=1) == Deadlines(
        settle_at=ruled_at + 4 * HOUR
    )
    assert due(PaymentStatus.AUTHORIZED, BookingStatus.NO_SHOW, refused_at=ruled_at, refusals=1) == Deadlines(
        settle_at=ruled_at
    )


instants = st.datetimes(
    min_value=datetime(2027, 5, 10), max_value=datetime(2027, 6, 10), timezones=st.just(STARTS.tzinfo)
)


@pytest.mark.rule("P10.1")
@given(st.sampled_from(PaymentStatus), st.sampled_from(BookingStatus), instants, st.integers(1, 12), instants, instants)
def test_deriving_them_again_changes_nothing(
    status: PaymentStatus, booking: BookingStatus, refused_at: datetime, refusals: int, now: datetime, later: datetime
) -> None:
    """A sweep that gives a payment back derives its deadlines once more; they must not drift with the clock."""
    state = {"refused_at": refused_at, "refusals": refusals}
    first, again = due(status, booking, now=now, **state), due(status, booking, now=later, **state)

    assert first.settle_at == again.settle_at
    unpaid_until = STARTS - 12 * HOUR
    if status != CARD_REFUSED or (now < unpaid_until) == (later < unpaid_until):  # then it is not tried any more
        assert first.authorize_at == again.authorize_at
    if (now < STARTS) == (later < STARTS):  # after the start nothing is cancelled any more
        assert first.expire_at == again.expire_at
