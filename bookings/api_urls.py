"""Paths of the calendar's API, below `/api/v1/`."""

from datetime import date

from django.urls import path, register_converter

from bookings.api import availability, instructors, profile


class DateConverter:
    """A date in a path, such as `2026-03-08`."""

    regex = r"\d{4}-\d{2}-\d{2}"

    def to_python(self, value: str) -> date:
        return date.fromisoformat(value)  # ValueError, as for 2026-02-30, means that nothing is there

    def to_url(self, value: date) -> str:
        return value.isoformat()


register_converter(DateConverter, "date")

urlpatterns = [
    path("instructors", instructors.Instructors.as_view(), name="instructors"),
    path("instructors/<str:ref>", instructors.InstructorDetail.as_view(), name="instructor"),
    path("instructors/<str:ref>/slots", instructors.Slots.as_view(), name="instructor-slots"),
    path("instructor/profile", profile.Profile.as_view(), name="own-profile"),
    path("instructor/services", profile.Services.as_view(), name="own-services"),
    path("instructor/services/<str:ref>", profile.ServiceDetail.as_view(), name="own-service"),
    path("instructor/weekly-hours", availability.WeeklyHours.as_view(), name="own-weekly-hours"),
    path("instructor/exceptions", availability.DateExceptions.as_view(), name="own-exceptions"),
    path("instructor/exceptions/<date:day>", availability.DateExceptionDetail.as_view(), name="own-exception"),
    path("instructor/time-off", availability.TimesOff.as_view(), name="own-times-off"),
    path("instructor/time-off/<int:number>", availability.TimeOffDetail.as_view(), name="own-time-off"),
]
