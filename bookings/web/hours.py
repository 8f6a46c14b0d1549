"""An instructor's hours: the week, dates that differ, and time off."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, time
from itertools import groupby
from operator import attrgetter

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from bookings.models import DateException, Instructor, TimeOff
from bookings.operations import availability as operations
from bookings.web.forms.hours import DayOnlyForm, ExceptionForm, TimeOffForm, WeekForm
from bookings.web.teaching import own_instructor
from instainstru import clock
from instainstru.accounts.access import instructors_only
from instainstru.accounts.requests import SignedInRequest

MINUTES_OF_AN_HOUR = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class ExceptedDate:
    """A date that does not follow the week. Without hours it is closed."""

    day: date
    hours: list[tuple[time, time]]  # as the wall's clock shows them


@instructors_only
@require_http_methods(["GET", "HEAD", "POST"])
def weekly_hours(request: SignedInRequest) -> HttpResponse:
    """Write the hours that return every week. Lessons that are booked already stand."""
    instructor = own_instructor(request)
    form = WeekForm(instructor.weekly_hours.order_by("weekday", "opens"), data=request.POST or None)
    if form.is_valid():
        operations.keep_weekly_hours(instructor_id=instructor.pk, hours=form.week)
        messages.success(request, "Your week is saved. Lessons that are booked already stand.")
        return redirect("weekly-hours")
    context = {"instructor": instructor, "form": form}
    return render(request, "bookings/weekly_hours.html", context, status=422 if form.is_bound else 200)


@instructors_only
@require_safe
def dates(request: SignedInRequest) -> HttpResponse:
    """Show the dates that differ from the week, and the time off, with a form for each."""
    return _show_dates(request, own_instructor(request))


@instructors_only
@require_POST
def except_date(request: SignedInRequest) -> HttpResponse:
    """Close a date, or give it hours of its own."""
    instructor = own_instructor(request)
    form = ExceptionForm(request.POST, today=_today(instructor), prefix="exception")
    if not form.is_valid():
        return _show_dates(request, instructor, exception_form=form)
    operations.except_date(instructor_id=instructor.pk, day=form.cleaned_data["day"], hours=form.hours)
    messages.success(request, "Saved. Lessons that are booked already stand.")
    return redirect("teaching-dates")


@instructors_only
@require_POST
def follow_week(request: SignedInRequest) -> HttpResponse:
    """Let a date follow the week again; one that does already stays as it is."""
    instructor = own_instructor(request)
    form = DayOnlyForm(request.POST)
    if not form.is_valid():
        raise Http404
    operations.follow_the_week_again(instructor_id=instructor.pk, day=form.cleaned_data["day"])
    messages.success(request, "That day follows your week again.")
    return redirect("teaching-dates")


@instructors_only
@require_POST
def take_time_off(request: SignedInRequest) -> HttpResponse:
    instructor = own_instructor(request)
    form = TimeOffForm(request.POST, zone=instructor.zone, prefix="off")
    if not form.is_valid():
        return _show_dates(request, instructor, time_off_form=form)
    written = form.cleaned_data
    operations.take_time_off(
        instructor_id=instructor.pk, starts_at=written["starts"], ends_at=written["ends"], reason=written["reason"]
    )
    messages.success(request, "Your time off is saved. Lessons that are booked already stand.")
    return redirect("teaching-dates")


@instructors_only
@require_POST
def return_from_time_off(request: SignedInRequest, time_off_id: int) -> HttpResponse:
    own = get_object_or_404(TimeOff, pk=time_off_id, instructor__user=request.user)
    operations.return_from_time_off(time_off_id=own.pk)
    messages.success(request, "Your calendar is open again for that time.")
    return redirect("teaching-dates")


def _show_dates(
    request: SignedInRequest,
    instructor: Instructor,
    *,
    exception_form: ExceptionForm | None = None,
    time_off_form: TimeOffForm | None = None,
) -> HttpResponse:
    today = _today(instructor)
    exceptions = instructor.date_exceptions.filter(date__gte=today).order_by("date", "opens")
    context = {
        "instructor": instructor,
        "exceptions": list(_by_date(exceptions)),
        "times_off": instructor.times_off.filter(ends_at__gt=clock.now()).order_by("starts_at", "id"),
        "exception_form": exception_form or ExceptionForm(today=today, prefix="exception"),
        "time_off_form": time_off_form or TimeOffForm(zone=instructor.zone, prefix="off"),
    }
    return render(request, "bookings/dates.html", context, status=422 if exception_form or time_off_form else 200)


def _by_date(exceptions: Iterable[DateException]) -> Iterable[ExceptedDate]:
    for day, rows in groupby(exceptions, key=attrgetter("date")):
        stretches = [(row.opens, row.closes) for row in rows if row.opens is not None and row.closes is not None]
        yield ExceptedDate(day=day, hours=[(_reading(opens), _reading(closes)) for opens, closes in stretches])


def _reading(minute: int) -> time:
    return time(minute // MINUTES_OF_AN_HOUR % 24, minute % MINUTES_OF_AN_HOUR)  # 24:00 is midnight


def _today(instructor: Instructor) -> date:
    return clock.now().astimezone(instructor.zone).date()
