"""Which lots give and get which cents: pure, the earliest expiring first (P9.2, policy section 7)."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credits.policy import LIFETIME, Owed, Share, allocate, share_out, split
from instainstru.refusals import Refused

NOW = datetime(2027, 5, 20, 15, 0, tzinfo=UTC)


def lot(number: int, cents: int, *, days: int) -> Share:
    return Share(lot_id=number, cents=cents, expires_at=NOW + timedelta(days=days))


LASTS, SOON, LATER = lot(1, 3_000, days=200), lot(2, 4_000, days=10), lot(3, 6_000, days=60)
shares = st.lists(st.builds(lot, st.integers(1, 9), st.integers(1, 9_000), days=st.integers(1, 5)), max_size=5)


@pytest.mark.rule("P9.2")
def test_the_earliest_expiring_gives_first_and_one_lot_is_split() -> None:
    assert allocate([LASTS, SOON, LATER], 8_000) == (SOON, lot(3, 4_000, days=60))


@pytest.mark.rule("P9.2")
def test_of_two_that_expire_together_the_older_gives_first() -> None:
    younger, older = lot(9, 500, days=10), lot(4, 500, days=10)

    assert allocate([younger, older], 700) == (older, lot(9, 200, days=10))


@pytest.mark.rule("P9.2")
def test_everything_may_be_taken_and_nothing_need_be() -> None:
    assert allocate([LASTS, SOON], 7_000) == (SOON, LASTS)
    assert allocate([LASTS, SOON], 0) == ()


@pytest.mark.rule("P9.2")
def test_more_than_there_is_is_refused_and_says_what_there_is() -> None:
    with pytest.raises(Refused) as refusal:
        allocate([LASTS, SOON], 7_001)

    assert refusal.value.code == "credits_unavailable"
    assert refusal.value.context == {"usable_cents": 7_000}


@pytest.mark.rule("P9.2")
def test_a_split_parts_the_first_cents_from_the_rest() -> None:
    lost, kept = split([LASTS, SOON, LATER], 5_000)

    assert lost == (SOON, lot(3, 1_000, days=60))
    assert kept == (lot(3, 5_000, days=60), LASTS)  # what lasts longest is kept


@pytest.mark.rule("P9.2")
@given(shares, st.integers(0, 50_000))
def test_no_cent_is_made_or_lost_in_a_split(lots: list[Share], cents: int) -> None:
    first, rest = split(lots, cents)

    assert sum(share.cents for share in first) == min(cents, sum(share.cents for share in lots))
    assert sum(share.cents for share in (*first, *rest)) == sum(share.cents for share in lots)
    assert all(share.cents > 0 for share in (*first, *rest))
    assert not (first and rest) or max(share.expires_at for share in first) <= min(share.expires_at for share in rest)


@pytest.mark.rule("P9.1")
def test_credit_lasts_a_year() -> None:
    assert LIFETIME.days == 365


# --- What is owed -----------------------------------------------------------------------------------------------------


@pytest.mark.rule("P9.4")
def test_what_is_owed_is_paid_off_in_order_by_what_expires_first() -> None:
    first, second = Owed(balance_id=7, cents=5_000), Owed(balance_id=8, cents=1_000)

    assert share_out([LASTS, SOON, LATER], [first, second]) == (
        (7, (SOON, lot(3, 1_000, days=60))),
        (8, (lot(3, 1_000, days=60),)),
    )


@pytest.mark.rule("P9.4")
def test_credit_pays_off_as_far_as_it_goes() -> None:
    owed = [Owed(balance_id=7, cents=2_000), Owed(balance_id=8, cents=5_000), Owed(balance_id=9, cents=1)]

    assert share_out([SOON], owed) == ((7, (lot(2, 2_000, days=10),)), (8, (lot(2, 2_000, days=10),)))
    assert share_out([], owed) == ()
    assert share_out([SOON], []) == ()


@pytest.mark.rule("P9.4")
@given(shares, st.lists(st.integers(1, 9_000), max_size=4))
def test_what_is_paid_off_is_the_less_of_what_is_owed_and_what_was_added(added, debts) -> None:
    owed = [Owed(balance_id=number, cents=cents) for number, cents in enumerate(debts)]

    paid = {number: sum(share.cents for share in shares) for number, shares in share_out(added, owed)}

    assert sum(paid.values()) == min(sum(debts), sum(share.cents for share in added))
    unpaid = [number for number, cents in enumerate(debts) if paid.get(number, 0) < cents]
    assert not any(number in paid for number in unpaid[1:])  # nobody is paid before the one who comes first
