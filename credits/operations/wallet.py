"""What every movement of credits does: lock the wallet, move cents of its lots, write down the statement's lines."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import BigIntegerField, Case, Expression, F, Value, When

from credits.models import CreditLot, CreditMovement, Wallet
from credits.policy import Share

Kind = CreditMovement.Kind

# From which state of a lot a movement takes its cents, and into which it puts them.
FLOWS = {
    Kind.RESERVED: ("available_cents", "reserved_cents"),
    Kind.RELEASED: ("reserved_cents", "available_cents"),
    Kind.CONSUMED: ("reserved_cents", "consumed_cents"),
    Kind.FORFEITED: ("reserved_cents", "forfeited_cents"),
    Kind.FROZEN: ("available_cents", "frozen_cents"),
    Kind.UNFROZEN: ("frozen_cents", "available_cents"),
    Kind.OFFSET: ("available_cents", "offset_cents"),
}


def open_wallet(student_id: int) -> None:
    """Make a student's wallet ahead of its first movement, so that locking it then is one statement."""
    Wallet.objects.bulk_create([Wallet(student_id=student_id)], ignore_conflicts=True)  # somebody else may, too


def lock_wallet(student_id: int) -> None:
    """Lock a student's wallet, before any of its lots; it is made if there was none."""
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("Credits move only inside the transaction that books them.")
    locked = Wallet.objects.select_for_update().filter(student_id=student_id)
    if locked.first() is None:
        open_wallet(student_id)
        locked.get()


def move(shares: Iterable[Share], kind: CreditMovement.Kind, reference: str, now: datetime) -> list[CreditMovement]:
    """Move each share of a locked wallet as its kind says, and return the statement's lines.

    However many lots there are, that is one statement for the lots and one for the lines.
    """
    shares = list(shares)
    if shares:
        source, target = FLOWS[kind]
        cents = _cents_of_each(shares)
        moved = CreditLot.objects.filter(id__in=[share.lot_id for share in shares])
        moved.update(**{source: F(source) - cents, target: F(target) + cents})
    return write_down(shares, kind, reference, now)


def _cents_of_each(shares: list[Share]) -> Expression:
    """Say how many cents of the lot at hand are meant; a lot has one share."""
    if len(shares) == 1:
        return Value(shares[0].cents)
    return Case(*(When(id=share.lot_id, then=share.cents) for share in shares), output_field=BigIntegerField())


def write_down(
    shares: Iterable[Share], kind: CreditMovement.Kind, reference: str, now: datetime
) -> list[CreditMovement]:
    """Write the statement's lines of what has moved."""
    return CreditMovement.objects.bulk_create(
        CreditMovement(lot_id=share.lot_id, kind=kind, cents=share.cents, reference=reference, moved_at=now)
        for share in shares
    )
