"""Moving credits. Each function works inside its caller's transaction and returns what moved, so that the caller
posts the same movements to the ledger in the same commit (design 2)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import F

from credits.models import CreditLot, CreditMovement, Reservation, Wallet
from credits.policy import LIFETIME, Share, allocate, split

Kind = CreditMovement.Kind


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
    expires_at: datetime | None = None,
) -> int:
    """Give a student new credit, a year to use it (P9.1), and return the cents issued.

    `reference` is the booking that the statement names as its origin. A source gives once: giving again under the same
    key is an IntegrityError.
    """
    _lock_wallet(student_id)
    lot = CreditLot.objects.create(
        wallet_id=student_id,
        amount_cents=cents,
        available_cents=cents,
        source_key=source_key,
        issued_at=now,
        expires_at=expires_at or now + LIFETIME,
    )
    _write_down([Share(lot_id=lot.id, cents=cents, expires_at=lot.expires_at)], Kind.ISSUED, reference, now)
    return cents


def reserve(*, student_id: int, reference: str, cents: int, now: datetime) -> int:
    """Reserve credits for a booking, the earliest expiring first, and return the cents reserved (P9.2).

    Raises Refused("credits_unavailable") if the student has fewer.
    """
    _lock_wallet(student_id)
    lots = CreditLot.objects.filter(wallet_id=student_id).spendable(at=now).earliest_expiring_first()
    shares = [Share(lot_id=lot.id, cents=lot.available_cents, expires_at=lot.expires_at) for lot in lots]
    taken = allocate(shares, cents)
    for share in taken:
        CreditLot.objects.filter(id=share.lot_id).update(
            available_cents=F("available_cents") - share.cents, reserved_cents=F("reserved_cents") + share.cents
        )
    Reservation.objects.bulk_create(
        Reservation(lot_id=share.lot_id, reference=reference, cents=share.cents) for share in taken
    )
    _write_down(taken, Kind.RESERVED, reference, now)
    return cents


def use_reserved(
    *, student_id: int, reference: str, released: int, consumed: int, forfeited: int, now: datetime
) -> None:
    """End a booking's reservation: so many cents are released, consumed and forfeited (P9.2, P9.3).

    Forfeits come from what expires first; what is released keeps its original expiry. Raises ValueError if that is
    not all that the booking has reserved.
    """
    _lock_wallet(student_id)
    reservations = Reservation.objects.filter(reference=reference).select_related("lot")
    shares = [Share(lot_id=held.lot_id, cents=held.cents, expires_at=held.lot.expires_at) for held in reservations]
    if sum(share.cents for share in shares) != released + consumed + forfeited:
        raise ValueError(f"{reference} has reserved {shares}, not {released}+{consumed}+{forfeited}.")
    lost, kept = split(shares, forfeited)
    used, free = split(kept, consumed)
    for part, state, kind in (
        (lost, "forfeited_cents", Kind.FORFEITED),
        (used, "consumed_cents", Kind.CONSUMED),
        (free, "available_cents", Kind.RELEASED),
    ):
        for share in part:
            CreditLot.objects.filter(id=share.lot_id).update(
                **{"reserved_cents": F("reserved_cents") - share.cents, state: F(state) + share.cents}
            )
        _write_down(part, kind, reference, now)
    Reservation.objects.filter(reference=reference).delete()


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
        if written := _write_down(shares, Kind.EXPIRED, "", now):
            cents = sum(share.cents for share in shares)
            lost.append(Expired(student_id=wallet.student_id, cents=cents, movement_id=written[0].pk))
    return lost


def _lock_wallet(student_id: int) -> None:
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("Credits move only inside the transaction that books them.")
    Wallet.objects.get_or_create(student_id=student_id)
    Wallet.objects.select_for_update().get(student_id=student_id)


def _write_down(
    shares: Iterable[Share], kind: CreditMovement.Kind, reference: str, now: datetime
) -> list[CreditMovement]:
    return CreditMovement.objects.bulk_create(
        CreditMovement(lot_id=share.lot_id, kind=kind, cents=share.cents, reference=reference, moved_at=now)
        for share in shares
    )
