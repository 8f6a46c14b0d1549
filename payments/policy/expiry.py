"""Giving up on a card that never covered the lesson (P10.1)."""

from datetime import datetime

from instainstru.refusals import Refused
from payments.policy.checkout import plan_without_charge
from payments.policy.facts import Facts
from payments.policy.plan import Plan
from payments.policy.rules import Rules
from payments.policy.states import Action, BookingStatus, PaymentStatus
from payments.policy.windows import Window, unpaid_cancellation_due_at, window_at


def plan_expired_authorization(facts: Facts, now: datetime, *, rules: Rules) -> Plan:
    """Decide how a refused card ends a lesson once T−12 h is reached (P10.1).

    Raises Refused: "lesson_started" (after the start nothing is cancelled), "already_settled" if it is not due.
    """
    if window_at(now, starts_at=facts.starts_at, rules=rules) == Window.STARTED:
        raise Refused("lesson_started")
    refused = facts.payment_status == PaymentStatus.PAYMENT_METHOD_REQUIRED
    due = now >= unpaid_cancellation_due_at(facts.starts_at, rules=rules)
    if not (refused and due and facts.booking_status == BookingStatus.CONFIRMED):
        raise Refused("already_settled")
    return plan_without_charge(
        Action.EXPIRE_AUTHORIZATION,
        facts,
        rule="P10.1",
        rules=rules,
        to_student="Your card was declined until 12 hours before the lesson, so it is cancelled. Nothing was charged.",
        to_instructor="The student's card was declined, so the lesson is cancelled. You are not paid.",
    )
