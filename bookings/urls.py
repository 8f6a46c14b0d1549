"""Pages of students and instructors."""

from django.urls import path

from bookings.web import bookings, browse, cancelling, checkout, home, hours, moving, paying, teaching

urlpatterns = [
    path("", home.home, name="home"),
    path("instructors", browse.instructors, name="instructors-page"),
    path("instructors/<slug:ref>", browse.instructor, name="instructor-page"),
    path("checkout", checkout.checkout, name="checkout"),
    path("bookings", bookings.bookings, name="bookings"),
    path("bookings/<slug:ref>", bookings.booking, name="booking"),
    path("bookings/<slug:ref>/pay", paying.pay, name="booking-pay"),
    path("bookings/<slug:ref>/paid", paying.paid, name="booking-paid"),
    path("bookings/<slug:ref>/cancel", cancelling.cancel, name="booking-cancel"),
    path("bookings/<slug:ref>/move", moving.move, name="booking-move"),
    path("bookings/<slug:ref>/complete", bookings.complete, name="booking-complete"),
    path("teaching", teaching.teaching, name="teaching"),
    path("teaching/profile", teaching.profile, name="teaching-profile"),
    path("teaching/services/new", teaching.new_service, name="service-new"),
    path("teaching/services/<slug:ref>", teaching.service, name="service"),
    path("teaching/services/<slug:ref>/retire", teaching.retire_service, name="service-retire"),
    path("teaching/services/<slug:ref>/restore", teaching.restore_service, name="service-restore"),
    path("teaching/hours", hours.weekly_hours, name="weekly-hours"),
    path("teaching/dates", hours.dates, name="teaching-dates"),
    path("teaching/dates/except", hours.except_date, name="date-except"),
    path("teaching/dates/follow", hours.follow_week, name="date-follow-week"),
    path("teaching/time-off", hours.take_time_off, name="time-off-take"),
    path("teaching/time-off/<int:time_off_id>/return", hours.return_from_time_off, name="time-off-return"),
]
