"""What became of it all: with everything calm, time passes until every booking has ended; then everything is compared.

The same ending and the same invariants as in the simulation, on what real processes have left behind.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import connections
from django.db.models import F, Max
from django_redis import get_redis_connection

from bookings.models import Booking
from instainstru import clock
from instainstru.accounts.models import Role, User
from instainstru.local.chaos.asking import Asked
from instainstru.local.scenarios.stage import save_card
from instainstru.local.simulation import ending
from instainstru.local.simulation.invariants import broken
from instainstru.local.simulation.looks import look_around
from instainstru.local.simulation.post import Post
from instainstru.local.simulator import SimulatorControl
from instainstru.local.traveller import Traveller
from instainstru.models import IdempotentRequest
from payments import operations as payments
from payments.ledger import books
from payments.models import Operation, Payment, ReconciliationItem
from payments.policy.states import Action, PaymentStatus

MARGIN = 1.0  # seconds


class Aftermath:
    """A marketplace in which nobody but this process is left; time stands, and travels when asked."""

    def __init__(self, simulator: SimulatorControl, *, staff: User, began_at: datetime) -> None:
        self.simulator = simulator
        self.staff = staff
        self.students = list(User.objects.filter(role=Role.STUDENT).order_by("id"))
        self.began_at = began_at
        self.post = Post(simulator)
        self.traveller = Traveller(move=self._move)
        simulator.order_fault("any", "none")
        simulator.keep_webhooks()
        self._move(clock.now())

    def _move(self, instant: datetime) -> None:
        clock.stand_at(instant)
        self.simulator.stand_at(instant)


@dataclass(slots=True, kw_only=True)
class Account:
    """What was found at the end. Nothing of it may be but `ends`, `reviews` and `in_doubt`."""

    bookings: int = 0
    operations: int = 0
    ends: Counter[str] = field(default_factory=Counter)  # how the payments were settled
    reviews: Counter[str] = field(default_factory=Counter)  # what waited for staff, and why, before they ended it
    in_doubt: Counter[str] = field(default_factory=Counter)  # what became of requests without an answer
    drift_cents: int = 0
    stranded: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)  # invariants, books and reconciliation

    @property
    def is_clean(self) -> bool:
        return not (self.drift_cents or self.stranded or self.doubled or self.wrong)


def wait_out_what_the_dead_held() -> None:
    """Wait until every lease and claim of a killed one has ended, and forget what Redis still keeps for them."""
    connections.close_all()  # those of before the last restart of PostgreSQL
    held = (
        Operation.objects.open().aggregate(until=Max("leased_until"))["until"],
        Payment.objects.aggregate(until=Max("claimed_until"))["until"],
    )
    waits = [(until - clock.wall()).total_seconds() for until in held if until]
    time.sleep(MARGIN + max([0.0, *waits]))
    get_redis_connection().flushdb()


def settle_account(
    simulator: SimulatorControl,
    *,
    staff: User,
    began_at: datetime,
    asked: Sequence[Asked],
    without_key: Collection[int] = (),
) -> Account:
    """End everything, and return what was found on the way. Every program of ours must have ended.

    `without_key` are the payments of bookings that were made here and not through the API.
    """
    account = Account()
    aftermath = Aftermath(simulator, staff=staff, began_at=began_at)
    try:
        aftermath.post.ask_for_what_is_missing()
        for student in aftermath.students:
            save_card(student, card="ok")
            payments.retry_unpaid(student=student, now=clock.now())
        account.stranded += ending.let_it_settle(aftermath)
        account.reviews.update(
            Payment.objects.filter(status=PaymentStatus.MANUAL_REVIEW).values_list("review_reason", flat=True)
        )
        account.wrong += broken(None, look_around(aftermath))
        account.stranded += ending.let_staff_end_it(aftermath)
        account.wrong += broken(None, look_around(aftermath))
        account.wrong += ending.final_account(aftermath)
    finally:
        clock.flow()
    account.drift_cents = _drift()
    account.bookings, account.operations = Booking.objects.count(), Operation.objects.count()
    account.ends.update(Payment.objects.values_list("settlement_outcome", flat=True))
    kept = _kept_keys()
    account.in_doubt = what_became_of(asked, kept)
    account.doubled = [
        *_twice_at_stripe(simulator),
        *_twice_here(kept, without_key),
        *_promised_and_not_there(asked, kept),
    ]
    return account


def what_became_of(asked: Sequence[Asked], kept: dict[tuple[str, str], str]) -> Counter[str]:
    """Return what became of the requests that got no answer at first: counts by fate."""
    fates: Counter[str] = Counter()
    for one in asked:
        if one.unanswered and one.key:
            happened = (one.email, one.key) in kept
            heard = one.status is not None
            fates[
                ("happened once" if happened else "did not happen")
                + (", told so when asked again" if heard else ", never heard of")
            ] += 1
    return fates


def _kept_keys() -> dict[tuple[str, str], str]:
    rows = IdempotentRequest.objects.values_list("user__email", "key", "subject")
    return {(email, key): subject for email, key, subject in rows}


def _drift() -> int:
    """Return by how many cents books, Stripe and reconciliation differ, all differences together."""
    items = ReconciliationItem.objects.unresolved()
    return sum(abs(finding.off_by) for finding in books.findings(ask_stripe=True)) + sum(
        abs((item.booked_cents or 0) - (item.moved_cents or 0)) for item in items
    )


def _twice_at_stripe(simulator: SimulatorControl) -> list[str]:
    """A call has effect once, however often it was sent."""
    effects = Counter(
        (request["account"], request["idempotency_key"])
        for request in simulator.requests()
        if request["effect"] and request["idempotency_key"]
    )
    return [f"{key} had effect {count} times at Stripe" for (_, key), count in effects.items() if count > 1]


def _twice_here(kept: dict[tuple[str, str], str], without_key: Collection[int]) -> list[str]:
    """Whatever a person began was asked for with a key, and each key began one thing."""
    begun = set(kept.values())
    asked_for = Operation.objects.filter(actor=F("payment__payer__user"), succeeds=None).exclude(
        payment__in=without_key
    )
    first = asked_for.filter(number=1) | asked_for.filter(kind__in=[Action.RESCHEDULE, Action.STUDENT_CANCEL])
    return [
        f"{operation} was begun and nobody's key knows of it"
        for operation in first.select_related("payment")
        if f"operation:{operation.reference}" not in begun
    ]


def _promised_and_not_there(asked: Sequence[Asked], kept: dict[tuple[str, str], str]) -> list[str]:
    """Who was told that it is done finds it done."""
    return [
        f"{one.kind} of {one.email} was answered {one.status}, and its key {one.key} is not known"
        for one in asked
        if one.key and one.is_done and (one.email, one.key) not in kept
    ]
