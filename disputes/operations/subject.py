"""A booking that cases are about, locked with its payment, and what its windows are judged by."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from bookings.models import Booking
from bookings.operations.subject import BookingSubject, lock_booking
from disputes.models import Case, LessonDispute, NoShowReport
from disputes.models.resolution import Resolution
from disputes.policy import Earlier, Lesson
from instainstru.accounts.models import User
from payments import freezes
from payments.models import Operation
from payments.operations import cases as money
from payments.policy.states import BookingStatus, DisputeRuling, Party, PaymentStatus

ByStaff = NoShowReport | LessonDispute


def lock(booking: Booking) -> BookingSubject:
    """Lock a booking and its payment (design 4); a transaction is open."""
    return lock_booking(booking.payment_id)


def lesson_of(subject: BookingSubject, disputes: Iterable[LessonDispute] | None = None) -> Lesson:
    """Return what the windows of cases are judged by; `disputes` are all about the booking, if they are known."""
    booking = subject.booking
    if disputes is None:  # what a ruling has left to be made keeps the payment under review, and is else not asked for
        is_under_review = subject.payment.status == PaymentStatus.MANUAL_REVIEW
        disputes = LessonDispute.objects.filter(booking=booking) if is_under_review else ()
    with freezes.lifted(subject.payment):
        return Lesson(
            booking_status=BookingStatus(booking.status),
            payment_status=PaymentStatus(subject.payment.status),
            starts_at=booking.starts_at,
            ends_at=booking.ends_at,
            is_decided=any(dispute.ruling == DisputeRuling.STUDENT_WINS for dispute in disputes),
        )


def earlier_reports(booking: Booking) -> list[Earlier]:
    return [as_earlier(report) for report in NoShowReport.objects.filter(booking=booking)]


def earlier_disputes(booking: Booking) -> list[Earlier]:
    return [as_earlier(dispute) for dispute in LessonDispute.objects.filter(booking=booking)]


def as_earlier(case: NoShowReport | LessonDispute) -> Earlier:
    """Return a case as the policy sees it when another one of its kind is asked for."""
    if isinstance(case, NoShowReport):
        return Earlier(by=Party(case.reported_by), absent=Party(case.absent), is_open=case.is_open)
    return Earlier(by=Party(case.opened_by), is_open=case.is_open)


def open_cases(booking: Booking) -> list[ByStaff]:
    """Return the reports and the dispute that a ruling of another case can end; a chargeback ends by the bank alone."""
    return [
        *NoShowReport.objects.unresolved().filter(booking=booking).order_by("id"),
        *LessonDispute.objects.unresolved().filter(booking=booking),
    ]


def resolve(
    case: Case,
    resolution: Resolution,
    *,
    now: datetime,
    by: User | None = None,
    reason: str = "",
    operation: Operation | None = None,
) -> None:
    """Write down how a case ended (P8.5)."""
    case.resolution, case.resolved_at = resolution, now
    case.resolved_by, case.resolution_reason, case.operation = by, reason, operation
    if isinstance(case, NoShowReport):
        case.confirm_at = None
    case.save()


def supersede(
    subject: BookingSubject, cases: Iterable[NoShowReport | LessonDispute], *, reason: str, now: datetime
) -> None:
    """End other open cases whose matter a ruling has decided; its own freeze holds until it is carried out."""
    for case in cases:
        resolve(case, Resolution.SUPERSEDED, reason=reason, now=now)
        money.end_with(subject, case=case.case, now=now)
