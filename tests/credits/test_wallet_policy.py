"""Which lot gives which cent: pure, the earliest expiring first (P9.2, policy section 7)."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credits.policy import Share, allocate, split
from instainstru.refusals import Refused

NEW_YEAR = datetime(2027, 1, 1, tzinfo=UTC)

shares = st.builds(
    Share,
    lot_id=st.integers(1, 99),
    cents=st.integers(1, 20_000),
    expires_at=st.integers(0, 9).map(lambda days: NEW_YEAR + timedelta(days=days)),
)
wallets = st.lists(shares, max_size=6, unique_by=lambda share: share.lot_id)


def total(wallet: tuple[Share, ...] | list[Share]) -> int:
    return sum(share.cents for share in wallet)


def lot(number: int, cents: int, *, days: int) -> Share:
    return Share(lot_id=number, cents=cents, expires_at=NEW_YEAR + timedelta(days=days))


@pytest.mark.rule("P9.2")
def test_what_expires_first_gives_first_and_the_last_one_is_split() -> None:
    wallet = [lot(1, 3_000, days=200), lot(2, 4_000, days=10), lot(3, 6_000, days=60)]

    assert allocate(wallet, 8_000) == (lot(2, 4_000, days=10), lot(3, 4_000, days=60))


@pytest.mark.rule("P9.2")
def test_of_two_that_expire_together_the_older_one_gives() -> None:
    assert allocate([lot(2, 500, days=10), lot(1, 500, days=10)], 600) == (lot(1, 500, days=10), lot(2, 100, days=10))


@pytest.mark.rule("P9.2")
def test_more_than_there_is_is_refused_and_says_what_there_is() -> None:
    with pytest.raises(Refused) as refusal:
        allocate([lot(1, 500, days=10), lot(2, 100, days=20)], 601)

    assert refusal.value.code == "credits_unavailable"
    assert refusal.value.context == {"usable_cents": 600}


def test_nothing_takes_nothing() -> None:
    assert allocate([], 0) == allocate([lot(1, 500, days=10)], 0) == ()


@pytest.mark.rule("P7.3")
def test_a_forfeit_takes_what_expires_first_so_that_the_student_keeps_what_lasts() -> None:
    lost, kept = split([lot(1, 6_000, days=60), lot(2, 4_000, days=10)], 5_000)

    assert lost == (lot(2, 4_000, days=10), lot(1, 1_000, days=60))
    assert kept == (lot(1, 5_000, days=60),)


@pytest.mark.rule("P9.2")
@given(wallets, st.integers(0, 150_000))
def test_a_split_conserves_every_cent_of_every_lot(wallet: list[Share], cents: int) -> None:
    first, rest = split(wallet, cents)

    assert total(first) == min(cents, total(wallet))
    for share in wallet:
        parts = [part for part in (*first, *rest) if part.lot_id == share.lot_id]
        assert total(parts) == share.cents
        assert {part.expires_at for part in parts} == {share.expires_at}
    assert all(part.cents > 0 for part in (*first, *rest))


@pytest.mark.rule("P9.2")
@given(wallets, st.integers(0, 150_000))
def test_nothing_is_taken_while_something_that_expires_sooner_is_left(wallet: list[Share], cents: int) -> None:
    first, rest = split(wallet, cents)

    if first and rest:
        assert max((part.expires_at, part.lot_id) for part in first) <= min(
            (part.expires_at, part.lot_id) for part in rest
        )


@pytest.mark.rule("P9.2")
@given(wallets, st.integers(0, 150_000))
def test_allocating_takes_all_or_refuses(wallet: list[Share], cents: int) -> None:
    if cents > total(wallet):
        with pytest.raises(Refused, match="credits_unavailable"):
            allocate(wallet, cents)
    else:
        assert total(allocate(wallet, cents)) == cents
