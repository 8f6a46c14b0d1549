"""The life of every operation: accepted in one commit, carried out between commits, ended in one commit (design 4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import transaction

from credits import operations as credits
from instainstru import clock
from instainstru.accounts.models import User
from instainstru.api.idempotency import IdempotencyKey
from instainstru.refusals import Refused
from payments import endings, engine
from payments.endings import Subject
from payments.ledger import journal
from payments.models import AccountLock, Operation, Payment, Step
from payments.policy.accounts import Account
from payments.policy.conclude import conclude
from payments.policy.deadlines import deadlines
from payments.policy.decide import decide
from payments.policy.facts import Facts
from payments.policy.plan import Ending, Plan, StepAnswer, ending_as_json
from payments.policy.rules import rules_of_version
from payments.policy.states import (
    CANCELLATIONS,
    Action,
    BookingStatus,
    Call,
    Fault,
    Outcome,
    Party,
    PaymentStatus,
    Verdict,
)

RETRY_AFTER = 5  # seconds; what a client is told that meets an operation under way


def begin(
    *,
    kind: Action,
    payment_id: int,
    party: Party,
    now: datetime,
    actor: User | None = None,
    preview: str | None = None,
    inputs: dict[str, Any] | None = None,
    idempotency_key: IdempotencyKey | None = None,
) -> Operation:
    """Accept an action on a payment in one transaction and return its operation; no transaction may be open.

    Asking for what is already under way, or for a second cancellation, returns the first one's operation (P7.10).
    `preview` is the digest that the actor agreed to, if one was shown.
    Raises Refused: what the policy says, "operation_in_progress", "preview_stale".
    """
    with transaction.atomic(durable=True):
        subject = endings.lock_subject(kind, payment_id)
        operation = _already_asked(subject, kind) or accept(
            subject, kind, party=party, actor=actor, preview=preview, inputs=inputs, now=now
        )
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
    return _write(subject, plan, party=party, actor=actor, inputs=inputs or {}, accepted_at=now, now=now)


def perform(operation: Operation, *, inline: bool = True) -> Operation:
    """Carry an accepted operation, and whatever follows from it, as far as Stripe answers; return its last state.

    No transaction may be open. Safe to call for an operation that is done, or that another runner is at.
    """
    current: Operation | None = operation
    while current is not None and not current.is_done:
        with engine.lease(current) as ours:
            if not ours:
                break
            if not engine.run_steps(current, budget=engine.INLINE_BUDGET if inline else None):
                break
            _finish(current, now=clock.now())
        current = Operation.objects.open().filter(payment_id=operation.payment_id).first()
        if current is not None and current.succeeds_id is None:
            break  # somebody else's, accepted after ours was done
    return Operation.objects.select_related("payment").get(pk=operation.pk)


def facts_of(subject: Subject, *, inputs: Mapping[str, Any] | None = None) -> Facts:
    """Return what is true of a payment and its subject, and what an action asks for beside it."""
    wanted = (inputs or {}).get("new_starts_at")
    payment = subject.payment
    return Facts(
        terms=payment.terms,
        booking_status=subject.status,
        payment_status=PaymentStatus(payment.status),
        outcome=Outcome(payment.settlement_outcome) if payment.settlement_outcome else None,
        made_at=payment.made_at,
        starts_at=payment.starts_at,
        ends_at=payment.ends_at,
        hold=payment.authorized_cents,
        has_pending_intent=bool(payment.pending_intent_id),
        captured=payment.captured_cents,
        refunded=payment.refunded_to_card_cents,
        instructor_holds=payment.instructor_payout_cents,
        authorization_refusals=payment.authorization_refusals,
        collection_refused_at=payment.collection_refused_at,
        owed=payment.owed_cents,
        late_reschedule_used=payment.late_reschedule_used,
        new_starts_at=datetime.fromisoformat(wanted) if wanted else None,
    )


def _already_asked(subject: Subject, kind: Action) -> Operation | None:
    operations = subject.payment.operations
    current = operations.open().first()
    if kind in CANCELLATIONS:
        # A cancellation is one cancellation, whoever asks again and when (P7.10).
        first = operations.filter(kind__in=CANCELLATIONS).order_by("number").first()
        if first is not None:
            return first
    if current is None or current.kind == kind:
        return current
    raise Refused("operation_in_progress", retry_after=RETRY_AFTER)


def _write(
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
        _conclude(subject, operation, now=now)
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
        _conclude(subject, ours, now=now)


def _conclude(subject: Subject, operation: Operation, *, now: datetime) -> None:
    payment = subject.payment
    plan = Plan.from_json(operation.plan)
    rules = rules_of_version(payment.policy_version)
    answers = _answers(operation)
    facts = facts_of(subject, inputs=operation.inputs)
    if plan.ending.booking_status == BookingStatus.CONFIRMED and _all_succeeded(answers):
        # P5.3: read again under the lock: it may have been cancelled, or its time taken, while Stripe was asked.
        facts = replace(facts, time_was_taken=subject.status != BookingStatus.PENDING or not subject.claim_time())
    ending = conclude(plan, facts, answers, accepted_at=operation.accepted_at, rules=rules)

    _give_credits(payment, ending, operation, now=now)
    _book_debt(payment, ending, now=now)
    journal.write_for_payment(
        payment,
        ending.lines,
        cause=f"operation:{operation.pk}:finish",
        rule=plan.rule,
        description=f"{plan.action.replace('_', ' ').capitalize()} ended",
        now=now,
        operation=operation,
    )
    _set_state(payment, plan, ending, operation, now=now)
    operation.state = Operation.State.DONE
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
    if ending.successor is not None:
        _go_on(subject, operation, ending.successor, time_was_taken=facts.time_was_taken, now=now)


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
    _write(
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
    return [
        StepAnswer(
            call=Call(step.call),
            verdict=Verdict(step.state),
            fault=Fault(step.fault) if step.fault else None,
            code=step.error_code,
        )
        for step in operation.steps.filter(state__in=answered).order_by("ordinal", "attempt")
    ]


def _give_credits(payment: Payment, ending: Ending, operation: Operation, *, now: datetime) -> None:
    """Release, use up and issue what the ending gives, now that the money is there (P9.2)."""
    moves, student_id = ending.credits, payment.payer.user_id
    if moves.released or moves.used:
        credits.use_reserved(
            student_id=student_id,
            reference=payment.reference,
            released=moves.released,
            consumed=moves.consumed,
            forfeited=moves.forfeited,
            now=now,
        )
    if moves.issued:
        credits.issue(student_id=student_id, cents=moves.issued, source_key=f"operation:{operation.pk}", now=now)
    payment.credits_released_cents += moves.released
    payment.credits_consumed_cents += moves.consumed
    payment.credits_forfeited_cents += moves.forfeited
    payment.student_credit_cents += moves.issued


def _set_state(payment: Payment, plan: Plan, ending: Ending, operation: Operation, *, now: datetime) -> None:
    payment.refusal_code = ending.refusal_code
    if ending.payment_status == PaymentStatus.PAYMENT_METHOD_REQUIRED and operation.party == Party.SYSTEM:
        _count_refusal(payment, plan, now=now)
    if ending.moves:
        _note_move(payment, plan, operation, now=now)
    if ending.payment_status is None:
        return
    if ending.payment_status == PaymentStatus.MANUAL_REVIEW:
        _freeze(payment, plan, ending, operation, now=now)
    else:
        payment.former_status = payment.review_reason = payment.review_error = ""
        payment.review_since = None
    payment.status = ending.payment_status
    if ending.outcome is not None:
        payment.settlement_outcome = ending.outcome
        if payment.locked_at and not payment.lock_resolved_at:
            payment.lock_resolved_at, payment.lock_resolution = now, ending.outcome
    if ending.payment_status == PaymentStatus.SETTLED:
        payment.settled_at = now


def _count_refusal(payment: Payment, plan: Plan, *, now: datetime) -> None:
    """The ladders count our own tries; the student's retries in between do not move them (P10.1, P10.2)."""
    payment.refused_at = now
    payment.authorization_refusals += 1
    if plan.action == Action.SETTLE and payment.collection_refused_at is None:
        payment.collection_refused_at = now


def _note_move(payment: Payment, plan: Plan, operation: Operation, *, now: datetime) -> None:
    """A moved lesson's ladder begins anew (P6.1); a late move is the LOCK, once (P6.2)."""
    payment.refused_at = None
    payment.authorization_refusals = 0
    if plan.ending.payment_status == PaymentStatus.LOCKED:
        payment.late_reschedule_used = True
        payment.locked_at = now
        payment.locked_from_start = payment.starts_at


def _freeze(payment: Payment, plan: Plan, ending: Ending, operation: Operation, *, now: datetime) -> None:
    failed = operation.steps.filter(state=Step.State.REFUSED).order_by("-ordinal", "-attempt").first()
    locks = ending.moves and plan.ending.payment_status == PaymentStatus.LOCKED
    payment.former_status = PaymentStatus.LOCKED if locks else payment.status
    payment.review_reason = ending.review_reason or ""
    payment.review_since = now
    payment.review_error = f"{failed.error_code}: {failed.error_message}" if failed else ""


def _book_debt(payment: Payment, ending: Ending, *, now: datetime) -> None:
    """Note what the student owes and lock the account, or unlock it once nothing is owed (P10.2)."""
    payment.owed_cents += sum(line.amount for line in ending.lines if line.account == Account.RECEIVABLE)
    of_this_booking = {"payer": payment.payer, "reason": AccountLock.Reason.COLLECTION_FAILED}
    if payment.owed_cents:
        AccountLock.objects.get_or_create(
            **of_this_booking, reference=payment.reference, defaults={"locked_at": now}
        )
    elif ending.outcome == Outcome.INSTRUCTOR_ADVANCED:
        AccountLock.objects.filter(**of_this_booking, reference=payment.reference).update(lifted_at=now)


def set_deadlines(subject: Subject, *, now: datetime) -> None:
    """Derive what is due when from the state of a locked subject; the caller saves the payment."""
    payment = subject.payment
    due = deadlines(
        booking_status=subject.status,
        payment_status=PaymentStatus(payment.status),
        made_at=payment.made_at,
        starts_at=payment.starts_at,
        ends_at=payment.ends_at,
        refused_at=payment.refused_at,
        refusals=payment.authorization_refusals,
        now=now,
        rules=rules_of_version(payment.policy_version),
    )
    payment.authorize_at, payment.expire_at, payment.settle_at = due.authorize_at, due.expire_at, due.settle_at
