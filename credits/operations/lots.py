"""Lots of credit: issued, reserved by a booking, used or released when it ends, expired (P9.1 to P9.3)."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import F

from credits.models import CreditLot, Reservation, Wallet
from credits.operations.negative_balance import PaidOff, pay_off
from credits.operations.wallet import Kind, lock_wallet, move, write_down
from credits.policy import LIFETIME, Share, allocate, split


@dataclass(frozen=True, slots=True, kw_only=True)
class Expired:
    """What one student lost to expiry. Cents; `movement_id` is the first line of the statement that tells of it."""

    student_id: int
    cents: int
    movement_id: int


def issue(
    *,
    student_id: int,
    cents: int,
    source_key: str,
    now: datetime,
    reference: str = "",
    origin: str = "",
    expires_at: datetime | None = None,
    frozen: bool = False,
) -> tuple[PaidOff, ...]:
    """Give a student new credit, a year to use it (P9.1), and return what it paid off of negative balances (P9.4).

    `reference` is the booking that it is given for; of credit that is given for none, `origin` is what the statement
    names instead. `frozen` credit is given while its booking's chargeback is open (section 11): it can't be spent and
    pays off nothing. A source gives once: giving again under the same key is an IntegrityError.
    """
    lock_wallet(student_id)
    lot = CreditLot.objects.create(
        wallet_id=student_id,
        reference=reference,
        amount_cents=cents,
        available_cents=cents,
        source_key=source_key,
        issued_at=now,
        expires_at=expires_at or now + LIFETIME,
    )
    issued = [Share(lot_id=lot.id, cents=cents, expires_at=lot.expires_at)]
    write_down(issued, Kind.ISSUED, reference or origin, now)
    if frozen:
        move(issued, Kind.FROZEN, reference, now)
        return ()
    return pay_off(student_id, issued, now=now)


def reserve(*, student_id: int, reference: str, cents: int, now: datetime) -> int:
    """Reserve credits for a booking, the earliest expiring first, and return the cents reserved (P9.2).

    Raises Refused("credits_unavailable") if the student has fewer.
    """
    lock_wallet(student_id)
    lots = CreditLot.objects.filter(wallet_id=student_id).spendable(at=now).earliest_expiring_first()
    shares = [Share(lot_id=lot.id, cents=lot.available_cents, expires_at=lot.expires_at) for lot in lots]
    taken = allocate(shares, cents)
    move(taken, Kind.RESERVED, reference, now)
    Reservation.objects.bulk_create(
        Reservation(lot_id=share.lot_id, reference=reference, cents=share.cents) for share in taken
    )
    return cents


def use_reserved(
    *, student_id: int, reference: str, released: int, consumed: int, forfeited: int, now: datetime
) -> tuple[PaidOff, ...]:
    """End a booking's reservation: so many cents are released, consumed and forfeited (P9.2, P9.3).

    Forfeits come from what expires first; what is released keeps its original expiry. Returns what the released credit
    paid off of negative balances (P9.4). Raises ValueError if that is not all that the booking has reserved.
    """
    lock_wallet(student_id)
    reservations = Reservation.objects.filter(reference=reference).select_related("lot")
    shares = [Share(lot_id=held.lot_id, cents=held.cents, expires_at=held.lot.expires_at) for held in reservations]
    if sum(share.cents for share in shares) != released + consumed + forfeited:
        raise ValueError(f"{reference} has reserved {shares}, not {released}+{consumed}+{forfeited}.")
    lost, kept = split(shares, forfeited)
    used, free = split(kept, consumed)
    for part, kind in ((lost, Kind.FORFEITED), (used, Kind.CONSUMED), (free, Kind.RELEASED)):
        move(part, kind, reference, now)
    Reservation.objects.filter(reference=reference).delete()
    return pay_off(student_id, free, now=now)


def expire(*, now: datetime, limit: int) -> list[Expired]:
    """Expire what is past its date, at most that many lots, and return what each student lost (P9.3)."""
    students = list(
        CreditLot.objects.expired(at=now).order_by("expires_at", "id").values_list("wallet_id", flat=True)[:limit]
    )
    # Wallets before lots, in one order, as everywhere; a wallet that is busy is left for the next sweep.
    wallets = list(
        Wallet.objects.filter(student_id__in=students).order_by("student_id").select_for_update(skip_locked=True)
    )
    lost = []
    for wallet in wallets:
        lots = CreditLot.objects.filter(wallet=wallet).expired(at=now)
        shares = [Share(lot_id=lot.id, cents=lot.available_cents, expires_at=lot.expires_at) for lot in lots]
        lots.update(expired_cents=F("expired_cents") + F("available_cents"), available_cents=0)
        if written := write_down(shares, Kind.EXPIRED, "", now):
            cents = sum(share.cents for share in shares)
            lost.append(Expired(student_id=wallet.student_id, cents=cents, movement_id=written[0].pk))
    return lost
