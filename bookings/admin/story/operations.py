"""What an operation adds to the timeline: its acceptance with the plan, each call with its answer, its end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.urls import reverse

from bookings.admin.story import entries
from bookings.admin.story.entries import Entry, Rank
from bookings.models import Booking
from instainstru.money import dollars
from instainstru.refusals import SENTENCES, RefusalCode
from instainstru.templatetags.times import in_zone
from payments.admin.words import (
    ACTIONS,
    CALLS,
    DIRECTIONS,
    FAULTS,
    OUTCOMES,
    PARTIES,
    PAYMENT_BECOMES,
    REVIEW_REASONS,
    in_words,
)
from payments.models import Operation, Step
from payments.policy.states import Call, Party


def operation_told(operation: Operation, booking: Booking) -> Iterator[Entry]:
    """Tell of an operation, whose steps are prefetched in order."""
    yield _acceptance(operation, booking)
    at = operation.accepted_at
    for place, step in enumerate(operation.steps.all()):
        at = step.answered_at or at  # one without answer stands after what was answered before it
        if step.state != Step.State.PLANNED:
            yield _call(step, operation, at, order=(operation.number, Rank.CALLED, place))
    if operation.finished_at:
        yield _end(operation)


def _acceptance(operation: Operation, booking: Booking) -> Entry:
    plan, number = operation.plan, operation.number
    return entries.Accepted(
        at=operation.accepted_at,
        order=(number, Rank.ACCEPTED),
        operation=number,
        what=in_words(operation.kind, ACTIONS),
        rule=operation.rule,
        by=_by(operation),
        state=operation.state,
        state_label=operation.get_state_display(),
        url=reverse("admin:payments_operation_change", args=[operation.pk]),
        calls=tuple(
            entries.PlannedCall(
                what=in_words(step["call"], CALLS), amount=step["amount"], direction=DIRECTIONS[Call(step["call"])]
            )
            for step in plan["steps"]
        ),
        to_student=plan["to_student"],
        to_instructor=plan["to_instructor"],
        inputs=tuple(_inputs(operation, booking)),
    )


def _by(operation: Operation) -> str:
    party = PARTIES[Party(operation.party)]
    if operation.actor is None:
        return party
    return operation.actor.name if operation.actor.role == operation.party else f"{operation.actor.name} for {party}"


def _inputs(operation: Operation, booking: Booking) -> Iterator[tuple[str, str]]:
    if wished := operation.inputs.get("new_starts_at"):
        yield "New start", in_zone(datetime.fromisoformat(wished), booking.time_zone)
    if reason := operation.inputs.get("reason"):
        yield "Reason given", reason


def _call(step: Step, operation: Operation, at: datetime, *, order: tuple[int, ...]) -> Entry:
    is_unanswered = step.state == Step.State.SENT
    return entries.Called(
        at=at,
        order=order,
        operation=operation.number,
        what=in_words(step.call, CALLS),
        amount=step.amount_cents,
        direction=DIRECTIONS[Call(step.call)],
        to_instructor=step.transfer_cents if step.call == Call.CAPTURE else 0,
        state="unanswered" if is_unanswered else step.state,
        state_label="No answer yet" if is_unanswered else step.get_state_display(),
        attempt=step.attempt,
        object_id=step.object_id,
        key=step.idempotency_key,
        tries=step.times_sent,
        sent_at=step.first_sent_at,
        fault=in_words(step.fault, FAULTS),
        error_code=step.error_code,
        error_message=step.error_message,
        unknown_because=step.unknown_because,
        asked_again_at=operation.resume_at if is_unanswered else None,
    )


def _end(operation: Operation) -> Entry:
    assert operation.finished_at is not None
    is_stopped = operation.state == Operation.State.STUCK
    return entries.Ended(
        at=operation.finished_at,
        order=(operation.number, Rank.ENDED),
        operation=operation.number,
        what=in_words(operation.kind, ACTIONS),
        is_stopped=is_stopped,
        came_of_it=tuple(_came_of(operation)) or ("Nothing was left to do.",),
        resolution=operation.resolution,
    )


def _came_of(operation: Operation) -> Iterator[str]:
    """Say what an operation left behind, as its conclusion keeps it."""
    left = operation.conclusion or {}
    if code := left.get("refusal_code"):
        yield f"Refused: {SENTENCES[RefusalCode(code)].why}"
    if left.get("moves"):
        yield "The lesson moved."
    if reason := left.get("review_reason"):
        yield f"The payment is frozen: {in_words(reason, REVIEW_REASONS)}."
    elif status := left.get("payment_status"):
        yield in_words(status, PAYMENT_BECOMES)
    if outcome := left.get("outcome"):
        yield f"{in_words(outcome, OUTCOMES)}."
    for verb, cents in (left.get("credits") or {}).items():
        if cents:
            yield f"{dollars(cents)} of credit {verb}."
    if successor := left.get("successor"):
        yield f"It goes on: {in_words(successor, ACTIONS).lower()}."
