"""Which lots give and get which cents: pure, earliest expiring first (P9.2, P9.4, policy section 7)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from instainstru.refusals import Refused

LIFETIME = timedelta(days=365)  # P9.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """Some cents of one lot."""

    lot_id: int
    cents: int
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """Some cents of a negative balance, not paid off yet."""

    balance_id: int
    cents: int


def allocate(lots: Sequence[Share], cents: int) -> tuple[Share, ...]:
    """Return what each lot gives so that together they give that many cents, the earliest expiring first (P9.2).

    Raises Refused("credits_unavailable") if the lots do not hold so many.
    """
    taken, _ = split(lots, cents)
    if sum(share.cents for share in taken) < cents:
        raise Refused("credits_unavailable", usable_cents=sum(lot.cents for lot in lots))
    return taken


def split(shares: Sequence[Share], cents: int) -> tuple[tuple[Share, ...], tuple[Share, ...]]:
    """Split shares into the first that many cents, the earliest expiring first, and the rest.

    A forfeit takes the first part, so that the student keeps what lasts longest (policy section 7).
    """
    first: list[Share] = []
    rest: list[Share] = []
    for share in sorted(shares, key=lambda share: (share.expires_at, share.lot_id)):
        taken = min(share.cents, cents)
        cents -= taken
        if taken:
            first.append(Share(lot_id=share.lot_id, cents=taken, expires_at=share.expires_at))
        if share.cents > taken:
            rest.append(Share(lot_id=share.lot_id, cents=share.cents - taken, expires_at=share.expires_at))
    return tuple(first), tuple(rest)


def share_out(added: Sequence[Share], owed: Sequence[Owed]) -> tuple[tuple[int, tuple[Share, ...]], ...]:
    """Return which shares of credit just added pay off which negative balance (P9.4).

    What is owed comes in the order in which it is paid off, as far as the credit goes; what expires first pays first,
    so that the student keeps what lasts longest.
    """
    paid = []
    rest = tuple(added)
    for balance in owed:
        shares, rest = split(rest, balance.cents)
        if shares:
            paid.append((balance.balance_id, shares))
    return tuple(paid)
