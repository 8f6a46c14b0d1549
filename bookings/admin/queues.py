"""What waits for staff about bookings."""

from datetime import datetime
from urllib.parse import urlencode

from django.urls import reverse

from bookings.models import Booking
from instainstru.admin.queues import SHOWN, Backlog, WorkItem, WorkQueue
from payments.policy.states import BookingStatus, PaymentStatus


def _unpaid_soon(now: datetime) -> Backlog:
    """Confirmed lessons that the clockwork cancels unless the student's card works by then (P10.1)."""
    unpaid = Booking.objects.filter(
        status=BookingStatus.CONFIRMED,
        payment__status=PaymentStatus.PAYMENT_METHOD_REQUIRED,
        payment__expire_at__isnull=False,
    )
    count = unpaid.count()
    if not count:
        return Backlog(count=0)
    items = tuple(
        WorkItem(
            label=booking.ref,
            detail=f"{booking.student.name}, {booking.student.email}",
            since=booking.payment.refused_at,
            deadline=booking.payment.expire_at,
            url=reverse("admin:bookings_booking_change", args=[booking.pk]),
        )
        for booking in unpaid.select_related("student", "payment").order_by("payment__expire_at", "id")[:SHOWN]
    )
    return Backlog(count=count, next_deadline=items[0].deadline, items=items)


def _list() -> str:
    wanted = {
        "status__exact": BookingStatus.CONFIRMED,
        "payment__status__exact": PaymentStatus.PAYMENT_METHOD_REQUIRED,
    }
    return f"{reverse('admin:bookings_booking_changelist')}?{urlencode(wanted)}"


QUEUES = (
    WorkQueue(
        name="lessons-unpaid",
        title="Lessons whose card is refused, cancelled unless the student pays",
        backlog=_unpaid_soon,
        url=_list,
        permission="bookings.view_booking",
    ),
)
