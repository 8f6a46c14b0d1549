"""The life of every operation: accepted in one commit, carried out between commits, ended in one commit (design 4)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from django.db import transaction

from instainstru import clock
from instainstru.accounts.models import User
from instainstru.api.idempotency import Receipt
from instainstru.refusals import Refused
from payments import endings, engine, freezes
from payments.endings import Subject
from payments.ledger import journal
from payments.models import Operation, Payment, Step
from payments.operations import resuming, waiting
from payments.operations.applying import apply_end
from payments.operations.consequences import end_other_stops, end_retried_stop, set_deadlines
from payments.operations.deciding import decide_on
from payments.operations.facts import facts_of, retries_a_stop
from payments.operations.rulings import count_what_was_taken, hold_wallet_still, take_credits
from payments.policy.decide import decide
from payments.policy.plan import Ending, Plan, ending_as_json
from payments.policy.states import (
    BY_STAFF,
    CANCELLATIONS,
    CASE_OF,
    RULINGS,
    STOPS,
    TRIES_A_CARD,
    Action,
    BookingStatus,
    Outcome,
    Party,
    PaymentStatus,
    ReviewReason,
)
from payments.queries.in_flight import as_it_stands, in_flight_on, operations_on
from payments.rules import rules_of_version

ENDS_WHAT_WAITS = RULINGS | {Action.STAFF_CANCEL}
LETS_SETTLE = {Action.WIN_CHARGEBACK, Action.CONFIRM_AUTHORIZATION}  # what is due is not left to the next sweep
OUTLIVES_AN_END = (Action.RULE_DISPUTE, Action.ANSWER_CHARGEBACK, Action.WIN_CHARGEBACK, Action.LOSE_CHARGEBACK)


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


def accept(
    subject: Subject,
    kind: Action,
    *,
    party: Party,
    now: datetime,
    actor: User | None = None,
    preview: str | None = None,
    inputs: dict[str, Any] | None = None,
    so_far: Sequence[Operation] | None = None,
    runs: bool = False,
) -> Operation:
    """Decide on a locked subject, write the operation, its plan and steps, and apply what takes effect at once.

    An operation that asks Stripe nothing ends in this same commit. `so_far` is everything that was begun on its payment
    before, if that is known; `runs` says that the caller goes on to perform it, so that it holds its lease from this
    commit on.
    Raises Refused: what the policy says, "preview_stale".
    """
    plan = decide_on(subject, kind, now, inputs=inputs)
    if preview not in (None, plan.digest):
        raise Refused("preview_stale", fresh=plan)
    return write(
        subject,
        plan,
        party=party,
        actor=actor,
        inputs=inputs or {},
        accepted_at=now,
        now=now,
        so_far=so_far,
        runs=runs,
    )


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
    so_far: Sequence[Operation] | None = None,
    runs: bool = False,
) -> Operation:
    payment = subject.payment
    halted = freezes.halts(payment, plan.action)
    token, until = engine.fresh_lease() if runs and plan.steps and not halted else engine.NO_LEASE
    operation = Operation.objects.create(
        payment=payment,
        number=(payment.operations.count() if so_far is None else len(so_far)) + 1,
        kind=plan.action,
        state=Operation.State.HALTED if halted else Operation.State.OPEN,
        policy_version=plan.version,
        rule=plan.rule,
        plan=plan.as_json(),
        digest=plan.digest,
        actor=actor,
        party=party,
        accepted_at=accepted_at,
        inputs={"booking_status": subject.status} | inputs,
        succeeds=succeeds,
        lease_token=token,
        leased_until=until,
    )
    subject.begin(plan, operation)
    if halted:
        return operation
    take_credits(payment, plan, operation, now=now)
    engine.write_steps(operation, payment)
    if not plan.steps:
        in_flight = None if so_far is None else [*(each for each in so_far if each.is_in_flight), operation]
        conclude_operation(subject, operation, [], in_flight, now=now)
    elif plan.booking_status_at_once is not None:
        set_deadlines(subject, now=now)
        payment.save_changes()
    return operation


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


def conclude_operation(
    subject: Subject,
    operation: Operation,
    steps: Sequence[Step],
    in_flight: Sequence[Operation] | None = None,
    *,
    moved: journal.Draft | None = None,
    now: datetime,
) -> None:
    """End an operation by its answers; under an open case, beneath the freeze that it lays (design 4).

    `steps` are all its attempts, in order; `in_flight` is what is so on its payment, itself included, if that is known.
    `moved` is the entry of the last answer, if it is still to be written.
    """
    payment = subject.payment
    bank_has_it = payment.review_reason == ReviewReason.CHARGEBACK_OPEN
    with freezes.lifted(payment):
        outcome = payment.settlement_outcome
        end_retried_stop(subject, operation, now=now)
        ending, facts = apply_end(subject, operation, steps, moved=moved, freezes_credits=bank_has_it, now=now)
        if payment.status == PaymentStatus.MANUAL_REVIEW:  # refused once more: an outcome that it had stays (P4.3)
            payment.settlement_outcome = payment.settlement_outcome or outcome
        if ending.successor != operation.kind:  # what follows on a ruling that was carried out is no longer its own
            freezes.end_of(payment, _cases_ended_by(operation), now=now)
    if operation.kind in CASE_OF or ending.payment_status is not None or ending.booking_status is not None:
        set_deadlines(subject, now=now)
    payment.claimed_until = None
    payment.save_changes()
    subject.tell(ending, operation, now=now)
    if operation.kind in ENDS_WHAT_WAITS and ending.payment_status not in (None, PaymentStatus.MANUAL_REVIEW):
        end_what_waits(subject, besides=operation, now=now)
    elif _leaves_no_stop(operation, ending):
        end_other_stops(payment, besides=operation)
    if ending.successor is not None and not waiting.takes_over_from(subject, ending.successor):
        _succeed(subject, operation, ending.successor, time_was_taken=facts.time_was_taken, now=now)
    was_alone = in_flight is not None and len(in_flight) == 1
    if not was_alone:  # else it makes way for nobody
        go_on(subject, now=now)  # a case lets its own come before a successor
    lets_settle = operation.kind in LETS_SETTLE
    if lets_settle:
        settle_if_due(subject, now=now)
    operation.ended_alone = was_alone and ending.successor is None and not lets_settle
    if operation.ended_alone:
        operation.ended_with = tuple(steps)


def _leaves_no_stop(operation: Operation, ending: Ending) -> bool:
    """Return whether nothing is left that staff could retry: the payment came to nothing, or its debt was paid."""
    debt_is_paid = operation.kind == Action.CONFIRM_AUTHORIZATION and ending.payment_status == PaymentStatus.SETTLED
    return debt_is_paid or ending.outcome == Outcome.NEVER_PAID


def _cases_ended_by(operation: Operation) -> Sequence[str]:
    return operation.inputs.get("case", {}).get("ends", ())


def settle_if_due(subject: Subject, *, now: datetime) -> None:
    """Begin the settlement that a case, or the card, has held up, at once if it is due already (P8.2 to P8.4)."""
    payment = subject.payment
    due = payment.settle_at is not None and payment.settle_at <= now
    if due and not payment.operations.open().exists():
        accept(subject, Action.SETTLE, party=Party.SYSTEM, now=now)


def go_on(subject: Subject, *, now: datetime) -> None:
    """Begin what the end of an operation or of a case has made way for; its commit is open.

    What a case had halted claims the open place again, decided anew as of its instant; then what has waited longest.
    """
    payment = subject.payment
    in_flight = in_flight_on(payment)
    if not in_flight or any(each.state == Operation.State.OPEN for each in in_flight):
        return  # what is open makes way for the others at its own end
    halted = _next_halted(payment, in_flight)
    if halted is None:
        waiting.begin_next(subject, now=now)
        return
    if halted.gave:  # what its end gives was given when it was refused (P10.3): only its calls are still to be made
        resuming.go_on_from_the_refusal(halted, payment)
        return
    count_what_was_taken(payment, halted, facts_of(subject, inputs=halted.inputs).books, now=now)
    payment.save_changes()
    _close(halted, now=now)
    try:
        with transaction.atomic():
            _go_on(subject, halted, Action(halted.kind), now=now)
    except Refused:  # what the case has left nothing to do for is done
        subject.finish(Ending(), halted, now=now)  # the time that a move held is free again
        end_retried_stop(subject, halted, now=now)
        payment.save_changes()
        go_on(subject, now=now)


def _next_halted(payment: Payment, in_flight: Iterable[Operation]) -> Operation | None:
    """What goes on first: a ruling goes on though its own case is still open, all else not before a stop has ended."""
    reason = payment.kept_review_reason or payment.review_reason
    stopped = reason in STOPS or reason == ReviewReason.CHANGED_AT_STRIPE
    for halted in in_flight:
        if halted.state != Operation.State.HALTED:
            continue
        ends_it = halted.kind in BY_STAFF or halted.kind in CASE_OF or retries_a_stop(payment, halted.inputs)
        if not freezes.halts(payment, Action(halted.kind)) and (halted.gave or ends_it or not stopped):
            return halted
    return None


def end_what_waits(subject: Subject, *, besides: Operation, now: datetime) -> None:
    """Close what was stopped, halted or waiting, now that a ruling or staff have ended the payment (P8.7, design 4).

    A ruling that is closed so is not carried out any more, and its case's freeze ends with it. A dispute that was ruled
    for the student is about what is paid already, too, and only a lost chargeback closes it (section 11).
    """
    payment = subject.payment
    end_other_stops(payment, besides=besides)
    operations = payment.operations.exclude(pk=besides.pk)
    if besides.kind != Action.LOSE_CHARGEBACK:
        operations = operations.exclude(kind__in=OUTLIVES_AN_END)
    for halted in operations.filter(state__in=[Operation.State.HALTED, Operation.State.WAITING]):
        subject.finish(Ending(), halted, now=now)
        _close(halted, now=now)
        for case in _cases_ended_by(halted):
            freezes.thaw(payment, case=case, now=now)
    payment.save_changes()


def _close(operation: Operation, *, now: datetime) -> None:
    operation.state = Operation.State.DONE
    operation.finished_at = now
    operation.conclusion = ending_as_json(Ending())
    operation.save()


def _succeed(subject: Subject, operation: Operation, successor: Action, *, time_was_taken: bool, now: datetime) -> None:
    """Go on from an operation that has ended, or keep with it why that is refused: an end that stands can't fail."""
    try:
        with transaction.atomic():
            _go_on(subject, operation, successor, time_was_taken=time_was_taken, now=now)
    except Refused as refusal:
        subject.finish(Ending(), operation, now=now)  # the time that a move held is free again
        operation.refusal_code = refusal.code
        operation.save(update_fields=["refusal_code"])


def _go_on(
    subject: Subject, operation: Operation, successor: Action, *, now: datetime, time_was_taken: bool = False
) -> None:
    """Write the operation that goes on from one whose plan the answers overtook, in the same commit (design 4).

    It is decided as of the same instant, and by the booking's status of then: a cancellation that needs a new hold
    is still the cancellation of a confirmed booking. Under an open case it is halted from the start.
    """
    payment = subject.payment
    if successor in CASE_OF:
        hold_wallet_still(payment)
    with freezes.lifted(payment):
        facts = facts_of(subject, inputs=operation.inputs | {"halted": True})
    if successor == operation.kind:
        facts = replace(facts, booking_status=BookingStatus(operation.inputs["booking_status"]))
        facts = waiting.as_it_stood(facts, operation)
    facts = replace(facts, time_was_taken=time_was_taken)
    plan = decide(facts, successor, operation.accepted_at, rules=rules_of_version(payment.policy_version))
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
