"""The life of every operation: accepted in one commit, carried out between commits, ended in one commit (design 4).

How it is written, how it ends and what its end makes way for is in `succession`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

from django.db import transaction

from instainstru import clock
from instainstru.accounts.models import User
from instainstru.api.idempotency import Receipt
from payments import endings, engine, freezes
from payments.endings import Subject
from payments.models import Operation, Payment, Step
from payments.operations import waiting
from payments.operations.succession import accept, conclude_operation
from payments.policy.states import CANCELLATIONS, TRIES_A_CARD, Action, Party
from payments.queries.in_flight import as_it_stands, in_flight_on, operations_on

_DUE_AT = {Action.AUTHORIZE: "authorize_at", Action.EXPIRE: "expire_at", Action.SETTLE: "settle_at"}


class NotDue(Exception):
    """What a payment was claimed for is done: its task came twice, or somebody was quicker."""


def begin(
    *,
    kind: Action,
    payment_id: int,
    party: Party,
    now: datetime,
    actor: User | None = None,
    preview: str | None = None,
    inputs: dict[str, Any] | None = None,
    idempotency_key: Receipt | None = None,
    if_due: bool = False,
) -> Operation:
    """Accept an action on a payment in one transaction and return its operation; no transaction may be open.

    Asking for what is already under way, or for a second cancellation, returns the first one's operation (P7.10). A
    cancellation that meets another operation is accepted and waits for its end (P7.11).
    `preview` is the digest that the actor agreed to, if one was shown; `if_due` is for the sweeps.
    Raises Refused: what the policy says, "operation_in_progress", "preview_stale". Raises NotDue.
    """
    with transaction.atomic(durable=True):
        subject = endings.lock_subject(kind, payment_id)
        if if_due:
            _require_due(subject.payment, kind, now=now)
        so_far = operations_on(subject.payment)
        operation = _already_asked(so_far, kind, inputs or {}, subject.payment, party=party)
        if operation is None:
            waits = waiting.has_to_wait(subject, kind, so_far, party=party, inputs=inputs, now=now)
            take = waiting.wait_its_turn if waits else partial(accept, runs=True)
            operation = take(
                subject,
                kind,
                party=party,
                actor=actor,
                preview=preview,
                inputs=inputs,
                so_far=so_far,
                now=now,
            )
        if idempotency_key:
            idempotency_key.record(f"operation:{operation.reference}")
        return operation


def perform(operation: Operation, *, inline: bool = True, until: datetime | None = None) -> Operation:
    """Carry an accepted operation, and whatever follows from it, as far as Stripe answers; return its last state.

    A request that waits for it (`inline`) waits ten seconds in all, or `until` an instant of the wall if several
    operations share them. No transaction may be open. Safe to call for an operation that is done, or that another
    runner is at.
    """
    deadline = (until or engine.inline_deadline()) if inline else None
    if operation.ended_alone:
        return operation
    asked, current = operation, operation if operation.begun_with else None
    if current is None:
        asked, current = as_it_stands(operation)
    while current is not None:
        ended = None
        with engine.lease(current) as ours:
            progress = engine.run_steps(current, deadline=deadline) if ours else None
            if progress is not None and progress.is_through:
                ended = _finish(current, progress, now=clock.now())
        if ended == operation and ended.ended_alone:
            return ended
        asked, current = as_it_stands(operation)
        if progress is None or not progress.is_through:
            break
    return asked


def _require_due(payment: Payment, kind: Action, *, now: datetime) -> None:
    """A card is not tried twice because a task is: the first try has set the next one's instant (P10.1, P10.2)."""
    due_at = getattr(payment, _DUE_AT[kind])
    if due_at is None or due_at > now:
        raise NotDue


def _already_asked(
    so_far: Sequence[Operation], kind: Action, inputs: dict[str, Any], payment: Payment, *, party: Party
) -> Operation | None:
    if kind in CANCELLATIONS:
        # A cancellation is one cancellation, whoever asks again and when (P7.10).
        return next((earlier for earlier in so_far if earlier.kind in CANCELLATIONS), None)
    if kind in TRIES_A_CARD and party == Party.STUDENT:
        return next(
            (earlier for earlier in so_far if earlier.kind == kind and _tries_their_card(earlier, payment)), None
        )
    same = (earlier for earlier in so_far if earlier.kind == kind and earlier.state == Operation.State.OPEN)
    if wanted := inputs.get("new_starts_at"):  # a move to another time is another wish
        same = (earlier for earlier in same if earlier.inputs.get("new_starts_at") == wanted)
    return next(same, None)


def _tries_their_card(operation: Operation, payment: Payment) -> bool:
    """Return whether an operation is trying the card that the student has now, or will when its turn comes."""
    if operation.state != Operation.State.OPEN:
        return operation.state == Operation.State.WAITING
    sent = operation.steps.filter(state=Step.State.SENT).first()
    card = sent.parameters.get("body", {}).get("payment_method") if sent else None
    return card in (None, payment.payer.payment_method_id)


def _finish(operation: Operation, progress: engine.Progress, *, now: datetime) -> Operation | None:
    """Write the last answer and end the operation, in one transaction; ending twice is ending once.

    Returns the operation as it stands now, if it is one that is under way.
    """
    with transaction.atomic(durable=True):
        subject = endings.lock_subject(operation.kind, operation.payment_id)
        # The payment's lock is held, so nobody else ends it between this look and the commit.
        in_flight = in_flight_on(subject.payment)
        ours = next((each for each in in_flight if each == operation and each.state == Operation.State.OPEN), None)
        if ours is None:
            return None
        moved = None
        if progress.step is not None and progress.answer is not None:
            moved = engine.write_answer(progress.step, progress.answer, subject.payment, now=now)
        steps = engine.steps_of(operation)
        states = {step.state for step in steps}
        if Step.State.SENT in states:
            return None  # begun anew by another runner: the answer is its to wait for
        if Step.State.PLANNED in states:
            if moved is not None:  # after the last answer nothing is planned, or what it moved would be lost here
                raise RuntimeError(f"{operation}: an answer was taken for the last one.")
            _halt(subject, ours, now=now)
        else:
            conclude_operation(subject, ours, steps, in_flight, moved=moved, now=now)
    operation.state = ours.state
    return ours


def _halt(subject: Subject, operation: Operation, *, now: datetime) -> None:
    """Let an operation that a case keeps from going on leave the open place to the case's own (P8.1, design 4).

    If the case has ended meanwhile it simply goes on.
    """
    payment = subject.payment
    if not freezes.halts(payment, Action(operation.kind)):
        engine.send_next(operation, payment)
        return
    operation.steps.filter(state=Step.State.PLANNED).update(state=Step.State.SKIPPED)
    operation.state = Operation.State.HALTED
    operation.lease_token, operation.leased_until = engine.NO_LEASE
    operation.save()
    waiting.begin_next(subject, now=now)
