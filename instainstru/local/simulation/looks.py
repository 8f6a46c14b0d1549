"""A look at everything at one moment: what our records say, and what Stripe's do."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from instainstru.local.simulation.ground import Ground
from payments.ledger import books
from payments.models import ChangeAtStripe, Freeze, Operation, Payee, Payment, Step
from payments.policy.accounts import Account
from payments.policy.states import Action, Call

Json = dict[str, Any]
NOTHING = Counter[str]()


@dataclass(frozen=True, slots=True)
class Sent:
    """A call that was sent to Stripe at some time."""

    payment_id: int
    kind: Action
    call: Call
    state: Step.State


@dataclass(frozen=True, slots=True)
class Look:
    """Everything that the invariants compare. Cents; payments by their ids, what Stripe knows by reference."""

    payments: dict[int, Payment]
    open_operations: Counter[int]
    sent: dict[int, Sent]
    freezes: dict[int, set[int]]
    given_up: set[int]  # payments of which staff have given something up: a hold may lapse by itself
    changed_at_stripe: set[int]
    at_stripe: dict[str, Json]
    holds: Counter[str]
    owned: dict[str, int]  # the platform's balance, and each connected account's, as we have booked them
    owned_at_stripe: dict[str, int]
    untold: frozenset[str]

    @property
    def unanswered(self) -> set[int]:
        """Payments with a call whose answer is not known."""
        return {sent.payment_id for sent in self.sent.values() if sent.state == Step.State.SENT}

    def moved(self, payment: Payment) -> tuple[int, ...]:
        """Return what Stripe says was captured, refunded and paid out for a payment."""
        group = self.at_stripe.get(payment.reference, NOTHING)
        return group["captured"], group["refunded"], group["transferred"] - group["reversed"]


def look_around(ground: Ground) -> Look:
    """Look at everything now; no transaction is open."""
    summary = ground.simulator.summary()
    steps = Step.objects.exclude(state__in=[Step.State.PLANNED, Step.State.SKIPPED])
    frozen: dict[int, set[int]] = {}
    for payment_id, freeze_id in Freeze.objects.in_force().values_list("payment_id", "id"):
        frozen.setdefault(payment_id, set()).add(freeze_id)
    return Look(
        payments={payment.pk: payment for payment in Payment.objects.order_by("id")},
        open_operations=Counter(Operation.objects.open().values_list("payment_id", flat=True)),
        sent={
            pk: Sent(payment_id, Action(kind), Call(call), Step.State(state))
            for pk, payment_id, kind, call, state in steps.values_list(
                "pk", "operation__payment_id", "operation__kind", "call", "state"
            )
        },
        freezes=frozen,
        given_up=set(Operation.objects.exclude(resolution="").values_list("payment_id", flat=True)),
        changed_at_stripe=set(ChangeAtStripe.objects.values_list("payment_id", flat=True)),
        at_stripe=summary["groups"],
        holds=Counter(hold["transfer_group"] for hold in ground.simulator.live_holds()),
        owned={"platform": books.balance(Account.PLATFORM)}
        | {
            account: books.balance(Account.CONNECTED, owner_id=user)
            for account, user in Payee.objects.values_list("account_id", "user_id")
        },
        owned_at_stripe={"platform": _all(summary["balances"]["platform"])}
        | {account: _all(balance) for account, balance in summary["balances"]["accounts"].items()},
        untold=frozenset(ground.post.untold),
    )


def _all(balance: Json) -> int:
    return balance["available"] + balance["pending"]
