"""How an operation ends once Stripe has answered: as planned, or by the branch that the policy names."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from payments.policy.collection import collection_has_failed
from payments.policy.facts import Facts
from payments.policy.plan import Ending, Plan, StepAnswer
from payments.policy.rules import Rules
from payments.policy.states import (
    BY_STAFF,
    RULINGS,
    Action,
    BookingStatus,
    Call,
    Fault,
    PaymentStatus,
    ReviewReason,
    Verdict,
)
from payments.policy.windows import Window, unpaid_cancellation_due_at, window_at

AT_CHECKOUT = frozenset({Action.CHECKOUT, Action.PAY_NOW, Action.CONFIRM_AUTHORIZATION})
CHARGES_AFTER_THE_LESSON = frozenset({Action.SETTLE, Action.RULE_NO_SHOW})  # the 72 hours of P10.2 follow its no

_REFUSED_AFTER_THE_FACT = {
    Call.VOID: ReviewReason.VOID_REFUSED,
    Call.REVERSE: ReviewReason.REVERSAL_REFUSED,
    Call.TAKE_BACK: ReviewReason.REVERSAL_REFUSED,
    Call.PAY: ReviewReason.PAYOUT_REFUSED,
}


def conclude(
    plan: Plan, facts: Facts, answers: Sequence[StepAnswer], *, accepted_at: datetime, now: datetime, rules: Rules
) -> Ending:
    """Return what an operation leaves behind, given the last answer to each of its calls, in order.

    `facts` are those of `now`, after the calls; `accepted_at` is the instant that windows are judged by (P3.1).
    """
    failed = next((answer for answer in answers if answer.verdict != Verdict.SUCCEEDED), None)
    if failed is None:
        return _lost_race() if facts.time_was_taken else plan.ending
    if plan.action == Action.RESCHEDULE and failed.call in (Call.AUTHORIZE, Call.CAPTURE):
        return _not_moved(plan, facts, failed)
    if plan.action == Action.ANSWER_CHARGEBACK:
        return plan.ending  # payouts are reversed if possible; if not, the bank decides all the same
    if _is_not_the_students(plan, failed):
        return _payee_is_unpayable(plan, facts, failed)
    match failed.call:
        case Call.REVERSE | Call.TAKE_BACK if _comes_before_what_is_given(plan, failed):
            return _for_review(ReviewReason.REVERSAL_REFUSED)
        case Call.AUTHORIZE:
            return _authorization_refused(plan, facts, failed, accepted_at=accepted_at, now=now, rules=rules)
        case Call.INSPECT | Call.CHARGE:
            return _not_confirmed(facts, failed)
        case Call.CAPTURE:
            return _capture_refused(plan, facts, failed, accepted_at=accepted_at, rules=rules)
        case Call.REFUND:
            return _for_review(ReviewReason.REFUND_REFUSED)
        case Call.VOID if _clears_the_way(plan):
            return _for_review(ReviewReason.VOID_REFUSED)
        case call:
            # The student's money is where it belongs, so the student's side stands; what the instructor or the
            # platform still lacks waits for staff (P10.3).
            return _for_review(_REFUSED_AFTER_THE_FACT[call], given=plan.ending)


def _clears_the_way(plan: Plan) -> bool:
    """Whether a void comes before money is taken or given back: then none has moved yet (P7.9, P10.3)."""
    return any(step.call in (Call.AUTHORIZE, Call.CHARGE, Call.REFUND) for step in plan.steps)


def _lost_race() -> Ending:
    """P5.3: Stripe said yes, but the time was taken meanwhile, or the booking cancelled."""
    return Ending(booking_status=BookingStatus.CANCELLED, refusal_code="slot_unavailable", successor=Action.END_UNPAID)


def _not_moved(plan: Plan, facts: Facts, failed: StepAnswer) -> Ending:
    """P6.2: the lesson stays where it was, the payment's status too, and a hold made for the move is voided."""
    held_anew = any(step.call == Call.AUTHORIZE for step in plan.steps)
    if failed.fault == Fault.HOLD_GONE and not held_anew:
        return Ending(successor=plan.action)
    code = "slot_unavailable" if _is_not_the_students(plan, failed) else _card_code(failed)
    to_void = facts.has_pending_intent or (held_anew and facts.hold)
    return Ending(refusal_code=code, successor=Action.RELEASE_HOLD if to_void else None)


def _is_not_the_students(plan: Plan, failed: StepAnswer) -> bool:
    """P10.2: it is the instructor's account, or our configuration, if a hold is refused and the card is not why."""
    collects = plan.action in CHARGES_AFTER_THE_LESSON and failed.call == Call.CAPTURE
    ours = failed.fault == Fault.OTHER and (failed.call == Call.AUTHORIZE or collects)
    return failed.fault == Fault.PAYEE or ours


def _payee_is_unpayable(plan: Plan, facts: Facts, failed: StepAnswer) -> Ending:
    """P10.2: never the student's fault. A checkout is given up; whatever was promised before waits for staff."""
    if plan.action in AT_CHECKOUT and facts.booking_status == BookingStatus.PENDING:
        return _lost_race()
    before_the_money = failed.call == Call.VOID and _clears_the_way(plan)
    given_anyway = (
        failed.call in _REFUSED_AFTER_THE_FACT
        and not before_the_money
        and not _comes_before_what_is_given(plan, failed)
    )
    return _for_review(ReviewReason.PAYEE_UNPAYABLE, given=plan.ending if given_anyway else None)


def _comes_before_what_is_given(plan: Plan, failed: StepAnswer) -> bool:
    """P8.4, P8.6, P8.7: such reversals are made first; if one is refused, nothing is refunded or given back."""
    return plan.action in BY_STAFF | RULINGS and failed.call in (Call.REVERSE, Call.TAKE_BACK)


def _authorization_refused(
    plan: Plan, facts: Facts, failed: StepAnswer, *, accepted_at: datetime, now: datetime, rules: Rules
) -> Ending:
    code = _card_code(failed)
    if plan.action == Action.STUDENT_CANCEL:
        return Ending(refusal_code=code, successor=Action.END_UNPAID)  # P7.8: it costs nothing then
    if plan.action in CHARGES_AFTER_THE_LESSON:
        return _collection_refused(facts, code, accepted_at=accepted_at, rules=rules)
    too_late = plan.action == Action.AUTHORIZE and _is_too_late_for_another_card(facts, accepted_at, now, rules=rules)
    successor = Action.EXPIRE if too_late else None
    return Ending(payment_status=PaymentStatus.PAYMENT_METHOD_REQUIRED, refusal_code=code, successor=successor)


def _is_too_late_for_another_card(facts: Facts, accepted_at: datetime, now: datetime, *, rules: Rules) -> bool:
    """P10.1: tried after T−12 h and refused, it cancels at once; after the start nothing is cancelled.

    The answer may have been long in coming (P10.4): a lesson that is being given by then is not taken away.
    """
    has_started = window_at(now, starts_at=facts.starts_at, rules=rules) == Window.STARTED
    return not has_started and accepted_at >= unpaid_cancellation_due_at(facts.starts_at, rules=rules)


def _not_confirmed(facts: Facts, failed: StepAnswer) -> Ending:
    if facts.owed or failed.verdict == Verdict.ACTION_REQUIRED:
        return Ending(refusal_code=_card_code(failed))  # still owed, or the bank's page is still open
    return Ending(payment_status=PaymentStatus.PAYMENT_METHOD_REQUIRED, refusal_code="card_declined")


def _capture_refused(plan: Plan, facts: Facts, failed: StepAnswer, *, accepted_at: datetime, rules: Rules) -> Ending:
    held_anew = any(step.call == Call.AUTHORIZE for step in plan.steps)
    if failed.fault == Fault.HOLD_GONE and not held_anew:
        return Ending(successor=plan.action)  # decided anew, with a new hold first (P10.2)
    if plan.action in CHARGES_AFTER_THE_LESSON:
        return _collection_refused(facts, "card_declined", accepted_at=accepted_at, rules=rules)
    return _for_review(ReviewReason.CAPTURE_REFUSED)  # P7.9: nothing is given until the money is there


def _collection_refused(facts: Facts, code: str, *, accepted_at: datetime, rules: Rules) -> Ending:
    """P10.2: tried again every 4 hours; refused once more when the 72 hours are over, the payout is advanced."""
    failed = collection_has_failed(facts, accepted_at, rules=rules)
    return Ending(
        payment_status=PaymentStatus.PAYMENT_METHOD_REQUIRED,
        refusal_code=code,
        successor=Action.ADVANCE if failed else None,
    )


def _card_code(failed: StepAnswer) -> str:
    return "authentication_required" if failed.verdict == Verdict.ACTION_REQUIRED else "card_declined"


def _for_review(reason: ReviewReason, *, given: Ending | None = None) -> Ending:
    """Freeze for staff; of what was planned, the credits, the bookings and the move of `given` stand."""
    frozen = Ending(payment_status=PaymentStatus.MANUAL_REVIEW, review_reason=reason)
    return frozen if given is None else replace(frozen, credits=given.credits, lines=given.lines, moves=given.moves)
