"""Paths of the calendar's and the bookings' API, below `/api/v1/`."""

from datetime import date

from django.urls import path, register_converter

from bookings.api import actions, availability, bookings, instructors, operations, profile, quotes, staff
from instainstru.limits import is_in_reach


class DateConverter:
    """A date in a path, such as `2026-03-08`."""

    regex = r"\d{4}-\d{2}-\d{2}"

    def to_python(self, value: str) -> date:
        day = date.fromisoformat(value)
        if not is_in_reach(day):
            raise ValueError(value)  # as for 2026-02-30: nothing is there
        return day

    def to_url(self, value: date) -> str:
        return value.isoformat()


register_converter(DateConverter, "date")

urlpatterns = [
    path("instructors", instructors.Instructors.as_view(), name="instructors"),
    path("instructors/<slug:ref>", instructors.InstructorDetail.as_view(), name="instructor"),
    path("instructors/<slug:ref>/slots", instructors.Slots.as_view(), name="instructor-slots"),
    path("instructor/profile", profile.Profile.as_view(), name="own-profile"),
    path("instructor/services", profile.Services.as_view(), name="own-services"),
    path("instructor/services/<slug:ref>", profile.ServiceDetail.as_view(), name="own-service"),
    path("instructor/weekly-hours", availability.WeeklyHours.as_view(), name="own-weekly-hours"),
    path("instructor/exceptions", availability.DateExceptions.as_view(), name="own-exceptions"),
    path("instructor/exceptions/<date:day>", availability.DateExceptionDetail.as_view(), name="own-exception"),
    path("instructor/time-off", availability.TimesOff.as_view(), name="own-times-off"),
    path("instructor/time-off/<int:number>", availability.TimeOffDetail.as_view(), name="own-time-off"),
    path("quotes", quotes.Quotes.as_view(), name="quotes"),
    path("bookings", bookings.Bookings.as_view(), name="bookings"),
    path("bookings/<slug:ref>", bookings.BookingDetail.as_view(), name="booking"),
    path("bookings/<slug:ref>/cancel", actions.CancelBooking.as_view(), name="booking-cancel"),
    path("bookings/<slug:ref>/cancel/preview", actions.PreviewCancellation.as_view(), name="booking-cancel-preview"),
    path("bookings/<slug:ref>/reschedule", actions.RescheduleBooking.as_view(), name="booking-reschedule"),
    path(
        "bookings/<slug:ref>/reschedule/preview", actions.PreviewReschedule.as_view(), name="booking-reschedule-preview"
    ),
    path("bookings/<slug:ref>/pay", actions.PayBooking.as_view(), name="booking-pay"),
    path("bookings/<slug:ref>/confirm-payment", actions.ConfirmPayment.as_view(), name="booking-confirm-payment"),
    path("bookings/<slug:ref>/complete", actions.CompleteBooking.as_view(), name="booking-complete"),
    path("bookings/<slug:ref>/refund", staff.RefundBooking.as_view(), name="booking-refund"),
    path("bookings/<slug:ref>/refund/preview", staff.PreviewRefund.as_view(), name="booking-refund-preview"),
    path("bookings/<slug:ref>/staff-cancel", staff.CancelByStaff.as_view(), name="booking-staff-cancel"),
    path(
        "bookings/<slug:ref>/staff-cancel/preview",
        staff.PreviewStaffCancellation.as_view(),
        name="booking-staff-cancel-preview",
    ),
    path("operations/<slug:reference>", operations.OperationDetail.as_view(), name="operation"),
]
