"""Carrying out an operation's steps: the network stands between two commits (design 4).

No function here holds a row lock or a transaction while Stripe is asked. Everything is safe to repeat from any point:
a step keeps its key and its parameters, an answer is recorded once, and what is marked sent is asked for again until
an answer is known (P10.4).
"""

import contextlib
import logging
import secrets
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.db import transaction
from django.db.models import BigIntegerField, F, Q

from instainstru import clock
from instainstru.prepared import Given, Prepared
from payments import freezes, gateway, handlers
from payments.gateway import Answer
from payments.ledger import journal
from payments.models import Operation, Payment, Step
from payments.policy.states import EACH_CALL_BY_ITSELF, Action, Call, Verdict

logger = logging.getLogger(__name__)

INLINE_BUDGET = timedelta(seconds=10)  # beyond it the user is told "in progress" and the sweep goes on
KEYS_AGE_AFTER = timedelta(hours=23)  # Stripe forgets a key after 24 h; then only the object itself can tell
NO_LEASE = ("", None)
# One after the other: 1, 5 and 15 minutes after the first call, then every 15 minutes (P10.4).
REPEAT_AFTER = (timedelta(minutes=1), timedelta(minutes=4), timedelta(minutes=10), timedelta(minutes=15))


@contextlib.contextmanager
def lease(operation: Operation) -> Iterator[bool]:
    """Hold an open operation for one runner, this request or the sweep; yields whether it is ours.

    The lease only spares work: two runners at once would send the same key and record one answer. An operation that
    ends gives its lease back itself.
    """
    taken = bool(operation.begun_with) or _take(operation)
    yield taken
    # Not in a `finally`: a dying runner keeps its lease, and the sweep waits for its end.
    operation.begun_with = ()
    if taken and operation.state == Operation.State.OPEN:
        ours = Operation.objects.filter(pk=operation.pk, lease_token=operation.lease_token)
        operation.lease_token, operation.leased_until = NO_LEASE
        ours.update(lease_token="", leased_until=None)


def fresh_lease() -> tuple[str, datetime]:
    """Return the token and the end of a lease that is taken now."""
    return secrets.token_hex(8), clock.wall() + settings.OPERATION_LEASE


class Progress(NamedTuple):
    """How far a run came: whether every answer is known, and the last one, which is not written down yet."""

    is_through: bool
    step: Step | None = None
    answer: Answer | None = None


def inline_deadline() -> datetime:
    """Return the instant, by the wall, until which a request that comes now waits for Stripe."""
    return clock.wall() + INLINE_BUDGET


def run_steps(operation: Operation, *, deadline: datetime | None) -> Progress:
    """Send the unfinished steps of an operation that is leased to us, in order, as far as answers come.

    The answer after which nothing is to be sent is handed back: whoever ends the operation writes it down in that same
    commit. No transaction may be open. The deadline is looked at before each step; the sweep has none.
    """
    step = operation.begun_with[0] if operation.begun_with else _sent_step(operation)
    while step:
        if deadline and clock.wall() > deadline:
            return Progress(is_through=False)
        answer = _ask(step)
        if answer is None:
            step = _try_anew(step)
        elif answer.is_unknown:
            _ask_again_later(step, answer, now=clock.now())
            return Progress(is_through=False)
        elif _is_last(step, answer):
            return Progress(is_through=True, step=step, answer=answer)
        else:
            step = record(step, answer, now=clock.now())
    return Progress(is_through=True)


def write_steps(operation: Operation, payment: Payment) -> None:
    """Write an accepted operation's planned steps and mark the first one sent; the caller's transaction is open."""
    steps = [
        Step(
            operation=operation,
            ordinal=ordinal,
            call=planned["call"],
            amount_cents=planned["amount"],
            transfer_cents=planned["transfer"],
            idempotency_key=_key(payment, operation, ordinal, planned["call"], attempt=1),
            api_version=settings.STRIPE_API_VERSION,
        )
        for ordinal, planned in enumerate(operation.plan["steps"], start=1)
    ]
    if steps:
        _fill_in(steps[0], payment)
        Step.objects.bulk_create(steps)
        if operation.lease_token:
            operation.begun_with = tuple(steps)


def write_attempts(operation: Operation, payment: Payment, undone: Iterable[Step]) -> None:
    """Write the next attempt of each refused or skipped step, and mark the first sent; a transaction is open."""
    anew = [_next_attempt(step, operation, payment) for step in undone]
    _fill_in(anew[0], payment)
    Step.objects.bulk_create(anew)


def send_next(operation: Operation, payment: Payment) -> Step | None:
    """Mark an operation's next planned step sent, and return it, if there is one; its payment is locked."""
    following = operation.steps.filter(state=Step.State.PLANNED).order_by("ordinal", "attempt").first()
    if following:
        following.operation = operation
        _mark_sent(following, payment)
    return following


def record(step: Step, answer: Answer, *, now: datetime) -> Step | None:
    """Write down an answer that is not the last and mark the next step sent, in one commit; return it, if it is sent.

    While a case is open nothing further is sent (P8.1): what is planned stays planned, and finish halts it. Recording
    twice is recording once: whoever comes second finds the step answered.
    """
    operation = step.operation
    with transaction.atomic(durable=True):
        payment = lock_payment(operation.payment_id)
        moved = write_answer(step, answer, payment, now=now)
        if moved is None:
            return _sent_step(operation)
        payment.save_changes()
        journal.write(moved)
        _stay_alive(operation)
        if freezes.halts(payment, Action(operation.kind)):
            return None
        if step in operation.begun_with:  # who records an answer sends what follows: what we know of is planned
            return _mark_sent(operation.begun_with[step.ordinal], payment)
        return send_next(operation, payment)


def write_answer(step: Step, answer: Answer, payment: Payment, *, now: datetime) -> journal.Draft | None:
    """Write a step's answer: verdict, object ids (P2.4), and what it changes on the locked payment.

    Returns the entry of what moved, which the caller writes in this same commit, as it saves the payment; None if the
    answer is known already.
    """
    operation = step.operation
    if not _write_verdict(step, answer, now=now):
        return None
    lines = handlers.take_in(payment, step, answer)
    if _stops_what_follows(operation, answer):
        # In this same commit, or a crash before finish would let the sweep reverse a charge never made.
        operation.steps.filter(state=Step.State.PLANNED).update(state=Step.State.SKIPPED)
        for planned in operation.begun_with[step.ordinal :]:
            planned.state = Step.State.SKIPPED
    return journal.draft_for_payment(
        payment,
        lines,
        cause=f"step:{step.pk}",
        rule=operation.rule,
        description=handlers.HANDLERS[Call(step.call)].description,
        now=now,
        operation=operation,
        stripe_object_id=answer.object_id,
    )


def steps_of(operation: Operation) -> list[Step]:
    """Return an operation's steps, all attempts, in order; from memory if this very run sent and answered each."""
    unanswered = (Step.State.PLANNED, Step.State.SENT)
    if operation.begun_with and all(step.state not in unanswered for step in operation.begun_with):
        return list(operation.begun_with)
    return list(operation.steps.order_by("ordinal", "attempt"))


def lock_payment(payment_id: int) -> Payment:
    """Lock a payment's row; in the order booking, payment, wallet."""
    return _LOCKED.get(payment=payment_id).remember()


_LOCKED = Prepared(
    lambda: (
        Payment.objects.select_for_update(of=("self",))
        .select_related("payer", "payee")
        .filter(pk=Given("payment", BigIntegerField()))
    )
)


def _take(operation: Operation) -> bool:
    token, until = fresh_lease()
    free = Q(leased_until=None) | Q(leased_until__lt=clock.wall())
    still_open = Operation.objects.open().filter(free, pk=operation.pk)
    taken = bool(still_open.update(lease_token=token, leased_until=until))
    if taken:
        operation.lease_token, operation.leased_until = token, until
    return taken


def _stay_alive(operation: Operation) -> None:
    """Renew a lease of which a third is used up; what was asked again is not waited for any more."""
    wall = clock.wall()
    runs_out = operation.leased_until and operation.leased_until < wall + settings.OPERATION_LEASE * 2 / 3
    if runs_out or operation.resume_at is not None:
        operation.resume_at, operation.leased_until = None, wall + settings.OPERATION_LEASE
        Operation.objects.filter(pk=operation.pk).update(resume_at=None, leased_until=operation.leased_until)


def _is_last(step: Step, answer: Answer) -> bool:
    """Whether nothing is to be sent after an answer: it was the plan's last call, or a no that stops the rest."""
    operation = step.operation
    return step.ordinal >= len(operation.plan["steps"]) or _stops_what_follows(operation, answer)


def _stops_what_follows(operation: Operation, answer: Answer) -> bool:
    return answer.verdict != Verdict.SUCCEEDED and operation.kind not in EACH_CALL_BY_ITSELF


def _sent_step(operation: Operation) -> Step | None:
    step = operation.steps.filter(state=Step.State.SENT).first()
    if step:
        step.operation = operation
    return step


def _ask(step: Step) -> Answer | None:
    """Ask Stripe; None if the step provably had no effect and its key can't be used any more."""
    call, sent_at = Call(step.call), step.first_sent_at
    if sent_at is not None and clock.wall() - sent_at <= KEYS_AGE_AFTER:
        answer = gateway.send(call, step.parameters, key=step.idempotency_key)
        if not answer.is_replayed_failure:
            return answer
    return gateway.look_up(call, step.parameters, key=step.idempotency_key)


def _ask_again_later(step: Step, answer: Answer, *, now: datetime) -> None:
    """Keep the key and wait: nothing is recorded as failed that may have succeeded (P10.4)."""
    wait = REPEAT_AFTER[min(step.times_sent, len(REPEAT_AFTER) - 1)]
    logger.warning("Step %s got no answer: %s", step.idempotency_key, answer.unknown_because)
    with transaction.atomic(durable=True):
        still_unknown = Step.objects.filter(pk=step.pk, state=Step.State.SENT)
        if still_unknown.update(times_sent=F("times_sent") + 1, unknown_because=answer.unknown_because):
            Operation.objects.open().filter(pk=step.operation_id).update(resume_at=now + wait)


def _try_anew(step: Step) -> Step | None:
    """Replace a step that provably had no effect by its next attempt, with its own key; return it if it is sent."""
    operation = step.operation
    with transaction.atomic(durable=True):
        payment = lock_payment(operation.payment_id)
        still_sent = Step.objects.filter(pk=step.pk, state=Step.State.SENT)
        if not still_sent.update(state=Step.State.ABSENT, answered_at=clock.now()):
            return _sent_step(operation)
        anew = _next_attempt(step, operation, payment)
        is_sent = not freezes.halts(payment, Action(operation.kind))
        if is_sent:
            _fill_in(anew, payment)
        anew.save()
        return anew if is_sent else None


def _next_attempt(step: Step, operation: Operation, payment: Payment) -> Step:
    return Step(
        operation=operation,
        ordinal=step.ordinal,
        attempt=step.attempt + 1,
        call=step.call,
        amount_cents=step.amount_cents,
        transfer_cents=step.transfer_cents,
        idempotency_key=_key(payment, operation, step.ordinal, step.call, attempt=step.attempt + 1),
        api_version=settings.STRIPE_API_VERSION,
    )


def _mark_sent(step: Step, payment: Payment) -> Step:
    _fill_in(step, payment)
    step.save(update_fields=["parameters", "state", "first_sent_at"])
    return step


def _fill_in(step: Step, payment: Payment) -> None:
    step.parameters = handlers.parameters_of(payment, step)
    step.state = Step.State.SENT
    step.first_sent_at = clock.wall()


def _write_verdict(step: Step, answer: Answer, *, now: datetime) -> bool:
    """Write an answer on a step, unless one is known already; its payment is locked."""
    assert answer.verdict is not None, "An unknown answer is not recorded."
    written = {
        "state": Step.State(answer.verdict),
        "answered_at": now,
        "object_id": answer.object_id,
        "answer": answer.details,
        "fault": answer.fault or "",
        "error_code": answer.code,
        "error_message": answer.message,
        "unknown_because": "",
    }
    still_sent = Step.objects.filter(pk=step.pk, state=Step.State.SENT)
    if not still_sent.update(times_sent=F("times_sent") + 1, **written):
        return False
    for name, value in written.items():
        setattr(step, name, value)
    return True


def _key(payment: Payment, operation: Operation, ordinal: int, call: str, *, attempt: int) -> str:
    """Derived from the booking, the operation and the attempt, never from a clock or a random number (P2.3).

    A staff refund's key is the policy's own, so that the same amount asked twice is one refund (P8.6). Decided anew
    after a case had halted it, it may be sent otherwise, so its key tells them apart.
    """
    if call == Call.REFUND and (refund_key := operation.inputs.get("refund_key")):
        if operation.succeeds_id:
            return f"{refund_key}/{operation.number}-{attempt}"
        return refund_key if attempt == 1 else f"{refund_key}/{attempt}"
    return f"{payment.reference}/{operation.number}-{operation.kind}/{ordinal}-{call}/{attempt}"
