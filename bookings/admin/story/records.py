"""Everything that was ever written down about one booking, read in a fixed number of statements."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Prefetch, QuerySet

from bookings.admin.story.cases import Cases, cases_of
from bookings.models import Booking, BookingMove, OccupiedTime
from credits.models import CreditMovement
from instainstru.models import StaffAction
from instainstru.notifications.models import Message
from payments.models import AccountLock, JournalEntry, Operation, Posting, Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """One booking with its records, each kind in its own order. Nothing here asks the database again."""

    booking: Booking
    operations: list[Operation]
    entries: list[JournalEntry]
    credit_movements: list[CreditMovement]
    moves: list[BookingMove]
    messages: list[Message]
    staff_actions: list[StaffAction]
    account_locks: list[AccountLock]
    occupied_times: list[OccupiedTime]
    cases: Cases


def with_everybody(bookings: QuerySet[Booking]) -> QuerySet[Booking]:
    """Return bookings with their sides and payments, as `records_of` wants them."""
    return bookings.select_related(
        "student", "instructor__user", "service", "payment__payer__user", "payment__payee__user"
    )


def records_of(booking: Booking) -> Records:
    """Return everything about a booking that `with_everybody` has loaded, in a fixed number of statements."""
    steps = Prefetch("steps", queryset=Step.objects.order_by("ordinal", "attempt"))
    operations = list(booking.payment.operations.select_related("actor").prefetch_related(steps).order_by("number"))
    postings = Prefetch("postings", queryset=Posting.objects.select_related("owner").order_by("id"))
    causes = [booking.ref, *(f"operation:{operation.pk}" for operation in operations)]
    return Records(
        booking=booking,
        operations=operations,
        entries=list(
            booking.payment.entries.select_related("actor").prefetch_related(postings).order_by("occurred_at", "id")
        ),
        credit_movements=list(
            CreditMovement.objects.filter(reference__in=causes).select_related("lot").order_by("moved_at", "id")
        ),
        moves=list(booking.moves.order_by("moved_at", "id")),
        messages=list(
            Message.objects.filter(reference=booking.ref).select_related("recipient").order_by("queued_at", "id")
        ),
        staff_actions=list(
            StaffAction.objects.filter(subject=booking.ref).select_related("actor").order_by("done_at", "id")
        ),
        account_locks=list(
            booking.payment.payer.account_locks.filter(reference=booking.ref).order_by("locked_at", "id")
        ),
        occupied_times=list(booking.occupied_times.order_by("student_during")),
        cases=cases_of(booking),
    )
