"""What an operation's answers make of its payment, its booking and its books, in the commit that ends it (design 4)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from payments import engine
from payments.endings import Subject
from payments.ledger import journal
from payments.models import Operation, Step
from payments.operations.consequences import book_debt, give_credits, set_state
from payments.operations.facts import facts_of, looks_into_the_books
from payments.operations.rulings import end_case
from payments.policy.conclude import conclude
from payments.policy.facts import Facts
from payments.policy.plan import NOTHING, Ending, Plan, StepAnswer, ending_as_json
from payments.policy.staff import repeated_refund_lines
from payments.policy.states import STOPS, Action, BookingStatus, Call, Fault, PaymentStatus, Verdict
from payments.rules import rules_of_version

_WRITTEN_AT_THE_END = (
    "state",
    "gave",
    "finished_at",
    "conclusion",
    "refusal_code",
    "resolution",
    "resolved_by",
    "inputs",
    "resume_at",
    "lease_token",
    "leased_until",
)


def apply_end(
    subject: Subject,
    operation: Operation,
    steps: Iterable[Step],
    *,
    moved: journal.Draft | None,
    freezes_credits: bool,
    now: datetime,
) -> tuple[Ending, Facts]:
    """Change payment and subject as the answers of an operation's steps say, and mark it done, or stuck.

    Returns what it came to, with the facts that this stands on. Only `save_changes` of the payment is left to do.
    """
    payment = subject.payment
    answers = _answers(steps)
    plan = Plan.from_json(operation.plan)
    rules = rules_of_version(payment.policy_version)
    if looks_into_the_books(operation.inputs):
        journal.write(moved)
        moved = None
    facts = facts_of(subject, inputs=operation.inputs)
    if plan.ending.booking_status == BookingStatus.CONFIRMED and _all_succeeded(answers):
        # P5.3: read again under the lock: it may have been cancelled, or its time taken, while Stripe was asked.
        facts = replace(facts, time_was_taken=subject.status != BookingStatus.PENDING or not subject.claim_time())
    ending = conclude(plan, facts, answers, accepted_at=operation.accepted_at, now=now, rules=rules)
    if operation.gave:  # resumed after a refusal: what it gives was given then (P10.3)
        lines = repeated_refund_lines(facts) if plan.action == Action.STAFF_REFUND else ()
        ending = replace(ending, credits=NOTHING, lines=lines, moves=False)

    end_case(payment, operation, ending, now=now)
    give_credits(payment, ending, operation, frozen=freezes_credits, now=now)
    book_debt(payment, ending, now=now)
    booked = journal.draft_for_payment(
        payment,
        ending.lines,
        cause=f"operation:{operation.pk}:finish",
        rule=plan.rule,
        description=f"{plan.action.replace('_', ' ').capitalize()} ended",
        now=now,
        operation=operation,
    )
    journal.write(moved, booked)
    set_state(payment, plan, ending, operation, now=now)
    stopped = ending.payment_status == PaymentStatus.MANUAL_REVIEW and ending.review_reason in STOPS
    operation.state = Operation.State.STUCK if stopped else Operation.State.DONE
    operation.gave = operation.gave or ending.gives
    operation.finished_at = now
    operation.conclusion = ending_as_json(ending)
    operation.refusal_code = ending.refusal_code
    operation.resume_at = None
    operation.lease_token, operation.leased_until = engine.NO_LEASE
    operation.save(update_fields=_WRITTEN_AT_THE_END)  # what was decided stands
    subject.finish(ending, operation, now=now)
    return ending, facts


def _all_succeeded(answers: Sequence[StepAnswer]) -> bool:
    return all(answer.verdict == Verdict.SUCCEEDED for answer in answers)


def _answers(steps: Iterable[Step]) -> list[StepAnswer]:
    """Return the verdicts so far, in order; of several attempts the last one counts."""
    answered = [Step.State.SUCCEEDED, Step.State.REFUSED, Step.State.ACTION_REQUIRED]
    last = {step.ordinal: step for step in steps}
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
