"""What staff do about a payment that a definite no has stopped: try again, or give up (P10.3)."""

from abc import abstractmethod
from datetime import datetime
from typing import Any

from django.contrib import messages

from bookings.admin.plans import call_shown, ending_told, line_shown
from bookings.admin.words import in_short
from bookings.models import Booking
from bookings.operations.subject import BookingSubject
from instainstru.admin.audit import AuditEntry
from instainstru.admin.confirmation import ConfirmedAction, Done, Proposal
from instainstru.admin.rights import MOVE_MONEY
from instainstru.money import dollars
from instainstru.templatetags.times import in_zone
from payments import operations as payments
from payments.admin.words import REVIEW_REASONS, in_words
from payments.models import Operation
from payments.policy.accounts import Account
from payments.policy.plan import Plan, PlannedStep
from payments.policy.states import Call, PaymentStatus

ASKED_AGAIN = "Without an answer, Stripe is asked again after 1, 5 and 15 minutes, then every 15 (P10.4)."
WAITS_BEHIND = "A cancellation that waits behind this stop is then decided, as of the instant it was asked for (P7.11)."


class OnAStop(ConfirmedAction):
    """What both have in common: they concern a booking, and the plan of what stopped it."""

    right = MOVE_MONEY

    @abstractmethod
    def plan_for(self, booking: Booking) -> Plan:
        """Return what it would do now. Raises Refused."""

    @abstractmethod
    def describe(self, booking: Booking, plan: Plan) -> Proposal: ...

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
        }

    def propose(self, row: Booking, *, now: datetime) -> Proposal:
        return self.describe(row, self.plan_for(row))


class RetryStopped(OnAStop):
    name = "retry"
    label = "Try again"
    explanation = "Ask Stripe once more for what it refused, and go on from there."

    def plan_for(self, booking: Booking) -> Plan:
        return payments.preview_retry(BookingSubject(booking))

    def describe(self, booking: Booking, plan: Plan) -> Proposal:
        first = plan.steps[0] if plan.steps else None
        return Proposal(
            verb=f"{call_shown(first).what}: {dollars(first.amount)}" if first else "Go on",
            rule=f"P10.3, {plan.rule}",
            digest=plan.digest,
            standing=_standing(booking),
            movements=tuple(map(call_shown, plan.steps)),
            to_student=plan.to_student,
            to_instructor=plan.to_instructor,
            at_once=("Stripe is asked now; its answers stand in the timeline.", *ending_told(plan.ending)),
            later=(
                "If Stripe refuses again, it stops again and waits for staff as now.",
                ASKED_AGAIN,
                *_what_waits(booking),
            ),
        )

    def carry_out(self, row: Booking, *, entry: AuditEntry, preview: str, now: datetime) -> Done:
        operation = payments.retry_stuck(
            payment_id=row.payment_id, actor=entry.actor, now=now, preview=preview, receipt=entry
        )
        return _told(payments.perform(operation))


class ResolveStopped(OnAStop):
    name = "resolve"
    label = "Give up"
    explanation = "Accept that what Stripe refused will not happen, and close it."

    def plan_for(self, booking: Booking) -> Plan:
        return payments.preview_resolution(BookingSubject(booking))

    def describe(self, booking: Booking, plan: Plan) -> Proposal:
        lost = sum(line.amount for line in plan.ending.lines if line.account == Account.LOSSES)
        freed = _what_is_freed(booking, plan)
        return Proposal(
            verb=f"Give up and lose {dollars(lost)}" if lost > 0 else "Give up",
            rule=plan.rule,
            digest=plan.digest,
            standing=_standing(booking),
            movements=(*map(line_shown, plan.ending.lines), *map(call_shown, freed)),
            to_student=plan.to_student,
            to_instructor=plan.to_instructor,
            at_once=(
                "Stripe is asked to free the card." if freed else "Nothing is asked of Stripe.",
                *ending_told(plan.ending),
            ),
            later=_what_waits(booking) or ("Nothing tries again.",),
            warning="This can't be taken back: what Stripe refused, and whatever depended on it, is given up.",
        )

    def carry_out(self, row: Booking, *, entry: AuditEntry, preview: str, now: datetime) -> Done:
        operation = payments.resolve_stuck(
            payment_id=row.payment_id, actor=entry.actor, note=entry.reason, now=now, preview=preview, receipt=entry
        )
        payments.perform(operation)  # carries out what has waited behind the stop
        return Done(sentence="Given up; the booking's story says what is missing.")


def _standing(booking: Booking) -> tuple[tuple[str, str], ...]:
    payment = booking.payment
    return (
        ("Booking", booking.get_status_display()),
        ("Payment", payment.get_status_display()),
        ("Frozen because", in_words(payment.review_reason, REVIEW_REASONS)),
        ("Stripe said", payment.review_error),
        ("Since", in_zone(payment.review_since, "UTC")),
        ("Before that", in_short(payment.former_status)),
        ("Card charged", dollars(payment.captured_cents)),
        ("Card refunded", dollars(payment.refunded_to_card_cents)),
        ("Instructor has", dollars(payment.instructor_payout_cents)),
    )


def _what_is_freed(booking: Booking, plan: Plan) -> tuple[PlannedStep, ...]:
    """The calls of the operation that goes on from giving up: the card is not left held (P10.3)."""
    hold = booking.payment.authorized_cents
    return (PlannedStep(call=Call.VOID, amount=hold),) if plan.ending.successor and hold else ()


def _what_waits(booking: Booking) -> tuple[str, ...]:
    return (WAITS_BEHIND,) if booking.payment.operations.waiting().exists() else ()


def _told(operation: Operation) -> Done:
    payment = operation.payment
    if operation.state == Operation.State.OPEN:
        return Done(
            sentence="Stripe has not answered yet. It is asked again until it does; the timeline will tell.",
            level=messages.WARNING,
        )
    if payment.status == PaymentStatus.MANUAL_REVIEW:
        return Done(
            sentence=f"Stripe refused again. {payment.review_error} The payment waits for staff as before.",
            level=messages.ERROR,
        )
    return Done(sentence=f"It went through. The payment is {in_short(payment.status)}.")
