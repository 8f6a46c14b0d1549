"""A cancellation, or a new card, that meets something under way: accepted at its own instant, decided later (P7.11).

Nobody slips into a worse window because Stripe is slow. The waiting operation stands outside the index of open ones,
keeps the booking's status and time as they were, and is decided as of its instant in the commit that ends the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from instainstru.accounts.models import User
from instainstru.refusals import Refused
from payments import engine, freezes
from payments.endings import Subject
from payments.models import Operation, Payment
from payments.operations.consequences import set_deadlines
from payments.operations.deciding import decide_on, require_seen
from payments.operations.facts import facts_of
from payments.operations.rulings import hold_wallet_still, take_credits
from payments.policy.decide import decide
from payments.policy.facts import Facts
from payments.policy.plan import Ending, Plan, ending_as_json
from payments.policy.staff import WITHOUT_A_CASE
from payments.policy.states import (
    BY_STAFF,
    CANCELLATIONS,
    CASE_OF,
    TRIES_A_CARD,
    Action,
    BookingStatus,
    Party,
    PaymentStatus,
    ReviewReason,
)
from payments.rules import rules_of_version

NEVER_MOVED = {"lesson_started", "reschedule_locked", "reschedule_too_late"}
RETRY_AFTER = 5  # seconds; what a client is told that meets an operation under way


def has_to_wait(
    subject: Subject,
    kind: Action,
    so_far: Iterable[Operation],
    *,
    party: Party,
    inputs: dict[str, Any] | None = None,
    now: datetime,
) -> bool:
    """Return whether an action meets another operation, or a stop, that it may wait for.

    A cancellation may, and a new card: they are accepted at their own instant, whatever is under way (P7.11).

    `so_far` is everything that was begun on the locked payment.
    Raises Refused("operation_in_progress") if it meets one that it may not; a window already past is told by its own
    code (section 12).
    """
    if subject.payment.is_stopped and kind in CANCELLATIONS and kind not in BY_STAFF:
        return True  # staff's own ends the stop (P8.7)
    something_is_open = any(operation.state == Operation.State.OPEN for operation in so_far)
    is_a_new_card = kind in TRIES_A_CARD and party == Party.STUDENT
    if something_is_open and not (kind in CANCELLATIONS or is_a_new_card):
        if kind == Action.RESCHEDULE:
            _require_window_of_move(subject, inputs=inputs, now=now)
        raise _in_progress()
    return something_is_open


def _require_window_of_move(subject: Subject, *, inputs: dict[str, Any] | None, now: datetime) -> None:
    """Raise Refused if a lesson could not be moved whatever came of what is under way (P6.3)."""
    try:
        decide_on(subject, Action.RESCHEDULE, now, inputs=inputs)
    except Refused as refusal:
        if refusal.code in NEVER_MOVED:
            raise


def require_nothing_open(subject: Subject) -> None:
    """Raise Refused("operation_in_progress") if something is being done with a locked payment."""
    if subject.payment.operations.open().exists():
        raise _in_progress()


def wait_its_turn(
    subject: Subject,
    kind: Action,
    *,
    party: Party,
    now: datetime,
    actor: User | None = None,
    preview: str | None = None,
    inputs: dict[str, Any] | None = None,
    so_far: Sequence[Operation] | None = None,
) -> Operation:
    """Accept an action that has to wait: a cancelled lesson's time is free at once, its money follows (P7.11).

    Raises Refused: what the policy says of the instant of the request, "preview_stale".
    """
    payment = subject.payment
    plan = _plan_of_what_waits(subject, kind, now, inputs=inputs)
    require_seen(plan, preview)
    operation = Operation.objects.create(
        payment=payment,
        number=(payment.operations.count() if so_far is None else len(so_far)) + 1,
        kind=kind,
        state=Operation.State.WAITING,
        policy_version=plan.version,
        rule="P7.11",
        plan=plan.as_json(),
        digest=plan.digest,
        actor=actor,
        party=party,
        accepted_at=now,
        inputs={
            "booking_status": subject.status,
            "payment_status": payment.former_status or payment.status,
            "starts_at": payment.starts_at.isoformat(),
            "ends_at": payment.ends_at.isoformat(),
        }
        | (inputs or {}),
    )
    subject.begin(plan, operation)
    set_deadlines(subject, now=now)  # what is cancelled is no longer warned of
    payment.save_changes()
    return operation


def _plan_of_what_waits(subject: Subject, kind: Action, now: datetime, *, inputs: dict[str, Any] | None) -> Plan:
    payment = subject.payment
    if payment.is_frozen:
        return decide_on(subject, kind, now, inputs=inputs)
    facts = facts_of(subject, inputs=inputs)
    if subject.payment.is_stopped:
        facts = replace(facts, payment_status=PaymentStatus(payment.former_status))
    if kind == Action.PAY_NOW:  # the open operation may yet be refused, and then the new card is wanted
        facts = replace(facts, payment_status=PaymentStatus.PAYMENT_METHOD_REQUIRED)
    return decide(facts, kind, now, rules=rules_of_version(payment.policy_version))


def takes_over_from(subject: Subject, successor: Action) -> bool:
    """Return whether a waiting cancellation makes a successor pointless: moving, expiring, paying what is cancelled."""
    waiting = subject.payment.operations.waiting().filter(kind__in=CANCELLATIONS)
    return successor in (Action.EXPIRE, Action.RESCHEDULE, Action.ADVANCE) and waiting.exists()


def close(operation: Operation, *, now: datetime) -> None:
    """End an operation that has nothing left to do."""
    operation.state = Operation.State.DONE
    operation.finished_at = now
    operation.conclusion = ending_as_json(Ending())
    operation.save()


def begin_next(subject: Subject, *, now: datetime) -> None:
    """Decide the operation that has waited longest, as of its instant, and open it; the other's commit is open.

    What the other one's end has left nothing to do for is done.
    """
    payment = subject.payment
    operation = None if payment.operations.open().exists() else _next_in_turn(payment)
    if operation is None:
        return
    operation.payment = payment
    if operation.kind in CASE_OF:
        hold_wallet_still(payment)
    with freezes.lifted(payment):
        facts = as_it_stood(facts_of(subject, inputs=operation.inputs), operation)
    rules = rules_of_version(payment.policy_version)
    try:
        plan = decide(facts, Action(operation.kind), operation.accepted_at, rules=rules)
    except Refused:
        close(operation, now=now)
        begin_next(subject, now=now)
        return
    operation.state = Operation.State.OPEN
    operation.rule, operation.plan, operation.digest = plan.rule, plan.as_json(), plan.digest
    operation.save()
    take_credits(payment, plan, operation, now=now)
    engine.write_steps(operation, payment)


def _next_in_turn(payment: Payment) -> Operation | None:
    """What has waited longest, of what may go on: under a case its own; in a stop staff's own, which ends it (P8.7).

    A debt waits for a card, and so for whoever pays with a new one (P10.2).
    """
    waiting = payment.operations.waiting().order_by("number")
    if payment.is_frozen:
        return next((each for each in waiting if not freezes.halts(payment, Action(each.kind))), None)
    if payment.status == PaymentStatus.MANUAL_REVIEW:
        may_go_on = BY_STAFF if payment.review_reason in WITHOUT_A_CASE else frozenset()
        is_a_debt = payment.review_reason == ReviewReason.COLLECTION_FAILED
        waiting = waiting.filter(kind__in=may_go_on | TRIES_A_CARD if is_a_debt else may_go_on)
    return waiting.first()


def as_it_stood(facts: Facts, operation: Operation) -> Facts:
    """The booking's status and time are those of the request; where the money stands is for now to say."""
    if operation.kind not in CANCELLATIONS or "starts_at" not in operation.inputs:
        return facts
    if operation.kind in BY_STAFF and facts.payment_status == PaymentStatus.SETTLED:
        # Settled by what it met: it was not when staff cancelled, so what was paid is taken back (P8.7).
        facts = replace(facts, payment_status=PaymentStatus(operation.inputs["payment_status"]))
    return replace(
        facts,
        booking_status=BookingStatus(operation.inputs["booking_status"]),
        starts_at=datetime.fromisoformat(operation.inputs["starts_at"]),
        ends_at=datetime.fromisoformat(operation.inputs["ends_at"]),
    )


def _in_progress() -> Refused:
    return Refused("operation_in_progress", retry_after=RETRY_AFTER)
