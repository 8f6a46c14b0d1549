"""Credit that was issued for a booking whose money is in doubt: frozen, unfrozen, revoked (P8.4, section 11)."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import F

from credits.models import CreditLot, CreditLotQuerySet
from credits.operations.wallet import Kind, lock_wallet, move, write_down
from credits.policy import Share
from credits.queries import issued_for


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """What became of the credit issued for a booking, in cents: `frozen` now, or `spent` before, reserved included."""

    frozen: int
    spent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Revoked:
    """What became of the credit issued for a booking, in cents: `revoked` now, or `spent` before, reserved included."""

    revoked: int
    spent: int


def freeze_issued(*, student_id: int, reference: str, now: datetime) -> Frozen:
    """Freeze what is available of the credits issued for a booking, and say what was spent of them (section 11).

    `spent` is what can't be frozen any more: consumed, forfeited, reserved by bookings, or used to pay off a negative
    balance. The caller lets the student owe it (`owe`).
    """
    lock_wallet(student_id)
    available = [
        Share(lot_id=lot.id, cents=lot.available_cents, expires_at=lot.expires_at)
        for lot in _issued(student_id, reference).filter(available_cents__gt=0)
    ]
    move(available, Kind.FROZEN, reference, now)
    return Frozen(frozen=_cents(available), spent=issued_for(reference=reference).spent)


def unfreeze(*, student_id: int, reference: str, now: datetime) -> int:
    """Make what is frozen of a booking's credits available again and return the cents (section 11: won).

    It has its original expiry; if that has passed, it expires at the next sweep, like what is released (P9.3).
    """
    lock_wallet(student_id)
    frozen = _frozen(student_id, reference)
    move(frozen, Kind.UNFROZEN, reference, now)
    return _cents(frozen)


def revoke_frozen(*, student_id: int, reference: str, now: datetime) -> int:
    """Revoke what is frozen of a booking's credits and return the cents (section 11: lost).

    What has become available meanwhile stays: it was reserved when the rest was frozen, so it was owed, and that has
    been paid off since; revoking it would take it twice.
    """
    lock_wallet(student_id)
    frozen = _frozen(student_id, reference)
    _issued(student_id, reference).update(revoked_cents=F("revoked_cents") + F("frozen_cents"), frozen_cents=0)
    write_down(frozen, Kind.REVOKED, reference, now)
    return _cents(frozen)


def revoke_issued(*, student_id: int, reference: str, now: datetime) -> Revoked:
    """Revoke what is left, available or frozen, of the credits issued for a booking; say what was spent (P8.4)."""
    lock_wallet(student_id)
    left = [
        Share(lot_id=lot.id, cents=lot.available_cents + lot.frozen_cents, expires_at=lot.expires_at)
        for lot in _issued(student_id, reference)
        if lot.available_cents + lot.frozen_cents
    ]
    _issued(student_id, reference).update(
        revoked_cents=F("revoked_cents") + F("available_cents") + F("frozen_cents"), available_cents=0, frozen_cents=0
    )
    write_down(left, Kind.REVOKED, reference, now)
    return Revoked(revoked=_cents(left), spent=issued_for(reference=reference).spent)


def _issued(student_id: int, reference: str) -> CreditLotQuerySet:
    return CreditLot.objects.filter(wallet_id=student_id, reference=reference).earliest_expiring_first()


def _frozen(student_id: int, reference: str) -> list[Share]:
    return [
        Share(lot_id=lot.id, cents=lot.frozen_cents, expires_at=lot.expires_at)
        for lot in _issued(student_id, reference).filter(frozen_cents__gt=0)
    ]


def _cents(shares: list[Share]) -> int:
    return sum(share.cents for share in shares)
