"""An account of everything that was decided and moved, so that two runs of one story can be compared.

`everything_is_right` is the claim that no cent was lost, doubled or stranded in it. Each life of a process is looked at
twice or thrice, so that what is asked is put together once.
"""

import json
from collections import Counter, defaultdict
from datetime import datetime
from typing import Any

from django.db.models import Model, Sum

from bookings.models import Booking, OccupiedTime
from credits.models import CreditLot, CreditMovement, NegativeBalance
from disputes.models import Chargeback, LessonDispute, NoShowReport
from instainstru.local.simulator import SimulatorControl
from instainstru.notifications.models import Message
from instainstru.prepared import Prepared, PreparedValues
from payments.ledger import books
from payments.models import AccountLock, Freeze, JournalEntry, Operation, Payment, Posting, Step, StripeEvent

Json = dict[str, Any]

BOOKINGS = Prepared(lambda: Booking.objects.order_by("made_at", "id"))
PAYMENTS = Prepared(lambda: Payment.objects.order_by("made_at", "id"))
WITH_PAYOUT = PreparedValues(lambda: Payment.objects.exclude(payout_transfers=None).values_list("id"))
OPERATIONS = Prepared(lambda: Operation.objects.order_by("payment_id", "number"))
STEPS = Prepared(lambda: Step.objects.order_by("id"))
CASES = [Prepared(kind.objects.order_by("id").all) for kind in (NoShowReport, LessonDispute, Chargeback)]
FREEZES = Prepared(lambda: Freeze.objects.order_by("id"))
OWED_IN_CREDIT = Prepared(lambda: NegativeBalance.objects.order_by("id"))
LOCKS = Prepared(lambda: AccountLock.objects.order_by("id"))
TIMES = Prepared(lambda: OccupiedTime.objects.all())
BALANCES = PreparedValues(
    lambda: (
        Posting.objects.values("account", "owner_id")
        .annotate(cents=Sum("amount_cents"))
        .values_list("account", "owner_id", "cents")
    )
)
ENTRIES = PreparedValues(lambda: JournalEntry.objects.values_list("description", "rule"))
LOTS = Prepared(lambda: CreditLot.objects.order_by("issued_at", "id"))
MOVEMENTS = PreparedValues(lambda: CreditMovement.objects.values_list("kind", "cents"))
MESSAGES = PreparedValues(lambda: Message.objects.values_list("recipient__email", "key"))
EVENTS = PreparedValues(lambda: StripeEvent.objects.order_by("id").values_list("id", "attempts", "applied_at"))


def everything_is_right(simulator: SimulatorControl) -> None:
    """Assert that nothing is under way, the books balance, and Stripe agrees with them and with our records."""
    assert [operation for operation in OPERATIONS.all() if operation.state == Operation.State.OPEN] == []
    assert [str(finding) for finding in books.findings(ask_stripe=True)] == []
    assert at_stripe(simulator) == in_our_records()
    no_call_took_effect_twice(simulator)


def no_call_took_effect_twice(simulator: SimulatorControl) -> None:
    """Assert that each idempotency key had effect at most once, and each step's call under one key only."""
    effects = Counter(entry["idempotency_key"] for entry in simulator.requests() if entry["effect"])
    assert {key: times for key, times in effects.items() if times > 1} == {}
    once = Counter((step.operation_id, step.ordinal) for step in STEPS.all() if step.state == Step.State.SUCCEEDED)
    assert {step: times for step, times in once.items() if times > 1} == {}


def at_stripe(simulator: SimulatorControl) -> dict[str, Json]:
    """Return what Stripe moved for each booking, and how many holds are live. Cents."""
    holds = Counter(hold["transfer_group"] for hold in simulator.live_holds())
    return {
        reference: {
            "held": moved["held"],
            "holds": holds[reference],
            "captured": moved["captured"],
            "refunded": moved["refunded"],
            "instructor": moved["transferred"] - moved["reversed"],
        }
        for reference, moved in simulator.summary()["groups"].items()
        if any(moved[kind] for kind in ("held", "captured", "transferred"))
    }


def in_our_records() -> dict[str, Json]:
    """Return what our records say that Stripe moved for each booking. Cents."""
    with_payout = {payment_id for (payment_id,) in WITH_PAYOUT.all()}
    return {
        payment.reference: {
            "held": payment.authorized_cents,
            "holds": 1 if payment.authorized_cents else 0,
            "captured": payment.captured_cents,
            "refunded": payment.refunded_to_card_cents,
            "instructor": payment.instructor_payout_cents,
        }
        for payment in PAYMENTS.all()
        if payment.authorized_cents or payment.captured_cents or payment.id in with_payout
    }


# --- Two runs of one story --------------------------------------------------------------------------------------------


def account_of_it_all(simulator: SimulatorControl) -> Json:
    """Return everything that was decided and moved, as it can be compared with another run of the same story."""
    steps = defaultdict(list)
    for step in STEPS.all():
        steps[step.operation_id].append(step)
    return {
        "bookings": [_booking(booking) for booking in BOOKINGS.all()],
        "payments": [_payment(payment) for payment in PAYMENTS.all()],
        "operations": [_operation(operation, steps[operation.id]) for operation in OPERATIONS.all()],
        "cases": [
            _without(case, "id", "ref", "booking_id", "operation_id", "dispute_id", "booked_movements")
            for kind in CASES
            for case in kind.all()
        ],
        "freezes": [_without(freeze, "id", "payment_id", "case") for freeze in FREEZES.all()],
        "owed in credit": [_without(owed, "id", "reference") for owed in OWED_IN_CREDIT.all()],
        "locks": [_without(lock, "id", "reference") for lock in LOCKS.all()],
        "time": sorted(str(time) for time in TIMES.all()),
        "accounts": {f"{account} of {owner_id}": cents for account, owner_id, cents in BALANCES.all() if cents},
        "entries": sorted(ENTRIES.all()),
        "lots": [
            {name: value for name, value in _stored(lot).items() if name.endswith("_cents") or name == "expires_at"}
            for lot in LOTS.all()
        ],
        "movements": sorted(MOVEMENTS.all()),
        "messages": sorted(MESSAGES.all()),
        "at Stripe": sorted(str(amounts) for amounts in at_stripe(simulator).values()),
    }


def trail(simulator: SimulatorControl) -> Json:
    """Return what else whoever goes on finds of a dead process once its leases have ended: claims, calls, events."""
    return {
        "claimed": [payment.id for payment in PAYMENTS.all() if payment.claimed_until is not None],
        "leased": [operation.id for operation in OPERATIONS.all() if operation.lease_token],
        "sent": [(step.id, step.state, step.times_sent, step.unknown_because) for step in STEPS.all()],
        "events": EVENTS.all(),
        "asked": [(entry["call"], entry["idempotency_key"], entry["effect"]) for entry in simulator.requests()],
    }


def _stored(row: Model) -> Json:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


def _without(row: Model, *names: str) -> Json:
    return {name: value for name, value in _stored(row).items() if name not in names}


_OF_THE_MACHINE = ("id", "reference", "claimed_until", "policy_version")


def _payment(payment: Payment) -> Json:
    return {
        name: value for name, value in _without(payment, *_OF_THE_MACHINE).items() if not name.endswith(("_id", "_url"))
    } | {
        "has an intent": bool(payment.intent_id),
        "waits at the bank": bool(payment.pending_intent_id),
        "has a transfer": bool(payment.transfer_id),
    }


def _booking(booking: Booking) -> Json:
    return _without(booking, "id", "ref", "payment_id", "service_title")


def _operation(operation: Operation, steps: list[Step]) -> Json:
    return {
        "number": operation.number,
        "kind": operation.kind,
        "state": operation.state,
        "rule": operation.rule,
        "plan": json.dumps(operation.plan | {"steps": [_planned(step) for step in operation.plan["steps"]]}),
        "party": operation.party,
        "accepted_at": operation.accepted_at,
        "conclusion": operation.conclusion,
        "refusal": operation.refusal_code,
        "steps": [
            (step.ordinal, step.attempt, step.call, step.amount_cents, step.state, step.error_code)
            for step in sorted(steps, key=lambda step: (step.ordinal, step.attempt))
        ],
    }


def _planned(step: Json) -> Json:
    return step | {"of": bool(step["of"])}  # a transfer's id is Stripe's, and new in each run


def without_instants(account: Any) -> Any:
    """Return an account of it all without what tells when, and of each step the last attempt alone."""
    if isinstance(account, dict):
        kept = {name: part for name, part in account.items() if not isinstance(part, datetime)}
        if "steps" in kept:
            last = {ordinal: (call, cents, state) for ordinal, _, call, cents, state, _ in kept["steps"]}
            kept["steps"] = sorted(last.items())
        return {name: without_instants(part) for name, part in kept.items()}
    return [without_instants(part) for part in account] if isinstance(account, list) else account


def differences(one: Any, other: Any, *, where: str = "") -> list[str]:
    """Return a line for each place where two accounts of it all differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        names = sorted(one.keys() | other.keys(), key=str)
        return [line for name in names for line in differences(one.get(name), other.get(name), where=f"{where}/{name}")]
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = zip(one, other, strict=True)
        return [line for n, pair in enumerate(pairs) for line in differences(*pair, where=f"{where}/{n}")]
    return [] if one == other else [f"{where}: {one} and {other}"]
