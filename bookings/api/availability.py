"""An instructor's own hours: the week, the dates that differ, and time off."""

from datetime import date
from itertools import groupby
from operator import attrgetter
from typing import Any

from django.http import Http404
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.status import HTTP_201_CREATED, HTTP_204_NO_CONTENT

from bookings.api.own import OwnView, own_profile
from bookings.models import Instructor, TimeOff
from bookings.operations import availability
from bookings.serializers.availability import (
    DateExceptionSerializer,
    ExceptionHoursSerializer,
    TimeOffSerializer,
    WeeklyHoursSerializer,
)
from instainstru import clock
from instainstru.api import idempotency


@extend_schema(tags=["instructor's own"])
class WeeklyHours(OwnView):
    """The hours that return every week, on the clock of the instructor's time zone."""

    @extend_schema(responses=WeeklyHoursSerializer)
    def get(self, request: Request) -> Response:
        return Response(WeeklyHoursSerializer(_week_of(own_profile(request))).data)

    @extend_schema(request=WeeklyHoursSerializer, responses=WeeklyHoursSerializer)
    def put(self, request: Request) -> Response:
        """Replace the whole week. Lessons that are booked already stand."""
        instructor = own_profile(request)
        body = WeeklyHoursSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        availability.keep_weekly_hours(instructor_id=instructor.id, **body.validated_data)
        return Response(WeeklyHoursSerializer(_week_of(instructor)).data)


@extend_schema(tags=["instructor's own"])
class DateExceptions(OwnView):
    """The dates from today on that do not follow the week."""

    @extend_schema(responses=DateExceptionSerializer(many=True))
    def get(self, request: Request) -> Response:
        instructor = own_profile(request)
        today = clock.now().astimezone(instructor.zone).date()
        return Response(DateExceptionSerializer(_exceptions_of(instructor, date__gte=today), many=True).data)


@extend_schema(tags=["instructor's own"])
class DateExceptionDetail(OwnView):
    """One local date that does not follow the week."""

    @extend_schema(request=ExceptionHoursSerializer, responses=DateExceptionSerializer)
    def put(self, request: Request, day: date) -> Response:
        """Replace the hours of that date; none close it. Lessons that are booked already stand."""
        instructor = own_profile(request)
        body = ExceptionHoursSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        availability.except_date(instructor_id=instructor.id, day=day, **body.validated_data)
        return Response(DateExceptionSerializer(_exceptions_of(instructor, date=day)[0]).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, day: date) -> Response:
        """Let the date follow the week again."""
        if not availability.follow_the_week_again(instructor_id=own_profile(request).id, day=day):
            raise Http404
        return Response(status=HTTP_204_NO_CONTENT)


@extend_schema(tags=["instructor's own"])
class TimesOff(OwnView):
    """Time off that has not ended yet."""

    @extend_schema(responses=TimeOffSerializer(many=True))
    def get(self, request: Request) -> Response:
        times_off = own_profile(request).times_off.filter(ends_at__gt=clock.now()).order_by("starts_at", "id")
        return Response(TimeOffSerializer(times_off, many=True).data)

    @extend_schema(request=TimeOffSerializer, responses={201: TimeOffSerializer})
    def post(self, request: Request) -> Response:
        """Take time off. Lessons that are booked already stand."""
        instructor = own_profile(request)
        key = idempotency.claim(request)
        if key and (subject := key.replayed_subject()):
            time_off = get_object_or_404(instructor.times_off, id=subject.removeprefix("time_off:"))
        else:
            body = TimeOffSerializer(data=request.data)
            body.is_valid(raise_exception=True)
            time_off = availability.take_time_off(
                instructor_id=instructor.id, idempotency_key=key, **body.validated_data
            )
        return Response(TimeOffSerializer(time_off).data, status=HTTP_201_CREATED)


@extend_schema(tags=["instructor's own"])
class TimeOffDetail(OwnView):
    """One stretch of the instructor's own time off."""

    @extend_schema(request=TimeOffSerializer, responses=TimeOffSerializer)
    def patch(self, request: Request, number: int) -> Response:
        time_off = self._own_time_off(request, number)
        body = TimeOffSerializer(time_off, data=request.data, partial=True)
        body.is_valid(raise_exception=True)
        availability.change_time_off(time_off_id=time_off.id, **body.validated_data)
        time_off.refresh_from_db()
        return Response(TimeOffSerializer(time_off).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, number: int) -> Response:
        """Be open again, as the hours say."""
        availability.return_from_time_off(time_off_id=self._own_time_off(request, number).id)
        return Response(status=HTTP_204_NO_CONTENT)

    def _own_time_off(self, request: Request, number: int) -> TimeOff:
        return get_object_or_404(TimeOff, instructor__user=request.user, id=number)


def _week_of(instructor: Instructor) -> dict[str, Any]:
    return {"hours": instructor.weekly_hours.order_by("weekday", "opens")}


def _exceptions_of(instructor: Instructor, **lookup: date) -> list[dict[str, Any]]:
    """The instructor's exceptions, one for each date, closed dates with no hours."""
    rows = instructor.date_exceptions.filter(**lookup).order_by("date", "opens")
    return [
        {"date": day, "hours": [row for row in of_the_day if row.opens is not None]}
        for day, of_the_day in groupby(rows, key=attrgetter("date"))
    ]
