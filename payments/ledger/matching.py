"""Matching what we booked with what Stripe says it moved, both ways: pure, to the cent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from instainstru.money import DOLLARS


class DifferenceKind(StrEnum):
    MISSING_IN_BOOKS = "missing_in_books"
    MISSING_AT_STRIPE = "missing_at_stripe"
    AMOUNT_DIFFERS = "amount_differs"
    OTHER_CURRENCY = "other_currency"


@dataclass(frozen=True, slots=True, kw_only=True)
class Booked:
    """One journal entry that moves our balance at Stripe, and the Stripe objects that it is about. Cents."""

    cause: str
    cents: int
    objects: frozenset[str]
    at: datetime
    reference: str = ""  # of the payment that it belongs to


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """One balance transaction of Stripe's, after fees. Cents if the currency is dollars, else its smallest unit."""

    id: str
    source: str
    amount: int
    at: datetime
    currency: str = DOLLARS


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What does not match. `name` is the entry's cause, or the balance transaction's id where there is no entry."""

    kind: DifferenceKind
    name: str
    objects: tuple[str, ...]
    booked: int
    moved: int
    at: datetime
    reference: str = ""
    currency: str = DOLLARS


def differences(booked: Iterable[Booked], moved: Iterable[Moved]) -> Iterator[Difference]:
    """Yield everything that stands on one side alone, or differs. Each transaction belongs to one entry at most.

    None in another currency than dollars belongs to any: it is a difference by itself, of that currency.
    """
    owner, entries = _owners(booked)
    claimed: dict[str, list[Moved]] = defaultdict(list)
    for each in moved:
        cause = owner.get(each.id) or owner.get(each.source)
        if cause is None or each.currency != DOLLARS:
            in_dollars = each.currency == DOLLARS
            yield Difference(
                kind=DifferenceKind.MISSING_IN_BOOKS if in_dollars else DifferenceKind.OTHER_CURRENCY,
                name=each.id,
                objects=(each.source,),
                booked=0,
                moved=each.amount,
                at=each.at,
                currency=each.currency,
            )
        else:
            claimed[cause].append(each)
    for cause, entry in entries.items():
        cents = sum(each.amount for each in claimed[cause])
        if cents != entry.cents:
            yield Difference(
                kind=DifferenceKind.AMOUNT_DIFFERS if claimed[cause] else DifferenceKind.MISSING_AT_STRIPE,
                name=cause,
                objects=tuple(sorted(entry.objects)),
                booked=entry.cents,
                moved=cents,
                at=entry.at,
                reference=entry.reference,
            )


def _owners(booked: Iterable[Booked]) -> tuple[Mapping[str, str], Mapping[str, Booked]]:
    """Return which entry speaks for each of Stripe's objects, and the entries by their cause."""
    owner: dict[str, str] = {}
    entries: dict[str, Booked] = {}
    for entry in booked:
        entries[entry.cause] = entry
        owner |= dict.fromkeys(entry.objects, entry.cause)
    return owner, entries
