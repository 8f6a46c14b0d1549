"""Which lots give and get which cents: pure, earliest expiring first (P9.2, policy section 7)."""

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
