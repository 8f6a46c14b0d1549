"""Reading wallets."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, Q, QuerySet, Sum

from credits.models import STILL_OWED, CreditLot, CreditMovement, NegativeBalance, Reservation


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """What a student has, in cents: `available` can be spent now, `reserved` waits in bookings.

    `frozen` can't be spent while a bank looks at the payment that it was given for (section 11).
    """

    available: int
    reserved: int
    frozen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedFor:
    """What the credits issued for a booking have become, in cents: `left` is available or frozen, `spent` is used.

    Reserved credit, and what paid off a negative balance, is spent; what has expired or was revoked is neither.
    """

    left: int
    frozen: int  # of what is left
    spent: int
    in_all: int  # as much as was issued


def balance_of(*, student_id: int, at: datetime) -> Balance:
    """Return a student's balance at an instant; an expired rest no longer counts, even before the sweep has seen it."""
    spendable = Q(expires_at__gt=at)
    found = CreditLot.objects.filter(wallet_id=student_id).aggregate(
        available=Sum("available_cents", filter=spendable, default=0),
        reserved=Sum("reserved_cents", default=0),
        frozen=Sum("frozen_cents", default=0),
    )
    return Balance(**found)


def lots_of(*, student_id: int) -> QuerySet[CreditLot]:
    """Return a student's lots, the earliest expiring first."""
    return CreditLot.objects.filter(wallet_id=student_id).earliest_expiring_first()


def lots_with_something_left(*, student_id: int, at: datetime) -> QuerySet[CreditLot]:
    """Return the lots of which something can be spent then, is reserved or is frozen, the earliest expiring first."""
    of_student = CreditLot.objects.filter(wallet_id=student_id)
    waiting = of_student.filter(Q(reserved_cents__gt=0) | Q(frozen_cents__gt=0))
    return (of_student.spendable(at=at) | waiting).earliest_expiring_first()


def statement_of(*, student_id: int) -> QuerySet[CreditMovement]:
    """Return every movement of a student's credits, the newest first."""
    return CreditMovement.objects.filter(lot__wallet_id=student_id).select_related("lot").order_by("-moved_at", "-id")


def issued_for(*, reference: str) -> IssuedFor:
    """Return what the credits issued for a booking have become (P8.4, section 11)."""
    found = CreditLot.objects.filter(reference=reference).aggregate(
        left=Sum(F("available_cents") + F("frozen_cents"), default=0),
        frozen=Sum("frozen_cents", default=0),
        spent=Sum(F("reserved_cents") + F("consumed_cents") + F("forfeited_cents") + F("offset_cents"), default=0),
        in_all=Sum("amount_cents", default=0),
    )
    return IssuedFor(**found)


def paid_off_towards(*, reference: str) -> int:
    """Return what credit has paid off of what was owed for a booking; it comes back if that is lifted. Cents."""
    balance = NegativeBalance.objects.filter(reference=reference).first()
    return balance.paid_off_cents - balance.given_back_cents if balance else 0


def negative_balances_of(*, student_id: int) -> QuerySet[NegativeBalance]:
    """Return what a student still owes in credit, the oldest first, as it is paid off (P9.4)."""
    return NegativeBalance.objects.of(student_id).oldest_first()


def owed_by_student() -> dict[int, int]:
    """Return what each student owes us in credit, in cents."""
    owed = NegativeBalance.objects.filter(cleared_at=None).values("wallet_id").annotate(cents=Sum(STILL_OWED))
    return {row["wallet_id"]: row["cents"] for row in owed}


def outstanding_by_student() -> dict[int, int]:
    """Return what we owe each student in credit, in cents: available, reserved and frozen (design 2)."""
    owed = (
        CreditLot.objects.values("wallet_id")
        .annotate(cents=Sum(F("available_cents") + F("reserved_cents") + F("frozen_cents")))
        .filter(cents__gt=0)
    )
    return {row["wallet_id"]: row["cents"] for row in owed}


def reserved_by_reference() -> dict[str, int]:
    """Return what each booking has reserved, in cents."""
    held = Reservation.objects.values("reference").annotate(sum=Sum("cents"))
    return {row["reference"]: row["sum"] for row in held}
