"""Finding an instructor, and a free time in one instructor's week."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from bookings import queries
from bookings.models import Instructor, Service
from bookings.web.forms.searching import SearchForm
from bookings.web.forms.teaching import language_name
from bookings.web.weeks import week_of_slots
from instainstru import clock
from instainstru.paging import cursor_page
from payments.policy.pricing import lesson_price

PAGE_SIZE = 12  # instructors; four rows of cards on a wide screen


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """One service at one of its lengths, as it can be chosen on an instructor's page. Cents."""

    service: Service
    minutes: int
    price: int


@require_safe
def instructors(request: HttpRequest) -> HttpResponse:
    """List the instructors who sell what is looked for."""
    form = SearchForm(request.GET or None)
    found = queries.instructors_listed(**form.wanted)
    page = cursor_page(found, request, by=form.ordering, size=PAGE_SIZE)
    return render(request, "bookings/instructors.html", {"form": form, "page": page, "is_search": bool(form.wanted)})


@require_safe
def instructor(request: HttpRequest, ref: str) -> HttpResponse:
    """Show an instructor, what they teach, and a week of free times for one of their lessons."""
    shown = get_object_or_404(queries.with_their_offer(Instructor.objects.listed()), ref=ref)
    services: list[Service] = shown.services_on_offer  # type: ignore[attr-defined]  # as `with_their_offer` dresses it
    chosen = _chosen(request, services)
    context = {
        "instructor": shown,
        "languages": [language_name(code) for code in shown.languages],
        "offer": [(service, list(_lengths(service))) for service in services],
        "chosen": chosen,
    }
    if chosen:
        context |= _times(request, shown, chosen)
    return render(request, "bookings/instructor.html", context)


def _times(request: HttpRequest, instructor: Instructor, chosen: Lesson) -> dict[str, Any]:
    """Return what `_week.html` shows. Times lead to the checkout, for those who may go there."""
    user, lesson = request.user, urlencode({"service": chosen.service.ref, "minutes": chosen.minutes})
    may_book = not user.is_authenticated or user.is_student
    return {
        "week": week_of_slots(
            instructor,
            minutes=chosen.minutes,
            zone=user.zone if user.is_authenticated else instructor.zone,
            wanted=request.GET.get("week", ""),
            now=clock.now(),
        ),
        "week_base": f"?{lesson}&",
        "slot_base": f"{reverse('checkout')}?{lesson}&at=" if may_book else "",
    }


def _lengths(service: Service) -> Iterable[Lesson]:
    for minutes in sorted(service.durations):
        price = lesson_price(hourly_price=service.hourly_price_cents, minutes=minutes)
        yield Lesson(service=service, minutes=minutes, price=price)


def _chosen(request: HttpRequest, services: list[Service]) -> Lesson | None:
    """Return the lesson that the address names, else the cheapest service for an hour or about as long."""
    if not services:
        return None
    service = next((service for service in services if service.ref == request.GET.get("service")), services[0])
    lengths = list(_lengths(service))
    asked = request.GET.get("minutes")
    usual = min(lengths, key=lambda lesson: (abs(lesson.minutes - 60), lesson.minutes))
    return next((lesson for lesson in lengths if str(lesson.minutes) == asked), usual)
