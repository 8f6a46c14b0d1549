"""A booking as the subject of its payment: how it is locked, and what an operation's begin and end change on it."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import BigIntegerField

from bookings.models import Booking
from bookings.operations import notices
from bookings.operations.moving import hold_new_time, move, wished_start
from bookings.operations.reminders import next_reminder
from instainstru.prepared import Given, Prepared
from payments.endings import Subject
from payments.models import Operation
from payments.policy.plan import Ending, Plan
from payments.policy.states import Action, BookingStatus, Party


class BookingSubject(Subject):
    """A locked booking and its locked payment."""

    def __init__(self, booking: Booking) -> None:
        self.booking = booking
        self.payment = booking.payment

    @property
    def status(self) -> BookingStatus:
        return BookingStatus(self.booking.status)

    def begin(self, plan: Plan, operation: Operation) -> None:
        """Cancel or complete at once: a cancelled lesson's time is sellable while its money still moves.

        A reschedule holds the new time while money moves and keeps the old one; raises Refused("slot_unavailable").
        """
        self._become(plan.booking_status_at_once, operation, at=operation.accepted_at)
        # A move that a case had halted goes on for its money's sake, though the lesson is cancelled meanwhile (P7.11).
        if operation.kind == Action.RESCHEDULE and self.booking.status != BookingStatus.CANCELLED:
            hold_new_time(self.booking, starts_at=wished_start(operation), now=operation.accepted_at)

    def claim_time(self) -> bool:
        """Take the lesson's time (P5.4); False if an overlapping lesson has it."""
        booking = self.booking
        try:
            with transaction.atomic():
                booking.hold_time(starts_at=booking.starts_at, ends_at=booking.ends_at)
        except IntegrityError:  # one of the two exclusion constraints; nothing else can be violated here
            return False
        return True

    def finish(self, ending: Ending, operation: Operation, *, now: datetime) -> None:
        self._become(ending.booking_status, operation, at=now)
        is_decided = ending.successor != Action.RESCHEDULE  # else the new time stays held for what goes on with it
        if operation.kind == Action.RESCHEDULE and is_decided and self.booking.status != BookingStatus.CANCELLED:
            if ending.moves:
                move(self.booking, operation, now=now)
            self.booking.free_time(but=self.booking.starts_at)

    def warn(self, *, now: datetime) -> None:
        notices.queue_final_warning(self.booking, now=now)

    def tell(self, ending: Ending, operation: Operation, *, now: datetime) -> None:
        notices.queue_for(self.booking, operation, ending, now=now)

    def _become(self, status: BookingStatus | None, operation: Operation, *, at: datetime) -> None:
        booking = self.booking
        if status is None or status == booking.status:
            return
        if status == BookingStatus.COMPLETED and booking.status == BookingStatus.CANCELLED:
            return  # settled after all, for a cancellation that waits for it (P7.11, P8.7)
        booking.status = status
        match status:
            case BookingStatus.CONFIRMED:
                booking.confirmed_at = at
                booking.remind_at = next_reminder(booking.starts_at, now=at)
            case BookingStatus.COMPLETED:
                booking.completed_at = at
            case BookingStatus.CANCELLED:
                booking.cancelled_at = at
                booking.cancelled_by = _CANCELLED_BY.get(operation.kind, Party.SYSTEM)
                if booking.cancelled_by in (Party.STUDENT, Party.INSTRUCTOR):
                    # Both sides read this. What staff write down is for staff, and stays with the operation.
                    booking.cancellation_reason = operation.inputs.get("reason", "")
                booking.free_time()
                booking.remind_at = None
        booking.save_changes()


_CANCELLED_BY: dict[str, Party] = {
    Action.STUDENT_CANCEL: Party.STUDENT,
    Action.INSTRUCTOR_CANCEL: Party.INSTRUCTOR,
    Action.STAFF_CANCEL: Party.STAFF,
}


def lock_booking_and_both_sides(payment_id: int) -> BookingSubject:
    """Lock instructor, then student, then the booking and its payment: an operation that takes time needs both sides.

    The order is the checkout's (design 2). A transaction is open.
    """
    # Without their keys: who holds this very booking writes operations and messages that refer to them, and would wait
    # for us while we wait for the booking.
    sides = Booking.objects.select_for_update(of=("instructor", "student"), no_key=True)  # locked in this order
    sides.select_related("instructor", "student").only("instructor__id", "student__id").get(payment_id=payment_id)
    return lock_booking(payment_id)


def lock_booking(payment_id: int) -> BookingSubject:
    """Lock a booking, then its payment; the order is the same everywhere (design 4). A transaction is open."""
    booking = _LOCKED.get(payment=payment_id)
    booking.payment.remember()
    return BookingSubject(booking.remember())


_LOCKED = Prepared(
    lambda: (
        Booking.objects.select_for_update(of=("self", "payment"))  # PostgreSQL locks a row of each in this order
        .select_related("student", "instructor__user", "payment__payer", "payment__payee")
        .filter(payment=Given("payment", BigIntegerField()))
    )
)
