"""An instructor's own side: the profile, the services, and what is still missing before anybody can book."""

from dataclasses import dataclass
from typing import Self

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from bookings.models import Instructor, Service
from bookings.operations import profile as operations
from bookings.web.forms.teaching import ProfileForm, ServiceForm
from instainstru.accounts.access import instructors_only
from instainstru.accounts.models import User
from instainstru.accounts.requests import SignedInRequest
from instainstru.money import dollars
from instainstru.refusals import Refused
from payments.models import Payee


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """What an instructor needs before students can book, and which of it is done."""

    has_profile: bool
    has_services: bool
    has_hours: bool
    can_be_paid: bool
    is_listed: bool

    @classmethod
    def of(cls, user: User, instructor: Instructor | None) -> Self:
        return cls(
            has_profile=bool(instructor and instructor.headline),
            has_services=bool(instructor and instructor.services.active().exists()),
            has_hours=bool(instructor and instructor.weekly_hours.exists()),
            can_be_paid=Payee.objects.filter(user=user, is_payable=True).exists(),
            is_listed=bool(instructor and instructor.is_listed),
        )

    @property
    def is_complete(self) -> bool:
        return all((self.has_profile, self.has_services, self.has_hours, self.can_be_paid, self.is_listed))


@instructors_only
@require_safe
def teaching(request: SignedInRequest) -> HttpResponse:
    """Show an instructor's offer and what is still missing."""
    instructor = Instructor.objects.filter(user=request.user).first()
    services = list(instructor.services.order_by("-is_active", "title", "id")) if instructor else []
    context = {
        "instructor": instructor,
        "services": services,
        "readiness": Readiness.of(request.user, instructor),
    }
    return render(request, "bookings/teaching.html", context)


@instructors_only
@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: SignedInRequest) -> HttpResponse:
    """Change the profile; the first change opens it."""
    # A copy of one's own: the form writes into its instance before it is valid.
    instructor = Instructor.objects.filter(user=request.user).first() or Instructor(
        user=request.user, time_zone=request.user.time_zone
    )
    form = ProfileForm(request.POST or None, instance=instructor)
    if form.is_valid():
        operations.change_profile(user=request.user, changes=form.changes)
        messages.success(request, "Saved.")
        return redirect("teaching")
    return render(request, "bookings/profile.html", {"form": form}, status=_status(form))


@instructors_only
@require_http_methods(["GET", "HEAD", "POST"])
def new_service(request: SignedInRequest) -> HttpResponse:
    """Put a service on offer; its price has to keep the floor (P1.4)."""
    instructor = own_instructor(request)
    form = ServiceForm(request.POST or None)
    if form.is_valid():
        try:
            service = operations.offer_service(instructor_id=instructor.pk, **form.cleaned_data)
        except Refused as refusal:
            _blame_price(form, refusal)
        else:
            messages.success(request, f"“{service.title}” is on offer.")
            return redirect("teaching")
    return render(request, "bookings/service.html", {"form": form}, status=_status(form))


@instructors_only
@require_http_methods(["GET", "HEAD", "POST"])
def service(request: SignedInRequest, ref: str) -> HttpResponse:
    """Change a service; bookings made before keep their terms (P1.2)."""
    changed = _own_service(request, ref)
    form = ServiceForm(request.POST or None, service=changed)
    if form.is_valid():
        try:
            operations.change_service(service_id=changed.pk, changes=form.cleaned_data)
        except Refused as refusal:
            _blame_price(form, refusal)
        else:
            messages.success(request, "Saved.")
            return redirect("teaching")
    return render(request, "bookings/service.html", {"form": form, "service": changed}, status=_status(form))


@instructors_only
@require_POST
def retire_service(request: SignedInRequest, ref: str) -> HttpResponse:
    """Take a service off the offer; lessons that are booked stand."""
    retired = _own_service(request, ref)
    operations.retire_service(service_id=retired.pk)
    messages.success(request, f"“{retired.title}” is no longer on offer. Lessons that are booked stand.")
    return redirect("teaching")


@instructors_only
@require_POST
def restore_service(request: SignedInRequest, ref: str) -> HttpResponse:
    """Put a retired service on offer again."""
    restored = _own_service(request, ref)
    operations.change_service(service_id=restored.pk, changes={"is_active": True})
    messages.success(request, f"“{restored.title}” is on offer again.")
    return redirect("teaching")


def own_instructor(request: SignedInRequest) -> Instructor:
    """Return the instructor who asks; Http404 until the profile is opened, and no page leads here before."""
    return get_object_or_404(Instructor, user=request.user)


def _own_service(request: SignedInRequest, ref: str) -> Service:
    return get_object_or_404(Service, instructor__user=request.user, ref=ref)


def _blame_price(form: ServiceForm, refusal: Refused) -> None:
    floor = dollars(refusal.context["floor_cents"])  # type: ignore[arg-type]  # cents
    form.add_error("hourly_price_cents", f"{refusal.message} It is {floor} for an hour.")


def _status(form: ProfileForm | ServiceForm) -> int:
    return 422 if form.errors else 200
