"""An instructor's statement of one month, read from the ledger: every line is a posting to their earnings account."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from enum import StrEnum
from itertools import accumulate

from django.db.models import Min, Sum

from payments.models import JournalEntry, Payee, Posting
from payments.policy.accounts import Account
from payments.policy.statements import Breakdown, breakdown
from payments.policy.states import Action


class LineKind(StrEnum):
    """What a line is to the balance."""

    EARNED = "earned"
    TAKEN_BACK = "taken_back"
    TO_BANK = "to_bank"
    FROM_BANK = "from_bank"  # a payout that the bank sent back
    ADJUSTED = "adjusted"  # a transfer that belongs to no booking, made by hand at Stripe


_EARNED_BY = {
    Action.SETTLE: "Lesson taken",
    Action.ADVANCE: "Lesson taken; the card did not pay, we did",
    Action.RULE_NO_SHOW: "The student did not come",
    Action.STUDENT_CANCEL: "Cancelled late by the student",
}
_TAKEN_BY = {
    Action.STAFF_REFUND: "Refunded to the student at your cost",
    Action.STAFF_CANCEL: "Cancelled by our staff",
    Action.RULE_NO_SHOW: "No-show ruled: the lesson is not paid",
    Action.RULE_DISPUTE: "Dispute ruled for the student",
    Action.LOSE_CHARGEBACK: "Chargeback lost: the bank gave the student the money back",
}


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A calendar month, written `2026-11`."""

    year: int
    number: int

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.number:02d}"

    @classmethod
    def named(cls, name: str) -> Month:
        """Read `2026-11`. Raises ValueError if that is no month."""
        found = re.fullmatch(r"(2\d{3})-(0[1-9]|1[0-2])", name, re.ASCII)
        if found is None:
            raise ValueError(f"{name!r} is no month: write 2026-11.")
        return cls(int(found[1]), int(found[2]))

    @classmethod
    def of(cls, instant: datetime, zone: tzinfo) -> Month:
        there = instant.astimezone(zone)
        return cls(there.year, there.month)

    @property
    def following(self) -> Month:
        return Month(self.year + 1, 1) if self.number == 12 else Month(self.year, self.number + 1)

    @property
    def first_day(self) -> date:
        return date(self.year, self.number, 1)

    def begins_at(self, zone: tzinfo) -> datetime:
        return datetime(self.year, self.number, 1, tzinfo=zone)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementLine:
    """One posting. Cents, positive what the instructor gained; `balance` is what they have then."""

    at: datetime  # in the instructor's zone
    kind: LineKind
    what: str
    rule: str
    booking: str  # its reference, or nothing
    lesson_at: datetime | None
    breakdown: Breakdown
    net: int
    balance: int

    @property
    def day(self) -> date:
        return self.at.date()

    @property
    def is_at_the_bank(self) -> bool:
        """Whether it says where the money is, and not what was earned."""
        return self.kind in (LineKind.TO_BANK, LineKind.FROM_BANK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What an instructor earned and was paid out in one month of their own time zone. Cents.

    `opening` and `closing` are what we owed them, nearly all of it on their account at Stripe already.
    """

    payee: Payee
    month: Month
    opening: int
    lines: tuple[StatementLine, ...]
    is_complete: bool  # the month is over

    @property
    def closing(self) -> int:
        return self.lines[-1].balance if self.lines else self.opening

    @property
    def earnings(self) -> tuple[StatementLine, ...]:
        return tuple(line for line in self.lines if not line.is_at_the_bank)

    @property
    def price_total(self) -> int:
        return sum(line.breakdown.price for line in self.earnings)

    @property
    def fee_total(self) -> int:
        return sum(line.breakdown.fee for line in self.earnings)

    @property
    def earned_total(self) -> int:
        """What the lessons came to, reversals and refunds taken off: prices less fees."""
        return sum(line.net for line in self.earnings)

    @property
    def bank_total(self) -> int:
        """What went to the bank, less what came back; negative as it leaves the balance."""
        return sum(line.net for line in self.lines if line.is_at_the_bank)


def statement_of(payee: Payee, month: Month, *, now: datetime) -> Statement:
    """Return an instructor's statement of a month, in two statements of SQL; `payee.user` is loaded."""
    zone = payee.user.zone
    begin, end = month.begins_at(zone), month.following.begins_at(zone)
    earnings = Posting.objects.filter(account=Account.EARNINGS, owner_id=payee.user_id)
    before = earnings.filter(entry__occurred_at__lt=begin).aggregate(sum=Sum("amount_cents", default=0))
    postings = (
        earnings.filter(entry__occurred_at__gte=begin, entry__occurred_at__lt=end)
        .select_related("entry__operation", "payment")
        .order_by("entry__occurred_at", "entry_id", "id")
    )
    opening = -before["sum"]
    lines = tuple(_lines(postings, opening=opening, zone=zone))
    return Statement(payee=payee, month=month, opening=opening, lines=lines, is_complete=end <= now)


def statement_named(payee: Payee, name: str, *, now: datetime) -> Statement | None:
    """Return the statement of a month such as `2026-11`, or None if that is none, or has not begun."""
    try:
        month = Month.named(name)
    except ValueError:
        return None
    return statement_of(payee, month, now=now) if month <= Month.of(now, payee.user.zone) else None


def months_of(payee: Payee, *, now: datetime) -> list[Month]:
    """Return the months that an instructor has a statement of, the latest first: from the first earnings until now."""
    earnings = Posting.objects.filter(account=Account.EARNINGS, owner_id=payee.user_id)
    first = earnings.aggregate(at=Min("entry__occurred_at"))["at"]
    zone, months = payee.user.zone, []
    month, last = Month.of(first or now, zone), Month.of(now, zone)
    while month <= last:
        months.append(month)
        month = month.following
    return months[::-1]


def _lines(postings: Iterable[Posting], *, opening: int, zone: tzinfo) -> Iterable[StatementLine]:
    found = list(postings)
    balances = accumulate((-posting.amount_cents for posting in found), initial=opening)
    next(balances)
    for posting, balance in zip(found, balances, strict=True):
        net, payment = -posting.amount_cents, posting.payment
        kind = _kind(posting.entry, net)
        yield StatementLine(
            at=posting.entry.occurred_at.astimezone(zone),
            kind=kind,
            what=_what(posting.entry, kind),
            rule=posting.entry.rule,
            booking=payment.reference if payment else "",
            lesson_at=payment.starts_at.astimezone(zone) if payment else None,
            breakdown=breakdown(payment.terms if payment else None, net),
            net=net,
            balance=balance,
        )


def _kind(entry: JournalEntry, net: int) -> LineKind:
    if entry.payment_id is not None:
        return LineKind.EARNED if net > 0 else LineKind.TAKEN_BACK
    if entry.rule == "P8.8":
        return LineKind.ADJUSTED
    return LineKind.TO_BANK if net < 0 else LineKind.FROM_BANK


def _what(entry: JournalEntry, kind: LineKind) -> str:
    """Say what a line is to the instructor; what no operation of ours did is said by the entry."""
    words = {LineKind.EARNED: _EARNED_BY, LineKind.TAKEN_BACK: _TAKEN_BY}.get(kind, {})
    done = entry.operation
    return words.get(Action(done.kind), entry.description) if done else entry.description
