"""What all that staff may do with a booking has in common."""

from abc import abstractmethod
from datetime import datetime
from typing import Any

from django.contrib import messages

from bookings.admin.actions.plans import call_shown, ending_told
from bookings.admin.words import in_short
from bookings.models import Booking
from instainstru.admin.confirmation import Choices, ConfirmedAction, Done, Proposal
from instainstru.admin.rights import MOVE_MONEY
from instainstru.money import dollars
from instainstru.templatetags.times import in_zone
from payments.admin.words import OUTCOMES, PAYMENT_BECOMES, REVIEW_REASONS, in_words
from payments.models import Operation
from payments.policy.plan import Plan

ASKED_AGAIN = "Without an answer, Stripe is asked again after 1, 5 and 15 minutes, then every 15 (P10.4)."
STOPS_IF_REFUSED = "If Stripe refuses, it stops and waits for staff (P10.3)."
WAITS_BEHIND = "A cancellation that waits behind this is then decided, as of the instant it was asked for (P7.11)."


class OnABooking(ConfirmedAction):
    """An action on a booking, its case or its money."""

    def subject_of(self, row: Booking) -> str:
        return row.ref

    def state_of(self, row: Booking) -> dict[str, Any]:
        booking = Booking.objects.select_related("payment").get(pk=row.pk)
        payment = booking.payment
        under_way = payment.operations.open().first()
        return {
            "booking": booking.status,
            "payment": payment.status,
            "frozen_because": payment.review_reason,
            "outcome": payment.settlement_outcome,
            "card_charged": dollars(payment.captured_cents),
            "card_refunded": dollars(payment.refunded_to_card_cents),
            "instructor_has": dollars(payment.instructor_payout_cents),
            "under_way": f"{booking.ref}-{under_way.number}" if under_way else "",
            "open_cases": ", ".join(payment.freezes.in_force().order_by("id").values_list("case", flat=True)),
        }


class ByPlan(OnABooking):
    """An action on a booking's money, shown as the plan that the policy makes of it."""

    right = MOVE_MONEY

    @abstractmethod
    def plan_for(self, booking: Booking, choices: Choices, *, now: datetime) -> Plan:
        """Return what it would do now. Raises Refused."""

    @abstractmethod
    def verb_of(self, plan: Plan) -> str:
        """Return what the red button says, with the amount."""

    def propose(self, row: Booking, choices: Choices, *, now: datetime) -> Proposal:
        return self.describe(row, self.plan_for(row, choices, now=now))

    def describe(self, booking: Booking, plan: Plan) -> Proposal:
        return proposal_of(plan, booking, verb=self.verb_of(plan))


def proposal_of(plan: Plan, booking: Booking, *, verb: str) -> Proposal:
    """Show a plan as what is going to be done to a booking."""
    return Proposal(
        verb=verb,
        rule=plan.rule,
        digest=plan.digest,
        standing=standing_of(booking),
        movements=tuple(map(call_shown, plan.steps)),
        to_student=plan.to_student,
        to_instructor=plan.to_instructor,
        at_once=tuple(_at_once(plan)),
        later=(STOPS_IF_REFUSED, ASKED_AGAIN, *what_waits_behind(booking)) if plan.steps else (),
    )


def standing_of(booking: Booking) -> tuple[tuple[str, str], ...]:
    """Say how a booking and its money stand; what is empty is left out by the page."""
    payment = booking.payment
    return (
        ("Booking", booking.get_status_display()),
        ("Payment", payment.get_status_display()),
        ("Outcome", in_words(payment.settlement_outcome, OUTCOMES)),
        ("Frozen because", in_words(payment.review_reason, REVIEW_REASONS)),
        ("Stripe said", payment.review_error),
        ("Since", in_zone(payment.review_since, "UTC")),
        ("Before that", in_short(payment.former_status)),
        ("Stopped before", in_words(payment.kept_review_reason, REVIEW_REASONS)),
        ("Held on the card", dollars(payment.authorized_cents)),
        ("Card charged", dollars(payment.captured_cents)),
        ("Card refunded", dollars(payment.refunded_to_card_cents)),
        ("Instructor has", dollars(payment.instructor_payout_cents)),
    )


def what_waits_behind(booking: Booking) -> tuple[str, ...]:
    return (WAITS_BEHIND,) if booking.payment.operations.waiting().exists() else ()


def what_came_of(operation: Operation) -> Done:
    """Tell how far an operation got that was just carried out."""
    payment = operation.payment
    if operation.state == Operation.State.WAITING:
        return Done(sentence="Accepted. It waits for the end of what is under way.", level=messages.WARNING)
    if operation.state == Operation.State.OPEN:
        return Done(
            sentence="Stripe has not answered yet. It is asked again until it does; the timeline will tell.",
            level=messages.WARNING,
        )
    if operation.state == Operation.State.STUCK:
        return Done(sentence=f"Stripe refused. {payment.review_error} It waits for staff.", level=messages.ERROR)
    return Done(sentence=f"It went through. {in_words(payment.status, PAYMENT_BECOMES)}")


def _at_once(plan: Plan) -> list[str]:
    asked = (
        ["Stripe is asked now; its answers stand in the timeline."] if plan.steps else ["Nothing is asked of Stripe."]
    )
    if plan.booking_status_at_once is not None:
        asked.append(f"The booking is {in_short(plan.booking_status_at_once)} at once.")
    if plan.revokes:
        asked.append(f"{dollars(plan.revokes)} of the credit given for the booking is withdrawn at once.")
    return [*asked, *ending_told(plan.ending)]
