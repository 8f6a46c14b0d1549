"""Staff cancel a booking that is not settled, with or without refund (P8.7)."""

from datetime import datetime
from typing import ClassVar

from bookings.admin.actions.booking import ByPlan, what_came_of
from bookings.models import Booking
from bookings.operations.subject import BookingSubject
from instainstru.admin.audit import AuditEntry
from instainstru.admin.confirmation import Choices, Done
from instainstru.money import dollars
from payments import operations as payments
from payments.policy.plan import Plan
from payments.policy.states import Call


class StaffCancellation(ByPlan):
    with_refund: ClassVar[bool]

    def plan_for(self, booking: Booking, choices: Choices, *, now: datetime) -> Plan:
        return payments.preview_staff_cancellation(BookingSubject(booking), with_refund=self.with_refund, now=now)

    def verb_of(self, plan: Plan) -> str:
        back = sum(step.amount for step in plan.steps if step.call in (Call.REFUND, Call.VOID))
        return f"{self.label}: {dollars(back)} back" if back and self.with_refund else self.label

    def carry_out(self, row: Booking, choices: Choices, *, entry: AuditEntry, preview: str, now: datetime) -> Done:
        operation = payments.cancel_by_staff(
            payment_id=row.payment_id,
            actor=entry.actor,
            with_refund=self.with_refund,
            reason=entry.reason,
            now=now,
            preview=preview,
            receipt=entry,
        )
        return what_came_of(operation)


class CancelWithRefund(StaffCancellation):
    name = "cancel-with-refund"
    label = "Cancel with refund"
    explanation = "Cancel the booking; everything goes back to the student, and the instructor gets nothing."
    with_refund = True


class CancelWithoutRefund(StaffCancellation):
    name = "cancel-without-refund"
    label = "Cancel without refund"
    explanation = "Cancel the booking; nothing more is charged, what was charged is kept, the instructor gets nothing."
    with_refund = False
