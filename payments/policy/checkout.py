"""Buying a lesson: checkout, paying again, confirming at the bank, and giving up (P5.1 to P5.3)."""

from datetime import datetime

from instainstru.money import dollars
from instainstru.refusals import Refused
from payments.policy.authorization import authorization_steps, void_steps
from payments.policy.collection import collected, is_advanced
from payments.policy.facts import Facts
from payments.policy.plan import CreditMoves, Ending, Plan, PlannedStep
from payments.policy.pricing import Terms
from payments.policy.rules import Rules
from payments.policy.states import STOPS, Action, BookingStatus, Call, Outcome, PaymentStatus
from payments.policy.windows import Window, in_words, window_at

OPEN_BOOKINGS = frozenset({BookingStatus.PENDING, BookingStatus.CONFIRMED})


def plan_checkout(facts: Facts, now: datetime, *, rules: Rules) -> Plan:
    """Decide what booking a lesson does: hold the card at T−24 h (P5.1) or at once (P5.2).

    Raises Refused("lesson_started").
    """
    terms = facts.terms
    match window_at(now, starts_at=facts.starts_at, rules=rules):
        case Window.STARTED:
            raise Refused("lesson_started")
        case Window.EARLY:
            return Plan(
                action=Action.CHECKOUT,
                rule="P5.1",
                version=rules.version,
                ending=Ending(payment_status=PaymentStatus.SCHEDULED, booking_status=BookingStatus.CONFIRMED),
                to_student=(
                    f"Your lesson is booked. {dollars(terms.card_total)} will be held on your card "
                    f"{in_words(rules.early_from)} before it starts and charged {in_words(rules.settle_after)} after "
                    "it ends."
                ),
                to_instructor=_booked(terms, rules),
            )
        case _:
            return Plan(
                action=Action.CHECKOUT,
                rule="P5.2",
                version=rules.version,
                steps=authorization_steps(facts, on_session=True),
                ending=Ending(payment_status=PaymentStatus.AUTHORIZED, booking_status=BookingStatus.CONFIRMED),
                to_student=(
                    f"{dollars(terms.card_total)} is held on your card now and charged {in_words(rules.settle_after)} "
                    "after the lesson ends. The lesson is booked once your bank agrees."
                ),
                to_instructor=_booked(terms, rules),
            )


def _booked(terms: Terms, rules: Rules) -> str:
    return f"A lesson is booked. You get {dollars(terms.payout)} {in_words(rules.settle_after)} after it ends."


def plan_unpaid_end(facts: Facts, now: datetime, *, rules: Rules) -> Plan:
    """Decide how a booking ends whose authorization must not stand (P5.3) or was refused when it mattered (P7.8).

    Raises Refused("already_settled") once something was captured.
    """
    if facts.captured or facts.payment_status == PaymentStatus.SETTLED:
        raise Refused("already_settled")
    return plan_without_charge(
        Action.END_UNPAID,
        facts,
        rule="P5.3" if facts.time_was_taken else "P7.8",
        rules=rules,
        to_student="The booking is over. What was held on your card is freed; nothing was charged.",
        to_instructor="The booking is over; it had not been paid for. You are not paid.",
    )


def plan_without_charge(
    action: Action,
    facts: Facts,
    *,
    rule: str,
    rules: Rules,
    to_student: str,
    to_instructor: str,
    outcome: Outcome = Outcome.NEVER_PAID,
) -> Plan:
    """Decide an end at which nothing is charged: free every hold, release the credits, cancel the booking."""
    return Plan(
        action=action,
        rule=rule,
        version=rules.version,
        booking_status_at_once=BookingStatus.CANCELLED if facts.booking_status in OPEN_BOOKINGS else None,
        steps=void_steps(facts),
        ending=Ending(
            payment_status=PaymentStatus.SETTLED,
            outcome=outcome,
            # They may be back already: the void was refused that another end had planned (P10.3).
            credits=CreditMoves(released=facts.terms.credits - facts.credits_released),
        ),
        to_student=to_student,
        to_instructor=to_instructor,
    )


def plan_confirmation(facts: Facts, now: datetime, *, rules: Rules) -> Plan:
    """Decide what happens when the student comes back from the bank (P5.2): look at the intent and go by it.

    The facts are those beneath a case's freeze. A debt that was paid so is paid in any case. Raises Refused:
    "already_settled" if no confirmation is awaited, "operation_in_progress" in a stop of P10.3: the intent was to be
    cancelled and was not, and what becomes of it is for staff to say; "under_review" before they have seen a change at
    Stripe.
    """
    if not facts.has_pending_intent:
        raise Refused("already_settled")
    if facts.payment_status == PaymentStatus.MANUAL_REVIEW and not is_advanced(facts):
        raise Refused("operation_in_progress" if facts.review_reason in STOPS else "under_review")
    return Plan(
        action=Action.CONFIRM_AUTHORIZATION,
        rule="P5.2",
        version=rules.version,
        steps=(PlannedStep(call=Call.INSPECT, amount=facts.terms.card_total, transfer=facts.terms.transfer),),
        ending=_paid_for(facts),
        to_student=(
            f"Your card is charged {dollars(facts.owed)}. Nothing is owed then."
            if facts.owed
            else f"{dollars(facts.terms.card_total)} is held on your card."
        ),
        to_instructor="The lesson is paid for.",
    )


def plan_payment_now(facts: Facts, now: datetime, *, rules: Rules) -> Plan:
    """Decide what the student's retry does, with the same or another card (P5.2, P10.1).

    Raises Refused: "already_settled" if the card owes no authorization, "operation_in_progress" in a stop of P10.3,
    "lesson_started" for a checkout that our clockwork has yet to end: nobody waits for that student.
    """
    if facts.review_reason in STOPS:
        raise Refused("operation_in_progress")
    if facts.payment_status != PaymentStatus.PAYMENT_METHOD_REQUIRED:
        raise Refused("already_settled")
    if facts.booking_status == BookingStatus.PENDING and now > facts.starts_at:
        raise Refused("lesson_started")
    return Plan(
        action=Action.PAY_NOW,
        rule="P5.2" if facts.booking_status == BookingStatus.PENDING else "P10.1",
        version=rules.version,
        steps=authorization_steps(facts, on_session=True),
        ending=_paid_for(facts),
        to_student=f"{dollars(facts.terms.card_total)} is held on your card now.",
        to_instructor="The lesson is paid for.",
    )


def _paid_for(facts: Facts) -> Ending:
    if facts.owed:
        return collected(facts)
    return Ending(
        payment_status=PaymentStatus.AUTHORIZED,
        booking_status=BookingStatus.CONFIRMED if facts.booking_status == BookingStatus.PENDING else None,
    )
