"""Holding the card for a lesson, and letting it go (P5.1, P10.1)."""

from datetime import datetime

from instainstru.money import dollars
from instainstru.refusals import Refused
from payments.policy.facts import Facts
from payments.policy.plan import Ending, Plan, PlannedStep
from payments.policy.rules import Rules
from payments.policy.states import Action, BookingStatus, Call, PaymentStatus
from payments.policy.windows import unpaid_cancellation_due_at

UNAUTHORIZED = frozenset({PaymentStatus.SCHEDULED, PaymentStatus.PAYMENT_METHOD_REQUIRED})


def plan_authorization(facts: Facts, now: datetime, *, rules: Rules) -> Plan:
    """Decide what the clockwork does when an authorization is due (P5.1) or due again (P10.1).

    A card that was refused is tried again as long as T−12 h is not reached; one that never was is tried however late.
    Raises Refused("already_settled") if the card is held, not to be tried any more, or the booking has ended.
    """
    if facts.payment_status not in UNAUTHORIZED or facts.hold or facts.booking_status == BookingStatus.PENDING:
        raise Refused("already_settled")
    refused = facts.payment_status == PaymentStatus.PAYMENT_METHOD_REQUIRED
    if refused and now >= unpaid_cancellation_due_at(facts.starts_at, rules=rules):
        raise Refused("already_settled")
    return Plan(
        action=Action.AUTHORIZE,
        rule="P5.1" if facts.payment_status == PaymentStatus.SCHEDULED else "P10.1",
        version=rules.version,
        steps=authorization_steps(facts, on_session=False),
        ending=Ending(payment_status=PaymentStatus.AUTHORIZED),
        to_student=f"{dollars(facts.terms.card_total)} is held on your card.",
        to_instructor="The lesson is paid for.",
    )


def authorization_steps(facts: Facts, *, on_session: bool) -> tuple[PlannedStep, ...]:
    """Return the calls that hold `PI` on the card; an intent that still waits for the student is cancelled first."""
    hold = PlannedStep(
        call=Call.AUTHORIZE, amount=facts.terms.card_total, transfer=facts.terms.transfer, on_session=on_session
    )
    return (*_void_pending(facts), hold)


def void_steps(facts: Facts) -> tuple[PlannedStep, ...]:
    """Return the calls that free whatever is, or could become, a hold on the card."""
    live = (PlannedStep(call=Call.VOID, amount=facts.hold),) if facts.hold else ()
    return (*_void_pending(facts), *live)


def _void_pending(facts: Facts) -> tuple[PlannedStep, ...]:
    return (PlannedStep(call=Call.VOID, amount=0),) if facts.has_pending_intent else ()
