"""Giving up on a card that never covered the lesson: at checkout (P5.2), and at T−12 h (P10.1)."""

from datetime import datetime

from instainstru.refusals import Refused
from payments.policy.checkout import plan_without_charge
from payments.policy.facts import Facts
from payments.policy.plan import Plan
from payments.policy.rules import Rules
from payments.policy.states import Action, BookingStatus, PaymentStatus
from payments.policy.windows import Window, checkout_expires_at, in_words, unpaid_cancellation_due_at, window_at


def plan_expiry(facts: Facts, now: datetime, *, rules: Rules) -> Plan:
    """Decide how a booking ends that was unpaid for too long.

    Raises Refused: "already_settled" if it is paid, over, or not due yet; "lesson_started" for a confirmed lesson after
    its start, when nothing is cancelled any more (P10.1).
    """
    if facts.payment_status != PaymentStatus.PAYMENT_METHOD_REQUIRED:
        raise Refused("already_settled")
    if facts.booking_status == BookingStatus.PENDING:
        return _expired_checkout(facts, now, rules=rules)
    return _expired_authorization(facts, now, rules=rules)


def _expired_checkout(facts: Facts, now: datetime, *, rules: Rules) -> Plan:
    if now < checkout_expires_at(made_at=facts.made_at, starts_at=facts.starts_at, rules=rules):
        raise Refused("already_settled")
    return plan_without_charge(
        Action.EXPIRE,
        facts,
        rule="P5.2",
        rules=rules,
        to_student="The card was not authorized in time, so the lesson was not booked. Nothing was charged.",
        to_instructor="A checkout was not completed.",
    )


def _expired_authorization(facts: Facts, now: datetime, *, rules: Rules) -> Plan:
    if window_at(now, starts_at=facts.starts_at, rules=rules) == Window.STARTED:
        raise Refused("lesson_started")
    due = now >= unpaid_cancellation_due_at(facts.starts_at, rules=rules)
    if not due or facts.booking_status != BookingStatus.CONFIRMED:
        raise Refused("already_settled")
    return plan_without_charge(
        Action.EXPIRE,
        facts,
        rule="P10.1",
        rules=rules,
        to_student=(
            f"Your card was declined until {in_words(rules.middle_from)} before the lesson, so it is cancelled. "
            "Nothing was charged."
        ),
        to_instructor="The student's card was declined, so the lesson is cancelled. You are not paid.",
    )
