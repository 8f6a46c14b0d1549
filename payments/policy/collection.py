"""When the card can't be charged after the lesson: the platform advances the payout, the student owes (P10.2)."""

from datetime import datetime

from instainstru.money import dollars
from instainstru.refusals import Refused
from payments.policy.accounts import earned_lines
from payments.policy.authorization import void_steps
from payments.policy.facts import Facts
from payments.policy.plan import CreditMoves, Ending, Plan, PlannedStep
from payments.policy.rules import Rules
from payments.policy.settlement import payout_steps
from payments.policy.states import STOPS, Action, BookingStatus, Call, Outcome, PaymentStatus, ReviewReason
from payments.policy.windows import in_words


def collection_has_failed(facts: Facts, now: datetime, *, rules: Rules) -> bool:
    """Return whether the 72 hours since the first refusal are over; their last instant still belongs to them (P3.2)."""
    since = facts.collection_refused_at
    return since is not None and now >= since + rules.collection_time


def plan_advance(facts: Facts, now: datetime, *, rules: Rules) -> Plan:
    """Decide what follows on 72 hours of refusals: pay `P` ourselves, and the student owes `PI` (P10.2).

    Raises Refused("already_settled") if that is not how the payment stands.
    """
    refused = facts.payment_status == PaymentStatus.PAYMENT_METHOD_REQUIRED
    completed = facts.booking_status in (BookingStatus.COMPLETED, BookingStatus.NO_SHOW)
    if not (refused and completed and collection_has_failed(facts, now, rules=rules)):
        raise Refused("already_settled")
    terms = facts.terms
    return Plan(
        action=Action.ADVANCE,
        rule="P10.2",
        version=rules.version,
        steps=(*void_steps(facts), *payout_steps(facts, terms.payout)),
        ending=Ending(
            payment_status=PaymentStatus.MANUAL_REVIEW,
            review_reason=ReviewReason.COLLECTION_FAILED,
            outcome=Outcome.INSTRUCTOR_ADVANCED,
            credits=CreditMoves(consumed=terms.credits),
            lines=earned_lines(owed=terms.card_total, credits_used=terms.credits, earnings=terms.payout),
        ),
        to_student=f"Your card was refused for {in_words(rules.collection_time)}. You owe {dollars(terms.card_total)}.",
        to_instructor=f"{dollars(terms.payout)} is paid to you.",
    )


def plan_collection(facts: Facts, now: datetime, *, rules: Rules) -> Plan:
    """Decide what paying later does: a plain charge of what is owed, with no transfer (P10.2).

    Raises Refused: "already_settled" if nothing is owed, "operation_in_progress" while Stripe's no to the advance waits
    for staff: paid or not, the instructor is not yet (P10.3).
    """
    if not facts.owed:
        raise Refused("already_settled")
    if facts.review_reason in STOPS:
        raise Refused("operation_in_progress")
    pending = (PlannedStep(call=Call.VOID, amount=0),) if facts.has_pending_intent else ()
    return Plan(
        action=Action.COLLECT,
        rule="P10.2",
        version=rules.version,
        steps=(*pending, PlannedStep(call=Call.CHARGE, amount=facts.owed, on_session=True)),
        ending=collected(facts),
        to_student=f"Your card is charged {dollars(facts.owed)} now. Nothing is owed then.",
        to_instructor="The student has paid. Nothing changes for you.",
    )


def is_advanced(facts: Facts) -> bool:
    """Return whether the instructor has been paid in advance of the student, so that a debt is all that is left."""
    return facts.owed > 0 and facts.outcome == Outcome.INSTRUCTOR_ADVANCED


def collected(facts: Facts) -> Ending:
    """Return the end at which the student has paid what was owed; the outcome stays."""
    return Ending(payment_status=PaymentStatus.SETTLED, outcome=facts.outcome)
