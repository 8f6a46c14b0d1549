"""Cancelling a booking (policy section 7)."""

from dataclasses import replace
from datetime import datetime

from instainstru.money import dollars
from instainstru.refusals import Refused
from payments.policy.accounts import earned_lines
from payments.policy.authorization import authorization_steps, void_steps
from payments.policy.checkout import plan_without_charge
from payments.policy.facts import Facts
from payments.policy.plan import CreditMoves, Ending, Plan, PlannedStep
from payments.policy.rules import Rules
from payments.policy.settlement import payout_steps
from payments.policy.states import Action, BookingStatus, Call, Outcome, PaymentStatus, ReviewReason
from payments.policy.undoing import take_back_steps
from payments.policy.windows import Window, in_words, window_at

NOT_CHARGED = "Your card is not charged."


def plan_student_cancellation(facts: Facts, now: datetime, *, rules: Rules) -> Plan:
    """Decide what a student's cancellation does (P7.1 to P7.5, P7.8); `now` is the instant of the request (P3.1).

    Raises Refused: "lesson_started" (P7.7), "already_settled", "already_completed", "under_review".
    """
    window = window_at(now, starts_at=facts.starts_at, rules=rules)
    if window == Window.STARTED:  # a window already past is told by its own code, before all others (section 12)
        raise Refused("lesson_started")
    _require_cancellable(facts)
    if window == Window.EARLY:
        return _early(facts, rules=rules)
    if facts.payment_status == PaymentStatus.PAYMENT_METHOD_REQUIRED:
        return _card_was_refused(facts, rules=rules)
    if facts.payment_status == PaymentStatus.LOCKED:
        return _locked(facts, window, rules=rules)
    return _inside_a_day(facts, window, rules=rules)


def plan_instructor_cancellation(facts: Facts, now: datetime, *, rules: Rules) -> Plan:
    """Decide what an instructor's cancellation does: the student gets everything back, `SF` too (P7.6).

    Raises Refused: "already_settled", "already_completed", "under_review".
    """
    _require_cancellable(facts)
    refund = (PlannedStep(call=Call.REFUND, amount=facts.held),) if facts.held else ()
    back = facts.held or facts.hold
    return Plan(
        action=Action.INSTRUCTOR_CANCEL,
        rule="P7.6",
        version=rules.version,
        booking_status_at_once=BookingStatus.CANCELLED,
        steps=(*void_steps(facts), *refund),
        ending=Ending(
            payment_status=PaymentStatus.SETTLED,
            outcome=Outcome.INSTRUCTOR_CANCELLED,
            credits=CreditMoves(released=facts.terms.credits),
            lines=earned_lines(overpaid=facts.instructor_holds),  # of a LOCK's reversal that was given up (P10.3)
        ),
        to_student="Your instructor cancelled. "
        + (f"{dollars(back)} goes back to your card" if back else "Your card was not charged")
        + (
            f" and {dollars(facts.terms.credits)} {'to' if back else 'goes back to'} your credits."
            if facts.terms.credits
            else "."
        ),
        to_instructor="The lesson is cancelled and the student pays nothing. You are not paid.",
    )


def _require_cancellable(facts: Facts) -> None:
    if facts.payment_status == PaymentStatus.SETTLED:
        raise Refused("already_settled")
    if facts.review_reason == ReviewReason.COLLECTION_FAILED:  # advanced for a lesson that was taken; no case is open
        raise Refused("already_completed")
    if facts.payment_status == PaymentStatus.MANUAL_REVIEW:
        raise Refused("under_review")
    if facts.booking_status not in (BookingStatus.PENDING, BookingStatus.CONFIRMED):
        raise Refused("already_completed")


def _early(facts: Facts, *, rules: Rules) -> Plan:
    if facts.payment_status == PaymentStatus.LOCKED:
        return _locked(facts, Window.EARLY, rules=rules)
    return plan_without_charge(
        Action.STUDENT_CANCEL,
        facts,
        rule="P7.1",
        rules=rules,
        outcome=Outcome.STUDENT_EARLY,
        to_student=_told(NOT_CHARGED, CreditMoves(released=facts.terms.credits)),
        to_instructor=f"The student cancelled {in_words(rules.early_from)} ahead or earlier. You are not paid.",
    )


def _card_was_refused(facts: Facts, *, rules: Rules) -> Plan:
    return plan_without_charge(
        Action.STUDENT_CANCEL,
        facts,
        rule="P7.8",
        rules=rules,
        to_student=_told(NOT_CHARGED, CreditMoves(released=facts.terms.credits)),
        to_instructor="The student cancelled; the lesson had not been paid for. You are not paid.",
    )


def _inside_a_day(facts: Facts, window: Window, *, rules: Rules) -> Plan:
    terms = facts.terms
    if window == Window.MIDDLE:
        rule, outcome, target, payout = "P7.2", Outcome.STUDENT_MIDDLE, terms.lesson_price, 0
    else:
        rule, outcome, target, payout = "P7.3", Outcome.STUDENT_LATE, terms.half_credit, terms.half_payout
    charge: tuple[PlannedStep, ...]
    if facts.captured:  # by this very cancellation, which a case had halted (P8.1): what is there is there
        charge = ()
        taken = facts.instructor_holds if facts.instructor_holds != payout else 0
    else:
        charge = _charge(facts)
        taken = terms.transfer
    holds = 0 if taken else facts.instructor_holds
    return _credited(
        replace(facts, instructor_holds=holds), rule, outcome, target=target, payout=payout,
        cost=f"Your card is charged {dollars(terms.card_total)}.", steps=(*charge, *take_back_steps(facts, taken)),
        held=facts.held if facts.captured else terms.card_total, rules=rules,
    )  # fmt: skip


def _charge(facts: Facts) -> tuple[PlannedStep, ...]:
    """An authorization that is merely late, or a hold that lapsed, is made first (P7.8)."""
    hold_first = () if facts.hold else authorization_steps(facts, on_session=False)
    return (
        *hold_first,
        PlannedStep(call=Call.CAPTURE, amount=facts.terms.card_total, transfer=facts.terms.transfer),
    )


def _locked(facts: Facts, window: Window, *, rules: Rules) -> Plan:
    """The card has paid, and it stays so: the student gets credit only (P6.5)."""
    terms = facts.terms
    if window == Window.LATE:
        rule, outcome, target, payout = "P7.5", Outcome.LOCKED_LATE, terms.half_credit, terms.half_payout
    else:
        rule, outcome, target, payout = "P7.4", Outcome.LOCKED_EARLY_ENOUGH, terms.lesson_price, 0
    return _credited(
        facts, rule, outcome, target=target, payout=payout,
        cost=f"Your card paid {dollars(facts.held)} before, and is not charged again.", steps=(),
        held=facts.held, rules=rules,
    )  # fmt: skip


def _credited(
    facts: Facts,
    rule: str,
    outcome: Outcome,
    *,
    target: int,
    payout: int,
    cost: str,
    steps: tuple[PlannedStep, ...],
    held: int,
    rules: Rules,
) -> Plan:
    """The end at which the platform keeps `SF`, the student is left with credits, the instructor perhaps with half."""
    moves = CreditMoves.towards(target, reserved=facts.terms.credits)
    return Plan(
        action=Action.STUDENT_CANCEL,
        rule=rule,
        version=rules.version,
        booking_status_at_once=BookingStatus.CANCELLED,
        steps=(*steps, *payout_steps(facts, payout)),
        ending=Ending(
            payment_status=PaymentStatus.SETTLED,
            outcome=outcome,
            credits=moves,
            lines=earned_lines(
                held=held,
                credits_used=moves.used,
                credits_issued=moves.issued,
                earnings=payout,
                overpaid=max(0, facts.instructor_holds - payout),
            ),
        ),
        to_student=_told(cost, moves),
        to_instructor=(
            f"The student cancelled less than {in_words(rules.middle_from)} ahead. {dollars(payout)} is paid to you."
            if payout
            else "The student cancelled. You are not paid; the time is free again."
        ),
    )


def _told(cost: str, moves: CreditMoves) -> str:
    """Say what a cancellation costs a student and what becomes of the credits."""
    said = [cost]
    if moves.released:
        said.append(f"{dollars(moves.released)} goes back to your credits.")
    if moves.issued:
        said.append(f"You get {dollars(moves.issued)} in new credits.")
    if moves.forfeited:
        said.append(f"{dollars(moves.forfeited)} of the credits you used is lost.")
    return " ".join(said)
