"""How an operation is written, how it ends, and what its end makes way for, in a commit of the caller's (design 4)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import transaction

from instainstru.accounts.models import User
from instainstru.refusals import Refused
from payments import engine, freezes
from payments.endings import Subject
from payments.ledger import journal
from payments.models import Operation, Payment, Step
from payments.operations import resuming, waiting
from payments.operations.applying import apply_end
from payments.operations.consequences import end_other_stops, end_retried_stop, set_deadlines
from payments.operations.deciding import decide_on, require_seen
from payments.operations.facts import facts_of, retries_a_stop
from payments.operations.rulings import count_what_was_taken, hold_wallet_still, take_credits
from payments.policy.decide import decide
from payments.policy.plan import Ending, Plan
from payments.policy.states import (
    BY_STAFF,
    CASE_OF,
    RULINGS,
    STOPS,
    Action,
    BookingStatus,
    Outcome,
    Party,
    PaymentStatus,
    ReviewReason,
)
from payments.queries.in_flight import in_flight_on
from payments.rules import rules_of_version

ENDS_WHAT_WAITS = RULINGS | {Action.STAFF_CANCEL}
LETS_SETTLE = {Action.WIN_CHARGEBACK, Action.CONFIRM_AUTHORIZATION}  # what is due is not left to the next sweep
OUTLIVES_AN_END = (Action.RULE_DISPUTE, Action.ANSWER_CHARGEBACK, Action.WIN_CHARGEBACK, Action.LOSE_CHARGEBACK)


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
    require_seen(plan, preview)
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
    waiting.close(halted, now=now)
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
        waiting.close(halted, now=now)
        for case in _cases_ended_by(halted):
            freezes.thaw(payment, case=case, now=now)
    payment.save_changes()


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
