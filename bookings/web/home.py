"""The first page: what the product is, or what a user has to know today."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from bookings import queries
from bookings.models import Booking, Instructor
from bookings.web.forms.searching import SearchForm
from bookings.web.standing import Standing, standing_of
from bookings.web.teaching import Readiness
from credits.queries import balance_of
from instainstru import clock
from instainstru.accounts.models import User
from payments.policy.states import BookingStatus, Party

FEATURED = 3  # instructors
NEXT = 5  # lessons
A_DAY_FULL = 40


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Show a visitor the product, a student and an instructor their day; staff have their own home."""
    user = request.user
    if not user.is_authenticated or user.is_staff:
        featured = queries.instructors_listed().order_by("-joined_at", "-id")[:FEATURED]
        return render(request, "home.html", {"form": SearchForm(), "featured": featured})
    now = clock.now()
    if user.is_instructor:
        return render(request, "bookings/home_instructor.html", _day_of_instructor(user, now=now))
    return render(request, "bookings/home_student.html", _day_of_student(user, now=now))


def _day_of_student(user: User, *, now: datetime) -> dict[str, Any]:
    return {
        "now": now,
        "form": SearchForm(),
        "credits": balance_of(student_id=user.pk, at=now).available,
        "wanting": _first(queries.lessons_wanting_attention(user, now=now), side=Party.STUDENT, now=now),
        "ahead": _first(
            queries.lessons_ahead(user, now=now).filter(status=BookingStatus.CONFIRMED),
            side=Party.STUDENT,
            now=now,
        ),
    }


def _day_of_instructor(user: User, *, now: datetime) -> dict[str, Any]:
    midnight = now.astimezone(user.zone).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    instructor = Instructor.objects.filter(user=user).first()
    ahead = queries.lessons_ahead(user, now=now)
    wanting = queries.lessons_wanting_attention(user, now=now)
    return {
        "instructor": instructor,
        "readiness": Readiness.of(user, instructor),
        "wanting": _first(wanting, side=Party.INSTRUCTOR, now=now),
        "today": _first(ahead.filter(starts_at__lt=midnight), side=Party.INSTRUCTOR, now=now, most=A_DAY_FULL),
        "later": _first(ahead.filter(starts_at__gte=midnight), side=Party.INSTRUCTOR, now=now),
    }


def _first(
    lessons: QuerySet[Booking], *, side: Party, now: datetime, most: int = NEXT
) -> list[tuple[Booking, Standing]]:
    """Return the lessons that come first, each with how it stands."""
    first = lessons.order_by("starts_at", "id")[:most]
    return [(booking, standing_of(booking, side=side, now=now)) for booking in first]
