"""The life of every operation: accepted in one commit, carried out between commits, ended in one commit (design 4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import transaction

from instainstru import clock
from instainstru.accounts.models import User
from instainstru.api.idempotency import Receipt
from instainstru.refusals import Refused
from payments import endings, engine
from payments.endings import Subject
from payments.ledger import journal
from payments.models import Operation, Step
from payments.operations import waiting
from payments.operations.consequences import book_debt, end_other_stops, give_credits, set_deadlines, set_state
from payments.operations.facts import facts_of
from payments.policy.conclude import conclude
from payments.policy.decide import decide
from payments.policy.plan import NOTHING, Plan, StepAnswer, ending_as_json
from payments.policy.states import (
    CANCELLATIONS,
    STOPS,
    Action,
    BookingStatus,
    Call,
    Fault,
    Party,
    PaymentStatus,
    Verdict,
)
from payments.rules import rules_of_version


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
) -> Operation:
    """Accept an action on a payment in one transaction and return its operation; no transaction may be open.

    Asking for what is already under way, or for a second cancellation, returns the first one's operation (P7.10). A
    cancellation that meets another operation is accepted and waits for its end (P7.11).
    `preview` is the digest that the actor agreed to, if one was shown.
    Raises Refused: what the policy says, "operation_in_progress", "preview_stale".
    """
    with transaction.atomic(durable=True):
        subject = endings.lock_subject(kind, payment_id)
        operation = _already_asked(subject, kind, inputs or {})
        if operation is None:
            take = waiting.wait_its_turn if waiting.has_to_wait(subject, kind) else accept
            operation = take(subject, kind, party=party, actor=actor, preview=preview, inputs=inputs, now=now)
        if idempotency_key:
            idempotency_key.record(f"operation:{operation.reference}")
        return operation


def accept(
    subject: Subject,
    kind: Action,
    *,
    party: Party,
    now: datetime,
    actor: User | None = None,
    preview: str | None = None,
    inputs: dict[str, Any] | None = None,
) -> Operation:
    """Decide on a locked subject, write the operation, its plan and steps, and apply what takes effect at once.

    An operation that asks Stripe nothing ends in this same commit.
    Raises Refused: what the policy says, "preview_stale".
    """
    facts = facts_of(subject, inputs=inputs)
    plan = decide(facts, kind, now, rules=rules_of_version(subject.payment.policy_version))
    if preview not in (None, plan.digest):
        raise Refused("preview_stale", fresh=plan)
    return write(subject, plan, party=party, actor=actor, inputs=inputs or {}, accepted_at=now, now=now)


def perform(operation: Operation, *, inline: bool = True) -> Operation:
    """Carry an accepted operation, and whatever follows from it, as far as Stripe answers; return its last state.

    No transaction may be open. Safe to call for an operation that is done, or that another runner is at.
    """
    budget = engine.INLINE_BUDGET if inline else None
    while current := Operation.objects.open().filter(payment_id=operation.payment_id).first():
        with engine.lease(current) as ours:
            if not ours or not engine.run_steps(current, budget=budget):
                break
            _finish(current, now=clock.now())
    return Operation.objects.select_related("payment").get(pk=operation.pk)


def _already_asked(subject: Subject, kind: Action, inputs: dict[str, Any]) -> Operation | None:
    operations = subject.payment.operations
    if kind in CANCELLATIONS:
        # A cancellation is one cancellation, whoever asks again and when (P7.10).
        return operations.filter(kind__in=CANCELLATIONS).order_by("number").first()
    same = operations.open().filter(kind=kind)
    if wanted := inputs.get("new_starts_at"):  # a move to another time is another wish
        same = same.filter(inputs__new_starts_at=wanted)
    return same.first()


def write(
    subject: Subject,
    plan: Plan,
    *,
    party: Party,
    actor: User | None,
    inputs: dict[str, Any],
    accepted_at: datetime,
    now: datetime,
    succeeds: Operation | None = None,
) -> Operation:
    payment = subject.payment
    operation = Operation.objects.create(
        payment=payment,
        number=payment.operations.count() + 1,
        kind=plan.action,
        policy_version=plan.version,
        rule=plan.rule,
        plan=plan.as_json(),
        digest=plan.digest,
        actor=actor,
        party=party,
        accepted_at=accepted_at,
        inputs={"booking_status": subject.status} | inputs,
        succeeds=succeeds,
    )
    subject.begin(plan, operation)
    engine.write_steps(operation, payment, now=now)
    if not plan.steps:
        conclude_operation(subject, operation, now=now)
    elif plan.booking_status_at_once is not None:
        set_deadlines(subject, now=now)
        payment.save()
    return operation


def _finish(operation: Operation, *, now: datetime) -> None:
    """End an operation whose calls are all answered, in one transaction; ending twice is ending once."""
    with transaction.atomic(durable=True):
        subject = endings.lock_subject(operation.kind, operation.payment_id)
        # The payment's lock is held, so nobody else ends it between this look and the commit.
        ours = Operation.objects.open().filter(pk=operation.pk).first()
        if ours is None or ours.steps.filter(state__in=[Step.State.PLANNED, Step.State.SENT]).exists():
            return
        ours.payment = subject.payment
        conclude_operation(subject, ours, now=now)


def conclude_operation(subject: Subject, operation: Operation, *, now: datetime) -> None:
    payment = subject.payment
    plan = Plan.from_json(operation.plan)
    rules = rules_of_version(payment.policy_version)
    answers = _answers(operation)
    facts = facts_of(subject, inputs=operation.inputs)
    if plan.ending.booking_status == BookingStatus.CONFIRMED and _all_succeeded(answers):
        # P5.3: read again under the lock: it may have been cancelled, or its time taken, while Stripe was asked.
        facts = replace(facts, time_was_taken=subject.status != BookingStatus.PENDING or not subject.claim_time())
    ending = conclude(plan, facts, answers, accepted_at=operation.accepted_at, now=now, rules=rules)
    if operation.gave:  # resumed after a refusal: what it gives was given then (P10.3)
        ending = replace(ending, credits=NOTHING, lines=(), moves=False)

    give_credits(payment, ending, operation, now=now)
    book_debt(payment, ending, now=now)
    journal.write_for_payment(
        payment,
        ending.lines,
        cause=f"operation:{operation.pk}:finish",
        rule=plan.rule,
        description=f"{plan.action.replace('_', ' ').capitalize()} ended",
        now=now,
        operation=operation,
    )
    set_state(payment, plan, ending, operation, now=now)
    stopped = ending.payment_status == PaymentStatus.MANUAL_REVIEW and ending.review_reason in STOPS
    operation.state = Operation.State.STUCK if stopped else Operation.State.DONE
    operation.gave = operation.gave or ending.gives
    operation.finished_at = now
    operation.conclusion = ending_as_json(ending)
    operation.refusal_code = ending.refusal_code
    operation.save()
    subject.finish(ending, operation, now=now)
    if ending.payment_status is not None or ending.booking_status is not None:
        set_deadlines(subject, now=now)
    payment.claimed_until = None
    payment.save()
    subject.tell(ending, operation, now=now)
    if plan.action == Action.STAFF_CANCEL and ending.payment_status == PaymentStatus.SETTLED:
        end_other_stops(payment, besides=operation)
    if ending.successor is not None and not waiting.takes_over_from(subject, ending.successor):
        _go_on(subject, operation, ending.successor, time_was_taken=facts.time_was_taken, now=now)
    else:
        waiting.begin_next(subject, now=now)


def _go_on(subject: Subject, operation: Operation, successor: Action, *, time_was_taken: bool, now: datetime) -> None:
    """Write the operation that goes on from one whose plan the answers overtook, in the same commit (design 4).

    It is decided as of the same instant, and by the booking's status of then: a cancellation that needs a new hold
    is still the cancellation of a confirmed booking.
    """
    facts = facts_of(subject, inputs=operation.inputs)
    if successor == operation.kind:
        facts = replace(facts, booking_status=BookingStatus(operation.inputs["booking_status"]))
    facts = replace(facts, time_was_taken=time_was_taken)
    plan = decide(facts, successor, operation.accepted_at, rules=rules_of_version(subject.payment.policy_version))
    write(
        subject,
        plan,
        party=Party(operation.party) if successor == operation.kind else Party.SYSTEM,
        actor=operation.actor,
        inputs=operation.inputs if successor == operation.kind else {},
        accepted_at=operation.accepted_at,
        now=now,
        succeeds=operation,
    )


def _all_succeeded(answers: Sequence[StepAnswer]) -> bool:
    return all(answer.verdict == Verdict.SUCCEEDED for answer in answers)


def _answers(operation: Operation) -> list[StepAnswer]:
    """Return the verdicts so far, in order; of several attempts the last one counts."""
    answered = [Step.State.SUCCEEDED, Step.State.REFUSED, Step.State.ACTION_REQUIRED]
    last = {step.ordinal: step for step in operation.steps.order_by("ordinal", "attempt")}
    return [
        StepAnswer(
            call=Call(step.call),
            verdict=Verdict(step.state),
            fault=Fault(step.fault) if step.fault else None,
            code=step.error_code,
        )
        for step in last.values()
        if step.state in answered
    ]
