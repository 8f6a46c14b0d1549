"""Cancelling a lesson: the plan is shown first, and exactly that plan is carried out."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from bookings import operations
from bookings.models import Booking
from bookings.web.own import fresh_plan, own_booking, refused_on_booking
from instainstru import clock
from instainstru.accounts.access import either_side, may_move_money
from instainstru.accounts.requests import SignedInRequest
from instainstru.refusals import RefusalCode, Refused
from payments.policy.consequences import consequences_of
from payments.policy.plan import Plan
from payments.policy.states import BookingStatus

LONGEST_REASON = 2_000


@either_side
@may_move_money
@require_http_methods(["GET", "HEAD", "POST"])
def cancel(request: SignedInRequest, ref: str) -> HttpResponse:
    """Show what cancelling would do to the one who asks; a POST with that preview's digest cancels."""
    booking = own_booking(request.user, ref)
    try:
        if request.method == "POST":
            return _cancelled(request, booking)
        if booking.status == BookingStatus.CANCELLED:
            return redirect("booking", ref=ref)
        plan = operations.preview_cancellation(booking=booking, actor=request.user, now=clock.now())
    except Refused as refusal:
        if refusal.code == RefusalCode.PREVIEW_STALE:
            return _ask(request, booking, fresh_plan(refusal), refusal=refusal)
        return refused_on_booking(request, refusal, booking)
    return _ask(request, booking, plan)


def _cancelled(request: SignedInRequest, booking: Booking) -> HttpResponse:
    """Asking twice is asking once (P7.10): a second click or a reload ends on the same page."""
    operation = operations.cancel_booking(
        booking=booking,
        actor=request.user,
        reason=request.POST.get("reason", "").strip()[:LONGEST_REASON],
        preview=request.POST.get("preview", ""),
        now=clock.now(),
    )
    if operation.is_done:
        messages.success(request, "The lesson is cancelled.")
    else:
        messages.info(request, "The lesson is cancelled. Its money is still on its way.")
    return redirect("booking", ref=booking.ref)


def _ask(request: SignedInRequest, booking: Booking, plan: Plan, *, refusal: Refused | None = None) -> HttpResponse:
    both = consequences_of(plan)
    context = {
        "booking": booking,
        "plan": plan,
        "sentence": plan.to_instructor if request.user.is_instructor else plan.to_student,
        "consequences": both.instructor if request.user.is_instructor else both.student,
        "refusal": refusal,
        "reason": request.POST.get("reason", ""),
    }
    return render(request, "bookings/cancel.html", context, status=409 if refusal else 200)
