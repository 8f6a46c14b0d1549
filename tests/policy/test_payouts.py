"""How a payout reaches its instructor, and what stands behind a line of their statement (P5.5, P6.4, P7.3)."""

import pytest

from payments.policy.payouts import payout_ahead
from payments.policy.pricing import Terms
from payments.policy.statements import Breakdown, breakdown

CARD_ONLY = Terms(lesson_price=12_000, student_fee=1_440, instructor_fee=1_440)  # the worked example, section 13
WITH_CREDIT = Terms(lesson_price=12_000, student_fee=1_440, instructor_fee=1_440, credits=5_000)
ODD = Terms(lesson_price=8_333, student_fee=1_000, instructor_fee=1_250)  # HC 41.67, P 70.83, HP 35.42

AHEAD = {  # terms, captured, what the instructor holds: what comes with the charge, and by a transfer of ours
    "P5.5 the charge's transfer is all": ((CARD_ONLY, 0, 0), (10_560, 0)),
    "P5.5 the charge's transfer, and the top-up": ((WITH_CREDIT, 0, 0), (8_440, 2_120)),
    "P6.4 locked: all of it by transfer": ((WITH_CREDIT, 8_440, 0), (0, 10_560)),
    "P10.3 what the instructor holds counts": ((WITH_CREDIT, 8_440, 8_440), (0, 2_120)),
    "P10.3 and is never taken back by it": ((WITH_CREDIT, 8_440, 10_561), (0, 0)),
}


@pytest.mark.rule("P5.5")
@pytest.mark.parametrize(("stands", "expected"), AHEAD.values(), ids=AHEAD)
def test_a_payout_comes_with_the_charge_and_by_transfer(stands, expected):
    terms, captured, holds = stands

    ahead = payout_ahead(terms, captured=captured, instructor_holds=holds)

    assert (ahead.by_charge, ahead.by_transfer) == expected
    assert ahead.total == sum(expected)


BREAKDOWNS = {  # terms, what was booked: the price and the fee behind it
    "P5.5 a lesson": (CARD_ONLY, 10_560, Breakdown(12_000, 1_440)),
    "P7.3 half of it": (CARD_ONLY, 5_280, Breakdown(6_000, 720)),
    "P7.3 half of an odd one": (ODD, 3_542, Breakdown(4_167, 625)),
    "P8.4 taken back whole": (CARD_ONLY, -10_560, Breakdown(-12_000, -1_440)),
    "P10.3 more than was earned": (CARD_ONLY, 11_000, Breakdown(12_440, 1_440)),
    "P8.6 part of a refund": (CARD_ONLY, -3_520, Breakdown(-3_520, 0)),
    "a cent is a cent": (CARD_ONLY, 1, Breakdown(1, 0)),
    "nothing is nothing": (CARD_ONLY, 0, Breakdown(0, 0)),
    "of no booking": (None, -10_560, Breakdown(-10_560, 0)),
}


@pytest.mark.rule("P1.2")
@pytest.mark.parametrize(("terms", "net", "expected"), BREAKDOWNS.values(), ids=BREAKDOWNS)
def test_what_is_booked_is_the_price_less_the_fee(terms, net, expected):
    found = breakdown(terms, net)

    assert found == expected
    assert found.price - found.fee == net
