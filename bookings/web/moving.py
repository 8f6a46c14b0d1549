"""Moving a lesson to another time: choose one, see what that does, agree (policy section 6)."""

from datetime import datetime
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from bookings import operations
from bookings.models import Booking
from bookings.web.own import fresh_plan, own_booking, refused, refused_on_booking
from bookings.web.weeks import week_of_slots
from instainstru import clock
from instainstru.accounts.access import may_move_money, students_only
from instainstru.accounts.requests import SignedInRequest
from instainstru.limits import read_instant
from instainstru.refusals import RefusalCode, Refused
from payments.policy.consequences import consequences_of
from payments.policy.plan import Plan

CARD_CODES = frozenset({RefusalCode.CARD_DECLINED, RefusalCode.AUTHENTICATION_REQUIRED})


@students_only
@may_move_money
@require_http_methods(["GET", "HEAD", "POST"])
def move(request: SignedInRequest, ref: str) -> HttpResponse:
    """Show the instructor's free times; `?to=` one of them shows what moving there does, and a POST moves."""
    booking = own_booking(request.user, ref)
    now = clock.now()
    new_start = read_instant(request.GET.get("to", ""))
    try:
        if new_start is None:
            # Whether the lesson can be moved at all is told before a time is chosen.
            operations.preview_reschedule(booking=booking, new_starts_at=booking.starts_at, now=now)
            return _choose(request, booking, now=now)
        if request.method == "POST":
            return _moved(request, booking, new_start, now=now)
        plan = operations.preview_reschedule(booking=booking, new_starts_at=new_start, now=now)
    except Refused as refusal:
        return _refused(request, refusal, booking, new_start)
    return _ask(request, booking, new_start, plan)


def _choose(request: SignedInRequest, booking: Booking, *, now: datetime) -> HttpResponse:
    week = week_of_slots(
        booking.instructor,
        minutes=booking.minutes,
        zone=request.user.zone,
        wanted=request.GET.get("week", ""),
        now=now,
        apart_from=booking,
    )
    context = {
        "booking": booking,
        "week": week,
        "week_base": "?",
        "slot_base": f"{reverse('booking-move', args=[booking.ref])}?to=",
    }
    return render(request, "bookings/move.html", context)


def _moved(request: SignedInRequest, booking: Booking, new_start: datetime, *, now: datetime) -> HttpResponse:
    if booking.starts_at == new_start:
        return redirect("booking", ref=booking.ref)  # a second click, or a reload: it has moved
    operation = operations.reschedule_booking(
        booking=booking,
        actor=request.user,
        new_starts_at=new_start,
        preview=request.POST.get("preview", ""),
        now=now,
    )
    if operation.is_done:
        messages.success(request, "The lesson is moved.")
    else:
        messages.info(request, "The lesson is being moved. The new time is kept for you; look again in a moment.")
    return redirect("booking", ref=booking.ref)


def _ask(
    request: SignedInRequest, booking: Booking, new_start: datetime, plan: Plan, *, refusal: Refused | None = None
) -> HttpResponse:
    context = {
        "booking": booking,
        "new_start": new_start,
        "new_end": new_start + (booking.ends_at - booking.starts_at),
        "plan": plan,
        "consequences": consequences_of(plan).student,
        "refusal": refusal,
    }
    return render(request, "bookings/move_confirm.html", context, status=409 if refusal else 200)


def _refused(request: SignedInRequest, refusal: Refused, booking: Booking, new_start: datetime | None) -> HttpResponse:
    if refusal.code == RefusalCode.PREVIEW_STALE and new_start is not None:
        return _ask(request, booking, new_start, fresh_plan(refusal), refusal=refusal)
    here = reverse("booking-move", args=[booking.ref])
    if refusal.code == RefusalCode.SLOT_UNAVAILABLE:
        return refused(request, refusal, back=here, back_label="See other times")
    if refusal.code in CARD_CODES:
        query = urlencode({"next": here})
        return refused(request, refusal, back=f"{reverse('card')}?{query}", back_label="Use another card")
    return refused_on_booking(request, refusal, booking)
