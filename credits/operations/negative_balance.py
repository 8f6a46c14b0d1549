"""What a student owes in credit: it arises, is paid off by new or released credit, or is lifted (P9.4, section 11)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from credits.models import NegativeBalance
from credits.operations.wallet import Kind, lock_wallet, move
from credits.policy import Owed, Share, share_out


@dataclass(frozen=True, slots=True, kw_only=True)
class PaidOff:
    """What credit has just paid off of what is owed for one booking, and what is still owed for it. Cents.

    `movement_id` is the first line of the statement that tells of it.
    """

    reference: str
    cents: int
    still_owed: int
    movement_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifted:
    """What a lifted negative balance sets free, in cents: `lifted` was still owed, `paid_off` is to be given back."""

    lifted: int
    paid_off: int


def owe(*, student_id: int, reference: str, cents: int, now: datetime) -> NegativeBalance:
    """Let a student owe so many cents for a booking, beside what is owed for it already.

    What is available to the student stays so: only credit that is new or released pays it off (P9.4).
    """
    lock_wallet(student_id)
    balance, is_new = NegativeBalance.objects.get_or_create(
        wallet_id=student_id, reference=reference, defaults={"owed_cents": cents, "arose_at": now}
    )
    if not is_new:
        balance.owed_cents += cents
        if balance.cleared_at is not None:
            balance.cleared_at, balance.arose_at = None, now
        balance.save()
    return balance


def lift(*, student_id: int, reference: str, gives_back: bool, now: datetime) -> Lifted:
    """Let nothing be owed for a booking any more; lifting twice is once.

    With `gives_back` it is as if it had never been (section 11: won): what had paid it off is reported, for the caller
    to give it back as a new credit. Without, only what is still owed is cancelled (P8.4).
    """
    lock_wallet(student_id)
    balance = NegativeBalance.objects.filter(wallet_id=student_id, reference=reference).first()
    if balance is None:
        return Lifted(lifted=0, paid_off=0)
    had_paid_off = balance.paid_off_cents - balance.given_back_cents
    freed = Lifted(lifted=balance.still_owed_cents, paid_off=had_paid_off if gives_back else 0)
    balance.lifted_cents += freed.lifted
    balance.given_back_cents += freed.paid_off
    balance.cleared_at = balance.cleared_at or now
    balance.save()
    return freed


def pay_off(student_id: int, added: Sequence[Share], *, now: datetime) -> tuple[PaidOff, ...]:
    """Pay off what the student owes with credit just made available in a locked wallet, the oldest first (P9.4)."""
    if not added:
        return ()
    balances = {balance.pk: balance for balance in NegativeBalance.objects.of(student_id).oldest_first()}
    owed = [Owed(balance_id=balance.pk, cents=balance.still_owed_cents) for balance in balances.values()]
    paid = []
    for balance_id, shares in share_out(added, owed):
        balance, cents = balances[balance_id], sum(share.cents for share in shares)
        written = move(shares, Kind.OFFSET, balance.reference, now)
        balance.paid_off_cents += cents
        balance.cleared_at = None if balance.still_owed_cents else now
        balance.save()
        paid.append(
            PaidOff(
                reference=balance.reference,
                cents=cents,
                still_owed=balance.still_owed_cents,
                movement_id=written[0].pk,
            )
        )
    return tuple(paid)
