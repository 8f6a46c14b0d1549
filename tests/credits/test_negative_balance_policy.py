"""Which credit pays off what is owed: pure, the oldest first, with what expires first (P9.4)."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credits.policy import Owed, Share, share_out

NOW = datetime(2027, 5, 20, 15, 0, tzinfo=UTC)

pytestmark = pytest.mark.rule("P9.4")


def lot(number: int, cents: int, *, days: int) -> Share:
    return Share(lot_id=number, cents=cents, expires_at=NOW + timedelta(days=days))


SOON, LATER = lot(1, 4_000, days=10), lot(2, 6_000, days=60)
OLD, YOUNG = Owed(balance_id=7, cents=5_000), Owed(balance_id=8, cents=3_000)

CASES = {
    "nothing is owed": ([SOON], [], ()),
    "nothing was added": ([], [OLD], ()),
    "part of what is owed": ([SOON], [OLD], ((7, (SOON,)),)),
    "all of what is owed, and something is left": ([LATER], [OLD], ((7, (lot(2, 5_000, days=60),)),)),
    "to the cent": ([lot(1, 5_000, days=9)], [OLD, YOUNG], ((7, (lot(1, 5_000, days=9),)),)),
    "the oldest first, then the next": (
        [LATER],
        [OLD, YOUNG],
        ((7, (lot(2, 5_000, days=60),)), (8, (lot(2, 1_000, days=60),))),
    ),
    "what expires first pays first": (
        [LATER, SOON],
        [OLD, YOUNG],
        ((7, (SOON, lot(2, 1_000, days=60))), (8, (lot(2, 3_000, days=60),))),
    ),
}


@pytest.mark.parametrize(("added", "owed", "expected"), CASES.values(), ids=CASES)
def test_credit_pays_off_what_is_owed(added: list[Share], owed: list[Owed], expected: tuple) -> None:
    assert share_out(added, owed) == expected


shares = st.lists(st.builds(lot, st.integers(1, 9), st.integers(1, 9_000), days=st.integers(1, 5)), max_size=5)
debts = st.lists(st.builds(Owed, balance_id=st.integers(1, 99), cents=st.integers(1, 9_000)), max_size=4)


@given(shares, debts.map(lambda found: [Owed(balance_id=n, cents=owed.cents) for n, owed in enumerate(found)]))
def test_as_much_is_paid_off_as_there_is_and_no_more_than_is_owed(added: list[Share], owed: list[Owed]) -> None:
    paid = {number: sum(share.cents for share in shares) for number, shares in share_out(added, owed)}

    assert sum(paid.values()) == min(sum(share.cents for share in added), sum(balance.cents for balance in owed))
    assert list(paid) == [balance.balance_id for balance in owed][: len(paid)]  # in order, and none left out
    assert all(paid[balance.balance_id] == balance.cents for balance in owed[: max(0, len(paid) - 1)])
    assert all(cents > 0 for cents in paid.values())
