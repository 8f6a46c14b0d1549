"""A look at everything at one moment: what our records say, and what Stripe's do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db import connection

from credits.models import CreditLot, NegativeBalance, Reservation
from instainstru.local.simulation.ground import Ground
from instainstru.local.simulation.memory import Memory
from instainstru.local.simulation.sums import Sums
from payments.models import ChangeAtStripe, Freeze, Operation, Payee, Payment, Step
from payments.policy.accounts import Account
from payments.policy.states import Action, Call

Json = dict[str, Any]
NOTHING = Counter[str]()
Known = TypeVar("Known")
OWED = ("available", "reserved", "frozen")  # states of a credit (P9.1) in which we owe it
STATES = (*OWED, "consumed", "forfeited", "revoked", "expired", "offset")


@dataclass(frozen=True, slots=True)
class Sent:
    """A call that was sent to Stripe at some time."""

    payment_id: int
    kind: Action
    call: Call
    state: Step.State


@dataclass(frozen=True, slots=True)
class Lot:
    """A credit of a student's, and what has become of it. Cents."""

    number: int
    student: int
    amount: int
    cents: dict[str, int]  # by STATES

    @property
    def owed(self) -> int:
        return sum(self.cents[state] for state in OWED)


@dataclass(frozen=True, slots=True)
class Look:
    """Everything that the invariants compare. Cents; payments by their ids, what Stripe knows by reference."""

    payments: dict[int, Payment]
    operations: dict[int, tuple[int, Action, Operation.State]]  # payment, kind, state
    sent: dict[int, Sent]
    freezes: dict[int, set[int]]
    given_up: set[int]  # payments of which staff have given something up: a hold may lapse by itself
    changes_at_stripe: Counter[int]
    lots: list[Lot]
    reserved: dict[str, int]
    overdrawn: Counter[int]  # what students owe in credit
    sums: Sums
    payees: dict[str, int]  # whose each connected account is
    at_stripe: dict[str, Json]
    holds: Counter[str]
    owned_at_stripe: dict[str, int]  # the platform's balance, and each connected account's
    untold: frozenset[str]

    @property
    def unanswered(self) -> set[int]:
        """Payments with a call whose answer is not known."""
        return {sent.payment_id for sent in self.sent.values() if sent.state == Step.State.SENT}

    @property
    def open_operations(self) -> Counter[int]:
        """How many operations each payment has open."""
        return Counter(payment for payment, _, state in self.operations.values() if state == Operation.State.OPEN)

    @property
    def owned(self) -> dict[str, int]:
        """The platform's balance, and each connected account's, as we have booked them."""
        connected = self.sums.of_owner[Account.CONNECTED]
        return {"platform": self.sums.of_account[Account.PLATFORM]} | {
            account: connected[user] for account, user in self.payees.items()
        }

    def moved(self, payment: Payment) -> tuple[int, ...]:
        """Return what Stripe says was captured, refunded and paid out for a payment."""
        group = self.at_stripe.get(payment.reference, NOTHING)
        return group["captured"], group["refunded"], group["transferred"] - group["reversed"]


class Watch:
    """Looks around again and again, and reads only what may have changed since the last time."""

    def __init__(self, ground: Ground, memory: Memory | None = None) -> None:
        self._ground = ground
        self._memory = memory or Memory()
        self._sums = Sums()

    def look(self) -> Look:
        """Look at everything now; no transaction is open."""
        summary = self._ground.simulator.summary()
        self._known(self._sums.read_on)
        return Look(
            payments=self._known(_payments),
            operations=self._known(_operations),
            sent=self._known(_sent),
            freezes=self._known(_freezes),
            given_up=self._known(_given_up),
            changes_at_stripe=self._known(_changes),
            lots=self._known(_lots),
            reserved=self._known(_reserved),
            overdrawn=self._known(_overdrawn),
            sums=self._sums,
            payees=self._known(_payees),
            at_stripe=summary["groups"],
            holds=Counter(hold["transfer_group"] for hold in self._ground.simulator.live_holds()),
            owned_at_stripe={"platform": _all(summary["balances"]["platform"])}
            | {account: _all(balance) for account, balance in summary["balances"]["accounts"].items()},
            untold=frozenset(self._ground.post.untold),
        )

    def _known(self, read: Callable[[], Known]) -> Known:
        return self._memory.recall(("look", read.__name__), read)


_EVERYTHING = " UNION ALL ".join(
    f"SELECT md5(string_agg({row}, '|' ORDER BY id)) FROM {table}"  # noqa: S608 - no part of it comes from outside
    for table, row in (
        ("bookings_booking AS it", "it::text"),
        ("payments_payment AS it", "(to_jsonb(it) - 'refusal_code')::text"),  # that it was tried may be written down
        ("credits_creditlot AS it", "it::text"),
        ("payments_journalentry AS it", "it.cause"),
    )
)


def fingerprint() -> object:
    """Return what differs as soon as anything does that a refused action must leave as it is."""
    with connection.cursor() as cursor:
        cursor.execute(_EVERYTHING)
        return cursor.fetchall()


def look_around(ground: Ground) -> Look:
    """Look at everything once."""
    return Watch(ground).look()


def _payments() -> dict[int, Payment]:
    return {payment.pk: payment for payment in Payment.objects.order_by("id")}


def _operations() -> dict[int, tuple[int, Action, Operation.State]]:
    rows = Operation.objects.values_list("pk", "payment_id", "kind", "state")
    return {pk: (payment, Action(kind), Operation.State(state)) for pk, payment, kind, state in rows}


def _sent() -> dict[int, Sent]:
    sent = Step.objects.exclude(state__in=[Step.State.PLANNED, Step.State.SKIPPED])
    rows = sent.values_list("pk", "operation__payment_id", "operation__kind", "call", "state")
    return {
        pk: Sent(payment_id, Action(kind), Call(call), Step.State(state)) for pk, payment_id, kind, call, state in rows
    }


def _freezes() -> dict[int, set[int]]:
    frozen: dict[int, set[int]] = {}
    for payment_id, freeze_id in Freeze.objects.in_force().values_list("payment_id", "id"):
        frozen.setdefault(payment_id, set()).add(freeze_id)
    return frozen


def _given_up() -> set[int]:
    return set(Operation.objects.exclude(resolution="").values_list("payment_id", flat=True))


def _changes() -> Counter[int]:
    return Counter(ChangeAtStripe.objects.values_list("payment_id", flat=True))


def _lots() -> list[Lot]:
    fields = [f"{state}_cents" for state in STATES]
    rows = CreditLot.objects.order_by("pk").values_list("pk", "wallet_id", "amount_cents", *fields)
    return [Lot(pk, student, amount, dict(zip(STATES, cents, strict=True))) for pk, student, amount, *cents in rows]


def _reserved() -> dict[str, int]:
    return _added_up(Reservation.objects.values_list("reference", "cents"))


def _overdrawn() -> Counter[int]:
    rows = NegativeBalance.objects.values_list("wallet_id", "owed_cents", "paid_off_cents", "lifted_cents")
    return _added_up((student, owed - paid_off - lifted) for student, owed, paid_off, lifted in rows)


def _payees() -> dict[str, int]:
    return dict(Payee.objects.values_list("account_id", "user_id"))


def _added_up(pairs: Iterable[tuple[Any, int]]) -> Counter[Any]:
    sums: Counter[Any] = Counter()
    for name, cents in pairs:
        sums[name] += cents
    return sums


def _all(balance: Json) -> int:
    return balance["available"] + balance["pending"]
