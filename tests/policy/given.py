"""What policy tests are given: a lesson, its terms, and a booking whose money stands where its status says."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from payments.policy.facts import Facts
from payments.policy.plan import Plan, StepAnswer
from payments.policy.pricing import Terms, price_booking
from payments.policy.rules import DEFAULT_RULES
from payments.policy.states import BookingStatus, Call, Fault, PaymentStatus, Tier, Verdict
from payments.policy.windows import Window

STARTS = datetime(2027, 5, 20, 15, 0, tzinfo=UTC)
ENDS = STARTS + timedelta(hours=1)

IN = {  # an instant well inside each window (P3.1)
    Window.EARLY: STARTS - timedelta(hours=30),
    Window.MIDDLE: STARTS - timedelta(hours=18),
    Window.LATE: STARTS - timedelta(hours=6),
    Window.STARTED: STARTS + timedelta(minutes=20),
}
SETTLEMENT = ENDS + DEFAULT_RULES.settle_after


def priced(lesson_price: int = 12_000, *, tier: Tier = Tier.GROWTH, credits: int = 0) -> Terms:
    """Return the terms of an hour's lesson; the default is the worked example of policy section 13."""
    return price_booking(hourly_price=lesson_price, minutes=60, tier=tier, credits=credits, rules=DEFAULT_RULES)


CARD_ONLY = priced()
SOME_CREDIT = priced(credits=5_000)
ALL_CREDIT = priced(credits=12_000)


def booked(
    status: PaymentStatus,
    *,
    booking: BookingStatus = BookingStatus.CONFIRMED,
    terms: Terms = CARD_ONLY,
    **changes: Any,
) -> Facts:
    """Return the facts of a booking: authorized has a live hold, locked was captured and its transfer reversed."""
    facts = Facts(
        terms=terms,
        booking_status=booking,
        payment_status=status,
        outcome=None,
        made_at=STARTS - timedelta(days=3),
        starts_at=STARTS,
        ends_at=ENDS,
        hold=terms.card_total if status == PaymentStatus.AUTHORIZED else 0,
        captured=terms.card_total if status == PaymentStatus.LOCKED else 0,
    )
    return replace(facts, **changes)


def unpaid_checkout(terms: Terms = CARD_ONLY, **changes: Any) -> Facts:
    """Return the facts of a checkout that waits for the student's card (P5.2)."""
    return booked(PaymentStatus.PAYMENT_METHOD_REQUIRED, booking=BookingStatus.PENDING, terms=terms, **changes)


def answered(
    plan: Plan, failed: Call | None = None, *, verdict: Verdict = Verdict.REFUSED, fault: Fault = Fault.CARD
) -> list[StepAnswer]:
    """Return Stripe's answers to a plan's calls: yes to all, or up to the first of the kind that failed."""
    answers = []
    for step in plan.steps:
        if step.call == failed:
            return [*answers, StepAnswer(call=step.call, verdict=verdict, fault=fault)]
        answers.append(StepAnswer(call=step.call, verdict=Verdict.SUCCEEDED))
    assert failed is None, f"{plan.action} makes no {failed}"
    return answers
