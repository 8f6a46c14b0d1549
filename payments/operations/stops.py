"""What Stripe refused and staff take up: retry it from where it stopped, or give it up (P10.3)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from django.db import transaction

from instainstru.accounts.models import User
from instainstru.api.idempotency import Receipt
from instainstru.money import dollars
from instainstru.refusals import Refused
from payments import endings
from payments.endings import Subject
from payments.ledger import journal
from payments.models import Operation, Payment, Step
from payments.operations import instructors_cost, waiting
from payments.operations.consequences import (
    book_debt,
    end_other_stops,
    give_credits,
    say_what_stopped,
    set_deadlines,
    unfreeze,
)
from payments.operations.deciding import require_seen
from payments.operations.facts import RETRIES_A_STOP, booked_for, earned_of, facts_of
from payments.operations.resuming import go_on_from_the_refusal, refundable, still_to_do
from payments.operations.succession import ENDS_WHAT_WAITS, accept, end_what_waits, go_on, write
from payments.policy.accounts import Account, Line, balanced
from payments.policy.conclude import AT_CHECKOUT
from payments.policy.decide import decide
from payments.policy.plan import NOTHING, CreditMoves, Ending, Plan
from payments.policy.states import (
    Action,
    BookingStatus,
    Call,
    Outcome,
    Party,
    PaymentStatus,
    ReviewReason,
)
from payments.rules import rules_of_version

HOLDS_THE_CARD = AT_CHECKOUT | {Action.AUTHORIZE}  # given up, the lesson was never paid for
MOVES_MONEY = (Call.CAPTURE, Call.REVERSE, Call.PAY, Call.TAKE_BACK, Call.REFUND, Call.CHARGE)


def retry_stuck(
    *, payment_id: int, actor: User, now: datetime, preview: str | None = None, receipt: Receipt | None = None
) -> Operation:
    """Open what stopped a payment once more, in one transaction; the caller then performs it.

    If money has moved already, the refused call and those after it are made anew, each with a key of its own. If none
    has, the action is decided anew as of its instant, because the facts may have changed; `preview` is the digest of
    the plan that staff saw. Raises Refused: "already_settled" if nothing waits for staff, "operation_in_progress",
    "refund_exceeds_captured" for a refund of more than is left by now, "preview_stale".
    """
    with transaction.atomic(durable=True):
        subject, operation = _lock_stuck(payment_id)
        plan = _plan_to_retry(subject, operation)
        require_seen(plan, preview)
        if _goes_on(operation):
            go_on_from_the_refusal(operation, subject.payment)
        else:
            operation = _begin_anew(subject, operation, plan, actor=actor, now=now)
        if receipt:
            receipt.record(f"operation:{operation.reference}")
    return operation


def preview_retry(subject: Subject) -> Plan:
    """Return what retrying would do now, by the same decision that retrying asks; raises what it would raise."""
    operation = _last_stuck(subject.payment.pk)
    _require_no_case(subject)
    return _plan_to_retry(subject, operation)


def resolve_stuck(
    *,
    payment_id: int,
    actor: User,
    note: str,
    now: datetime,
    preview: str | None = None,
    receipt: Receipt | None = None,
) -> Operation:
    """Give up what was refused and what depended on it; what is missing is a loss (P10.3).

    A LOCK becomes `locked`, an early move stands, a hold that could not be voided is left to lapse; all else is settled
    with the outcome that was planned. If nothing was captured or advanced, what is held on the card is freed by an
    operation of its own, which the caller performs, and the payment ends as never paid. `note` says why.
    Raises Refused: "already_settled" if nothing waits for staff, "operation_in_progress", "preview_stale".
    """
    with transaction.atomic(durable=True):
        subject, operation = _lock_stuck(payment_id)
        payment = subject.payment
        plan = _plan_to_give_up(operation, payment)
        require_seen(plan, preview)
        ending = plan.ending
        give_credits(payment, ending, operation, now=now)
        journal.write_for_payment(
            payment,
            ending.lines,
            cause=f"operation:{operation.pk}:given-up",
            rule=plan.rule,
            description="Given up after a refusal",
            now=now,
            operation=operation,
        )
        book_debt(payment, ending, now=now)
        if ending.successor is None:
            _forget_what_could_not_be_voided(payment)
        if ending.payment_status == PaymentStatus.MANUAL_REVIEW:
            say_what_stopped(payment, besides=operation)
        else:
            unfreeze(payment, ending.payment_status or payment.former_status)
        if ending.outcome is not None:
            payment.settlement_outcome, payment.settled_at = ending.outcome, now
        if operation.kind == Action.STAFF_REFUND:
            payment.taken_back_cents += instructors_cost.taken_so_far(operation)
        elif operation.kind in ENDS_WHAT_WAITS and ending.payment_status == PaymentStatus.SETTLED:
            end_what_waits(subject, besides=operation, now=now)
        elif ending.outcome == Outcome.NEVER_PAID:
            end_other_stops(payment, besides=operation)
        operation.state = Operation.State.DONE
        operation.resolution, operation.resolved_by = note, actor
        operation.save()
        subject.finish(replace(ending, moves=False), operation, now=now)
        set_deadlines(subject, now=now)
        payment.save_changes()
        if ending.successor is not None:
            accept(subject, ending.successor, party=Party.STAFF, actor=actor, now=now)
        else:
            go_on(subject, now=now)
        if receipt:
            receipt.record(f"operation:{operation.reference}")
    return operation


def preview_resolution(subject: Subject) -> Plan:
    """Return what giving up would do now, by the same decision; raises what it would raise."""
    operation = _last_stuck(subject.payment.pk)
    _require_no_case(subject)
    return _plan_to_give_up(operation, subject.payment)


def _last_stuck(payment_id: int) -> Operation:
    found = Operation.objects.stuck().filter(payment_id=payment_id).order_by("-number").first()
    if found is None:
        raise Refused("already_settled")
    return found


def _lock_stuck(payment_id: int) -> tuple[Subject, Operation]:
    found = _last_stuck(payment_id)
    subject = endings.lock_subject(found.kind, payment_id)
    _require_no_case(subject)
    operation = Operation.objects.stuck().filter(pk=found.pk).first()
    if operation is None or subject.payment.operations.open().exists():
        raise Refused("operation_in_progress", retry_after=waiting.RETRY_AFTER)
    operation.payment = subject.payment
    return subject, operation


def _require_no_case(subject: Subject) -> None:
    if subject.payment.is_frozen:
        raise Refused("under_review")


def _plan_to_retry(subject: Subject, operation: Operation) -> Plan:
    """What of the old plan is still to be done, if it goes on; else the action decided anew, as of its instant."""
    payment = subject.payment
    if not _goes_on(operation):
        facts = replace(
            facts_of(subject, inputs=operation.inputs | RETRIES_A_STOP),
            booking_status=BookingStatus(operation.inputs["booking_status"]),
        )
        rules = rules_of_version(payment.policy_version)
        return decide(facts, Action(operation.kind), operation.accepted_at, rules=rules)
    plan = Plan.from_json(operation.plan)
    ending = replace(plan.ending, credits=NOTHING, lines=(), moves=False) if operation.gave else plan.ending
    to_do, _ = still_to_do(operation, payment)
    if sum(call.amount for _, call in to_do if call.call == Call.REFUND) > (left := refundable(payment)):
        # Stripe might grant it, when a refund has come back from the bank of which we have not heard.
        raise Refused("refund_exceeds_captured", refundable_cents=left)
    return replace(plan, booking_status_at_once=None, steps=tuple(call for _, call in to_do), ending=ending)


def _goes_on(operation: Operation) -> bool:
    """Whether what was begun can only be carried on: money has moved, or what the end gives was given.

    A staff refund has its amount and its key, and stands beside the payment's own course (P8.6). Staff's cancelling
    and rulings are reckoned from where the money is, whatever they have moved themselves (P8.3, P8.4, P8.7).
    """
    if operation.kind == Action.STAFF_REFUND:
        return True
    if operation.kind in ENDS_WHAT_WAITS:
        return operation.gave
    moved = operation.steps.filter(state=Step.State.SUCCEEDED, call__in=MOVES_MONEY)
    return operation.gave or moved.exists()


def _begin_anew(subject: Subject, operation: Operation, plan: Plan, *, actor: User, now: datetime) -> Operation:
    """Write the action anew. The payment's status stays until Stripe has answered (P10.4): the stop ends with it."""
    operation.state = Operation.State.DONE
    operation.save()
    return write(
        subject,
        plan,
        party=Party(operation.party),
        actor=actor,
        inputs=operation.inputs | RETRIES_A_STOP,
        accepted_at=operation.accepted_at,
        now=now,
        succeeds=operation,
    )


def _plan_to_give_up(operation: Operation, payment: Payment) -> Plan:
    ending = _given_up(operation, payment)
    debt = payment.owed_cents if ending.outcome == Outcome.NEVER_PAID else 0  # for what was never advanced
    if ending.payment_status == PaymentStatus.SETTLED:  # a LOCK's funds stay held
        ending = replace(ending, lines=_what_is_missing(payment, debt=debt))
    elif operation.kind == Action.STAFF_REFUND:
        ending = replace(ending, lines=_what_was_taken(operation, payment))
    elif operation.kind == Action.WIN_CHARGEBACK:
        ending = replace(ending, lines=_what_is_not_paid_again(operation, payment))
    back, holds = ending.credits.released, payment.instructor_payout_cents
    return Plan(
        action=Action(operation.kind),
        rule="P10.3",
        version=payment.policy_version,
        ending=ending,
        to_student=("What is held on your card is freed." if ending.successor else "Nothing more moves on your card.")
        + (f" {dollars(back)} goes back to your credits." if back else "")
        + (" Nothing is owed for the lesson any more." if debt else ""),
        to_instructor=f"You keep the {dollars(holds)} that you have; nothing more is paid to you."
        if holds
        else "Nothing more is paid to you.",
    )


def _given_up(operation: Operation, payment: Payment) -> Ending:
    plan = Plan.from_json(operation.plan)
    if plan.action == Action.STAFF_REFUND:  # back to what was before: settled, or another stop (P10.3)
        return Ending(payment_status=plan.ending.payment_status or PaymentStatus.MANUAL_REVIEW)
    if plan.action == Action.RESCHEDULE and operation.gave:
        return Ending(payment_status=plan.ending.payment_status)
    if plan.action in (Action.RELEASE_HOLD, Action.RESCHEDULE, Action.WIN_CHARGEBACK):
        if payment.operations.stuck().exclude(pk=operation.pk).exists():
            return Ending(payment_status=PaymentStatus.MANUAL_REVIEW)  # another stop is beneath
        return Ending(payment_status=PaymentStatus(payment.former_status))
    paid = payment.captured_cents or payment.instructor_payout_cents
    if not paid and not operation.gave and payment.review_reason != ReviewReason.VOID_REFUSED:
        # The card is not left held for what will never be charged; a hold that could not be voided is, until it lapses.
        return Ending(successor=Action.END_UNPAID)
    return Ending(
        payment_status=PaymentStatus.SETTLED,
        outcome=plan.ending.outcome if paid else Outcome.NEVER_PAID,
        booking_status=BookingStatus.CANCELLED if plan.action in HOLDS_THE_CARD else plan.ending.booking_status,
        credits=NOTHING if operation.gave else CreditMoves(released=_still_reserved(payment)),
    )


def _still_reserved(payment: Payment) -> int:
    used = payment.credits_released_cents + payment.credits_consumed_cents + payment.credits_forfeited_cents
    return payment.credits_cents - used


def _what_was_taken(operation: Operation, payment: Payment) -> tuple[Line, ...]:
    """What the instructor had earned and lost to a refund that came to nothing, while another stop goes on."""
    earned = earned_of(instructors_cost.taken_so_far(operation), payment)
    return balanced(Line(Account.EARNINGS, earned), Line(Account.LOSSES, -earned))


def _what_is_not_paid_again(operation: Operation, payment: Payment) -> tuple[Line, ...]:
    """What the instructor had earned and is not paid again after a chargeback, while another stop goes on."""
    booked = booked_for(payment)
    owed = -booked.get(Account.EARNINGS, 0) - booked.get(Account.CONNECTED, 0)
    others = payment.operations.stuck().exclude(pk=operation.pk)
    calls = [call for other in others for _, call in still_to_do(other, payment)[0]]
    comes_still = sum(call.amount for call in calls if call.call == Call.PAY)
    unpaid = max(0, min(sum(step.amount for step in Plan.from_json(operation.plan).steps), owed - comes_still))
    return balanced(Line(Account.EARNINGS, unpaid), Line(Account.LOSSES, -unpaid))


def _what_is_missing(payment: Payment, *, debt: int) -> tuple[Line, ...]:
    """Close the payment's accounts: what is kept is fee income, what the instructor got or lacks too much a loss.

    A `debt` of the student's for a payout that was never advanced is a loss too.
    """
    sums = booked_for(payment)
    kept = -sums.get(Account.HELD, 0)
    unearned = sums.get(Account.CONNECTED, 0) + sums.get(Account.EARNINGS, 0)
    return balanced(
        Line(Account.HELD, kept),
        Line(Account.FEE_INCOME, -kept),
        Line(Account.LOSSES, unearned + debt),
        Line(Account.EARNINGS, -unearned),
        Line(Account.RECEIVABLE, -debt),
    )


def _forget_what_could_not_be_voided(payment: Payment) -> None:
    payment.forget_hold()
    payment.forget_pending()
