"""Moving a lesson, and the LOCK (policy section 6). Only the student reschedules."""

from datetime import datetime

from instainstru.money import dollars
from instainstru.refusals import Refused
from payments.policy.authorization import authorization_steps, void_steps
from payments.policy.facts import Facts
from payments.policy.plan import Ending, Plan, PlannedStep
from payments.policy.rules import Rules
from payments.policy.states import STOPS, Action, BookingStatus, Call, PaymentStatus
from payments.policy.undoing import take_back_steps
from payments.policy.windows import Window, in_words, window_at


def plan_reschedule(facts: Facts, now: datetime, *, rules: Rules) -> Plan:
    """Decide what moving the lesson to `facts.new_starts_at` does; `now` is the instant of the request (P3.1).

    Raises Refused: "lesson_started", "reschedule_locked", "reschedule_too_late" (P6.3), "payment_method_required" for a
    booking that was never paid for, "already_settled", "already_completed", "under_review", and in a stop of P10.3
    "operation_in_progress" (P7.11).
    """
    window = window_at(now, starts_at=facts.starts_at, rules=rules)
    if window == Window.STARTED:
        raise Refused("lesson_started")
    if facts.payment_status == PaymentStatus.LOCKED or facts.late_reschedule_used:
        raise Refused("reschedule_locked")  # said before "too late" (P6.3)
    if window == Window.LATE:  # a window already past is told before what has ended or is reviewed (section 12)
        raise Refused("reschedule_too_late")
    _require_movable(facts)
    return _early(facts, now, rules=rules) if window == Window.EARLY else _lock(facts, rules=rules)


def plan_hold_release(facts: Facts, now: datetime, *, rules: Rules) -> Plan:
    """Decide how a hold goes that was made for a move that did not come about: it is voided, all else stays (P6.2)."""
    return Plan(
        action=Action.RELEASE_HOLD,
        rule="P6.2",
        version=rules.version,
        steps=void_steps(facts),
        ending=Ending(),
        to_student="The lesson was not moved. What was held on your card for it is freed.",
        to_instructor="The lesson was not moved.",
    )


def _require_movable(facts: Facts) -> None:
    if facts.payment_status == PaymentStatus.SETTLED:
        raise Refused("already_settled")
    if facts.payment_status == PaymentStatus.MANUAL_REVIEW:
        raise Refused("operation_in_progress" if facts.review_reason in STOPS else "under_review")
    if facts.booking_status == BookingStatus.PENDING:
        raise Refused("payment_method_required")
    if facts.booking_status != BookingStatus.CONFIRMED:
        raise Refused("already_completed")


def _early(facts: Facts, now: datetime, *, rules: Rules) -> Plan:
    """P6.1: without limit; the card is held for the new time as it would be for a new booking."""
    assert facts.new_starts_at is not None
    later = window_at(now, starts_at=facts.new_starts_at, rules=rules) == Window.EARLY
    if later:
        steps, status = void_steps(facts), PaymentStatus.SCHEDULED
        ahead = in_words(rules.early_from)
        card = f"{dollars(facts.terms.card_total)} will be held on your card {ahead} before the new start."
    else:
        # A hold that is live already covers the lesson at its new time as well.
        steps = () if facts.hold else authorization_steps(facts, on_session=True)
        status = PaymentStatus.AUTHORIZED
        card = f"{dollars(facts.terms.card_total)} is held on your card now."
    return Plan(
        action=Action.RESCHEDULE,
        rule="P6.1",
        version=rules.version,
        steps=steps,
        ending=Ending(payment_status=status, moves=True),
        to_student=f"The lesson moves. {card}",
        to_instructor="The student moves the lesson. Your pay stays the same.",
    )


def _lock(facts: Facts, *, rules: Rules) -> Plan:
    """P6.2: the card is charged now and the platform keeps the money until the lesson was taken or cancelled."""
    terms = facts.terms
    hold_first = () if facts.hold else authorization_steps(facts, on_session=True)
    charge = (*hold_first, PlannedStep(call=Call.CAPTURE, amount=terms.card_total, transfer=terms.transfer))
    return Plan(
        action=Action.RESCHEDULE,
        rule="P6.2",
        version=rules.version,
        # What was captured before a case halted the move is not captured again (P8.1).
        steps=(
            *(() if facts.captured else charge),
            *take_back_steps(facts, facts.instructor_holds if facts.captured else terms.transfer),
        ),
        ending=Ending(payment_status=PaymentStatus.LOCKED, moves=True),
        to_student=(
            f"The lesson moves, and because it was less than {in_words(rules.early_from)} away, your card is charged "
            f"{dollars(terms.card_total)} now. It can't be moved again; if you cancel it, you get credits, "
            "not money back."
        ),
        to_instructor="The student moves the lesson. Your pay stays the same.",
    )
