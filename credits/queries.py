"""Reading wallets."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime

from django.db.models import F, Q, QuerySet, Sum
from django.db.models.functions import TruncMonth

from credits.models import STILL_OWED, CreditLot, CreditMovement, NegativeBalance, Reservation

Kind = CreditMovement.Kind


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
    spendable = Q(expires_at__gte=at)
    found = CreditLot.objects.filter(wallet_id=student_id).aggregate(
        available=Sum("available_cents", filter=spendable, default=0),
        reserved=Sum("reserved_cents", default=0),
        frozen=Sum("frozen_cents", default=0),
    )
    return Balance(**found)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Liability:
    """What we owe in credit that expires in one month, in cents, by its state."""

    expires_in: date  # the month's first day, UTC
    available: int
    reserved: int
    frozen: int

    @property
    def outstanding(self) -> int:
        return self.available + self.reserved + self.frozen


def liability(*, at: datetime) -> list[Liability]:
    """Return what we owed in credit at an instant, by the month in which it expires, the earliest first.

    It is reckoned from the statement's movements, so that the past can be asked for; two statements.
    """
    sums: dict[date, Counter[str]] = defaultdict(Counter)
    movements = CreditMovement.objects.filter(moved_at__lte=at)
    by_kind = movements.annotate(month=TruncMonth("lot__expires_at", tzinfo=UTC)).values("month", "kind")
    for found in by_kind.annotate(sum=Sum("cents")):
        for state, kinds in _BECOMES.items():
            sums[found["month"].date()][state] += kinds.get(Kind(found["kind"]), 0) * found["sum"]
    for expires_at, cents in _revoked_while_frozen(movements):
        month = expires_at.astimezone(UTC).date().replace(day=1)
        sums[month]["available"] += cents
        sums[month]["frozen"] -= cents
    owed = (Liability(expires_in=month, **{state: sums[month][state] for state in _BECOMES}) for month in sorted(sums))
    return [each for each in owed if each.outstanding]


_BECOMES = {  # what a movement of each kind adds to a state, or takes from it
    "available": {
        Kind.ISSUED: 1,
        Kind.RESERVED: -1,
        Kind.RELEASED: 1,
        Kind.EXPIRED: -1,
        Kind.FROZEN: -1,
        Kind.UNFROZEN: 1,
        Kind.OFFSET: -1,
        Kind.REVOKED: -1,
    },
    "reserved": {Kind.RESERVED: 1, Kind.RELEASED: -1, Kind.CONSUMED: -1, Kind.FORFEITED: -1},
    "frozen": {Kind.FROZEN: 1, Kind.UNFROZEN: -1},
}


def _revoked_while_frozen(movements: QuerySet[CreditMovement]) -> Iterator[tuple[datetime, int]]:
    """Yield when credit expires and how much of it was frozen when it was revoked: revoking takes all that is frozen.

    The movement does not tell; but few lots are ever revoked, and theirs are played again.
    """
    lots = movements.filter(kind=Kind.REVOKED).values("lot")
    frozen: Counter[int] = Counter()
    for movement in movements.filter(lot__in=lots).select_related("lot").order_by("moved_at", "id"):
        frozen[movement.lot_id] += _BECOMES["frozen"].get(Kind(movement.kind), 0) * movement.cents
        if movement.kind == Kind.REVOKED and (taken := min(movement.cents, frozen[movement.lot_id])):
            frozen[movement.lot_id] -= taken
            yield movement.lot.expires_at, taken
