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

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q

from instainstru import clock
from payments import freezes, gateway, handlers
from payments.gateway import Answer
from payments.ledger import journal
from payments.models import Operation, Payment, Step
from payments.policy.states import EACH_CALL_BY_ITSELF, Action, Call, Verdict

logger = logging.getLogger(__name__)

INLINE_BUDGET = timedelta(seconds=10)  # beyond it the user is told "in progress" and the sweep goes on
KEYS_AGE_AFTER = timedelta(hours=23)  # Stripe forgets a key after 24 h; then only the object itself can tell
REPEAT_AFTER = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15))  # P10.4, then every 15 minutes


@contextlib.contextmanager
def lease(operation: Operation) -> Iterator[bool]:
    """Hold an operation for one runner, this request or the sweep; yields whether it is ours.

    The lease only spares work: two runners at once would send the same key and record one answer.
    """
    token = secrets.token_hex(8)
    free = Q(leased_until=None) | Q(leased_until__lt=clock.wall())
    taken = bool(
        Operation.objects.open()
        .filter(free, pk=operation.pk)
        .update(lease_token=token, leased_until=clock.wall() + settings.OPERATION_LEASE)
    )
    yield taken
    # Not in a `finally`: a dying runner keeps its lease, and the sweep waits for its end.
    if taken:
        Operation.objects.filter(pk=operation.pk, lease_token=token).update(lease_token="", leased_until=None)


def run_steps(operation: Operation, *, budget: timedelta | None = INLINE_BUDGET) -> bool:
    """Send the operation's unfinished steps, in order; return whether every answer is now known.

    No transaction may be open. The budget is looked at between steps; None is without end, for the sweep.
    """
    deadline = None if budget is None else clock.wall() + budget
    while step := _sent_step(operation):
        if deadline and clock.wall() > deadline:
            return False
        answer = _ask(step)
        if answer is None:
            _try_anew(step)
        elif answer.is_unknown:
            _ask_again_later(step, answer, now=clock.now())
            return False
        else:
            record(step, answer, now=clock.now())
    return True


def write_steps(operation: Operation, payment: Payment, *, now: datetime) -> None:
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


def write_attempts(operation: Operation, payment: Payment, undone: Iterable[Step]) -> None:
    """Write the next attempt of each refused or skipped step, and mark the first sent; a transaction is open."""
    anew = [_next_attempt(step, operation, payment) for step in undone]
    _fill_in(anew[0], payment)
    Step.objects.bulk_create(anew)


def send_next(operation: Operation, payment: Payment) -> None:
    """Mark an operation's next planned step sent, if there is one; its payment is locked."""
    following = operation.steps.filter(state=Step.State.PLANNED).order_by("ordinal", "attempt").first()
    if following:
        following.operation = operation
        _fill_in(following, payment)
        following.save()


def record(step: Step, answer: Answer, *, now: datetime) -> None:
    """Write down a step's answer in one commit: verdict, object ids (P2.4), postings, and the next step sent.

    While a case is open nothing further is sent (P8.1): what is planned stays planned, and finish halts it.

    Recording twice is recording once: whoever comes second finds the step answered.
    """
    with transaction.atomic(durable=True):
        payment = lock_payment(step.operation.payment_id)
        step = Step.objects.select_related("operation").get(pk=step.pk)
        if step.state != Step.State.SENT:
            return
        lines = handlers.take_in(payment, step, answer)
        payment.save()
        _write_answer(step, answer, now=now)
        journal.write_for_payment(
            payment,
            lines,
            cause=f"step:{step.pk}",
            rule=step.operation.rule,
            description=handlers.HANDLERS[Call(step.call)].description,
            now=now,
            operation=step.operation,
            stripe_object_id=answer.object_id,
        )
        if answer.verdict == Verdict.SUCCEEDED or step.operation.kind in EACH_CALL_BY_ITSELF:
            if not freezes.halts(payment, Action(step.operation.kind)):
                send_next(step.operation, payment)
        else:
            # In this same commit, or a crash before finish would let the sweep reverse a charge never made.
            step.operation.steps.filter(state=Step.State.PLANNED).update(state=Step.State.SKIPPED)
        Operation.objects.filter(pk=step.operation_id).update(
            resume_at=None, leased_until=clock.wall() + settings.OPERATION_LEASE
        )


def lock_payment(payment_id: int) -> Payment:
    """Lock a payment's row; in the order booking, payment, wallet."""
    return Payment.objects.select_for_update(of=("self",)).select_related("payer", "payee").get(pk=payment_id)


def _sent_step(operation: Operation) -> Step | None:
    return Step.objects.filter(operation=operation, state=Step.State.SENT).select_related("operation__payment").first()


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


def _try_anew(step: Step) -> None:
    """Replace a step that provably had no effect by its next attempt, with a key of its own."""
    with transaction.atomic(durable=True):
        payment = lock_payment(step.operation.payment_id)
        step = Step.objects.select_related("operation").get(pk=step.pk)
        if step.state != Step.State.SENT:
            return
        Step.objects.filter(pk=step.pk).update(state=Step.State.ABSENT, answered_at=clock.now())
        anew = _next_attempt(step, step.operation, payment)
        if not freezes.halts(payment, Action(step.operation.kind)):
            _fill_in(anew, payment)
        anew.save()


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


def _fill_in(step: Step, payment: Payment) -> None:
    step.parameters = handlers.parameters_of(payment, step)
    step.state = Step.State.SENT
    step.first_sent_at = clock.wall()


def _write_answer(step: Step, answer: Answer, *, now: datetime) -> None:
    assert answer.verdict is not None, "An unknown answer is not recorded."
    step.state = Step.State(answer.verdict)
    step.answered_at = now
    step.times_sent += 1
    step.object_id = answer.object_id
    step.answer = answer.details
    step.fault = answer.fault or ""
    step.error_code = answer.code
    step.error_message = answer.message
    step.unknown_because = ""
    step.save()


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
