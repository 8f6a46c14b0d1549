"""What an operation's end changes on a locked payment: credits, debts, states and deadlines. The caller saves it."""

from __future__ import annotations

from datetime import datetime

from credits import operations as credits
from payments.endings import Subject
from payments.models import AccountLock, Operation, Payment, Step
from payments.operations import instructors_cost
from payments.operations.facts import RETRIES_A_STOP, retries_a_stop
from payments.operations.negative_balance import book_paid_off
from payments.policy.accounts import Account
from payments.policy.conclude import CHARGES_AFTER_THE_LESSON
from payments.policy.deadlines import deadlines
from payments.policy.plan import Ending, Plan, ending_from_json
from payments.policy.states import (
    GIVES_BACK,
    REVERSED_WHOLE,
    Action,
    Call,
    Outcome,
    Party,
    PaymentStatus,
    ReviewReason,
)
from payments.rules import rules_of_version


def give_credits(
    payment: Payment, ending: Ending, operation: Operation, *, now: datetime, frozen: bool = False
) -> None:
    """Release, use up and issue what the ending gives, now that the money is there (P9.2).

    Released and new credit first pays off what the student owes, which is booked here (P9.4). `frozen` says that a
    chargeback of the payment is open: what is issued for it is frozen, too (section 11). Used up credit that is given
    back counts as issued, but as given for no booking: nothing revokes or freezes it later (P8.4).
    """
    moves, student_id = ending.credits, payment.payer.user_id
    paid_off: tuple[credits.PaidOff, ...] = ()
    if moves.released or moves.used:
        paid_off += credits.use_reserved(
            student_id=student_id,
            reference=payment.reference,
            released=moves.released,
            consumed=moves.consumed,
            forfeited=moves.forfeited,
            now=now,
        )
    if moves.issued:
        gives_back = operation.kind in GIVES_BACK
        paid_off += credits.issue(
            student_id=student_id,
            cents=moves.issued,
            source_key=f"operation:{operation.pk}",
            reference="" if gives_back else payment.reference,
            origin=payment.reference,
            frozen=frozen and not gives_back,
            now=now,
        )
    book_paid_off(paid_off, student_id=student_id, operation=operation, now=now)
    payment.credits_released_cents += moves.released
    payment.credits_consumed_cents += moves.consumed
    payment.credits_forfeited_cents += moves.forfeited
    payment.student_credit_cents += moves.issued


def set_state(payment: Payment, plan: Plan, ending: Ending, operation: Operation, *, now: datetime) -> None:
    payment.refusal_code = ending.refusal_code
    ours = operation.party == Party.SYSTEM or plan.action == Action.RULE_NO_SHOW  # no try of the student's
    if ending.payment_status == PaymentStatus.PAYMENT_METHOD_REQUIRED and ours:
        _count_refusal(payment, plan, now=now)
    if ending.moves:
        _note_move(payment, plan, operation, now=now)
    if ending.outcome is not None:
        payment.settlement_outcome = ending.outcome
        ends_the_lock = ending.payment_status not in (None, PaymentStatus.LOCKED)
        if ends_the_lock and payment.locked_at and not payment.lock_resolved_at:
            payment.lock_resolved_at, payment.lock_resolution = now, ending.outcome
    is_there = ending.payment_status in (PaymentStatus.LOCKED, PaymentStatus.SETTLED)
    if is_there and _reversed_whole(plan) and _staff_could_refund_before(payment, operation):
        instructors_cost.count_no_more(payment)
    if plan.action == Action.STAFF_REFUND and ending.outcome is not None:
        instructors_cost.count_refund(payment, operation)
        if payment.status == PaymentStatus.MANUAL_REVIEW:
            say_what_stopped(payment, besides=operation)
    if ending.payment_status is None:
        return
    if ending.payment_status == PaymentStatus.MANUAL_REVIEW:
        _freeze(payment, plan, ending, operation, now=now)
    else:
        unfreeze(payment, ending.payment_status)
    if ending.payment_status == PaymentStatus.SETTLED:
        payment.settled_at = payment.settled_at or now  # a refund afterwards does not settle it again


def unfreeze(payment: Payment, status: str) -> None:
    """Give a payment its status, outside of any freeze; an outcome belongs to what has ended (P4.3)."""
    payment.status = status
    payment.former_status = payment.review_reason = payment.review_error = ""
    payment.review_since = None
    if status != PaymentStatus.SETTLED:  # a refund during a stop brought one (P8.6)
        payment.settlement_outcome = ""


def end_retried_stop(subject: Subject, operation: Operation, *, now: datetime) -> None:
    """Give a payment the status that it was stopped in, if an operation is what it was stopped for, begun anew (P10.3).

    The stop took the deadlines away, and not every end derives them anew. Where another stop is beneath, that stays.
    """
    payment = subject.payment
    if not retries_a_stop(payment, operation.inputs):
        return
    if payment.operations.stuck().exclude(pk=operation.pk).exists():
        say_what_stopped(payment, besides=operation)
    elif payment.settlement_outcome == Outcome.INSTRUCTOR_ADVANCED:
        payment.review_reason, payment.review_error = ReviewReason.COLLECTION_FAILED, ""  # as before it was to be paid
    else:
        unfreeze(payment, payment.former_status)
        set_deadlines(subject, now=now)


def say_what_stopped(payment: Payment, *, besides: Operation) -> None:
    """Let the reason be that of the stop, or change at Stripe, that a staff refund found and does not end (P8.6)."""
    stop = payment.operations.stuck().exclude(pk=besides.pk).order_by("-number").first()
    if stop is not None and stop.conclusion:
        payment.review_reason = ending_from_json(stop.conclusion).review_reason or ""
        payment.review_error = _what_stripe_said(stop)
    elif change := payment.changes_at_stripe.filter(seen_at=None).order_by("-id").first():
        payment.review_reason, payment.review_error = ReviewReason.CHANGED_AT_STRIPE, change.sentence  # P8.8


def _staff_could_refund_before(payment: Payment, operation: Operation) -> bool:
    waited_for_staff = operation.gave or RETRIES_A_STOP.items() <= operation.inputs.items()
    return waited_for_staff or payment.taken_back_cents > 0


def _reversed_whole(plan: Plan) -> bool:
    return plan.action in REVERSED_WHOLE and any(step.call == Call.REVERSE for step in plan.steps)


def _count_refusal(payment: Payment, plan: Plan, *, now: datetime) -> None:
    """The ladders count our own tries; the student's retries in between do not move them (P10.1, P10.2)."""
    payment.refused_at = now
    payment.authorization_refusals += 1
    if plan.action in CHARGES_AFTER_THE_LESSON and payment.collection_refused_at is None:
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
    locks = ending.moves and plan.ending.payment_status == PaymentStatus.LOCKED
    if payment.status != PaymentStatus.MANUAL_REVIEW:  # refused once more, it still goes back to what it was
        payment.former_status = PaymentStatus.LOCKED if locks else payment.status
    payment.status = PaymentStatus.MANUAL_REVIEW
    payment.review_reason = ending.review_reason or ""
    payment.review_since = now
    payment.review_error = _what_stripe_said(operation)


def _what_stripe_said(operation: Operation) -> str:
    failed = operation.steps.filter(state=Step.State.REFUSED).order_by("-ordinal", "-attempt").first()
    return f"{failed.error_code}: {failed.error_message}" if failed else ""


def end_other_stops(payment: Payment, *, besides: Operation) -> None:
    """Let nothing wait for staff any more that has been ended otherwise, or it could still be retried.

    Staff's cancelling ends it, or a ruling, or that the payment came to nothing.
    """
    payment.operations.stuck().exclude(pk=besides.pk).update(
        state=Operation.State.DONE, resolution=f"The payment was ended by {besides.reference} ({besides.rule})."
    )


def book_debt(payment: Payment, ending: Ending, *, now: datetime) -> None:
    """Note what the student owes and lock the account, or unlock it once nothing is owed (P10.2)."""
    debts = [line.amount for line in ending.lines if line.account == Account.RECEIVABLE]
    payment.owed_cents += sum(debts)
    of_this_booking = {"payer": payment.payer, "reason": AccountLock.Reason.COLLECTION_FAILED}
    if payment.owed_cents:
        AccountLock.objects.get_or_create(**of_this_booking, reference=payment.reference, defaults={"locked_at": now})
    elif debts or ending.outcome == Outcome.INSTRUCTOR_ADVANCED:
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
        is_held=payment.authorized_cents > 0,
        refused_at=payment.refused_at,
        refusals=payment.authorization_refusals,
        collection_refused_at=payment.collection_refused_at,
        now=now,
        rules=rules_of_version(payment.policy_version),
    )
    still_to_be_told = payment.warn_at is not None and payment.warn_at <= now and due.expire_at is not None
    payment.authorize_at, payment.expire_at = due.authorize_at, due.expire_at
    payment.settle_at = due.settle_at
    payment.warn_at = payment.warn_at if still_to_be_told else due.warn_at
