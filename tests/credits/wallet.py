"""A wallet in one line each: what is done to it, and what is in it, by the lots and by the statement."""

from collections import Counter
from datetime import timedelta

from credits import operations as credits
from credits.models import CreditLot
from credits.operations import PaidOff
from instainstru import clock
from instainstru.accounts.models import User

DAY = timedelta(days=1)
STATES = ("available", "reserved", "consumed", "forfeited", "frozen", "revoked", "expired", "offset")
# From which state to which a movement takes its cents; None is outside of the lot.
FLOWS = {
    "issued": (None, "available"),
    "reserved": ("available", "reserved"),
    "released": ("reserved", "available"),
    "consumed": ("reserved", "consumed"),
    "forfeited": ("reserved", "forfeited"),
    "expired": ("available", "expired"),
    "frozen": ("available", "frozen"),
    "unfrozen": ("frozen", "available"),
    "revoked": ("frozen", "revoked"),  # a ruling revokes what is available, too: it comes after no freeze
    "offset": ("available", "offset"),
}


def issue(student: User, cents: int, *, days: int = 60, reference: str = "", frozen: bool = False) -> list[PaidOff]:
    return list(
        credits.issue(
            student_id=student.pk,
            cents=cents,
            source_key=f"test:{student.pk}-{CreditLot.objects.count()}",
            reference=reference,
            frozen=frozen,
            now=clock.now(),
            expires_at=clock.now() + days * DAY,
        )
    )


def reserve(student: User, cents: int, *, reference: str = "bk_1") -> None:
    credits.reserve(student_id=student.pk, reference=reference, cents=cents, now=clock.now())


def use(
    student: User, *, reference: str = "bk_1", released: int = 0, consumed: int = 0, forfeited: int = 0
) -> list[PaidOff]:
    return list(
        credits.use_reserved(
            student_id=student.pk,
            reference=reference,
            released=released,
            consumed=consumed,
            forfeited=forfeited,
            now=clock.now(),
        )
    )


def lots(student: User) -> list[dict[str, int]]:
    """What every lot has in each state but nothing, the earliest expiring first."""
    return [
        {state: cents for state in STATES if (cents := getattr(lot, f"{state}_cents"))}
        for lot in CreditLot.objects.filter(wallet=student.pk).earliest_expiring_first()
    ]


def explained(student: User) -> list[dict[str, int]]:
    """What the statement says every lot has in each state: each cent followed through its movements."""
    found = []
    for lot in CreditLot.objects.filter(wallet=student.pk).earliest_expiring_first():
        states: Counter[str] = Counter()
        for kind, cents in lot.movements.values_list("kind", "cents"):
            source, target = FLOWS[kind]
            states[target] += cents
            states[source or ""] -= cents
        assert states.pop("") == -lot.amount_cents
        found.append({state: cents for state, cents in states.items() if cents})
    return found
