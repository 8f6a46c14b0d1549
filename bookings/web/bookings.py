"""A user's lessons, and one lesson with everything that is to be known of it."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from bookings import operations, queries
from bookings.web.amounts import moved_money_of, price_of
from bookings.web.own import cancellation_outlook, choices_open, own_booking, refused_on_booking
from bookings.web.standing import deadlines_of, standing_of
from bookings.web.timeline import timeline_of
from instainstru import clock
from instainstru.accounts.access import either_side, instructors_only
from instainstru.accounts.requests import SignedInRequest
from instainstru.paging import cursor_page
from instainstru.refusals import Refused
from payments.policy.actions import Choice
from payments.policy.states import Party

LISTS = {  # as the address names them: what is in them, and how they are ordered
    "upcoming": (queries.lessons_ahead, "starts_at"),
    "attention": (queries.lessons_wanting_attention, "starts_at"),
    "past": (queries.lessons_behind, "-starts_at"),
}


@either_side
@require_safe
def bookings(request: SignedInRequest) -> HttpResponse:
    """List a user's lessons: `?show=` upcoming, attention or past."""
    now, side = clock.now(), side_of(request)
    shown = request.GET.get("show", "")
    shown = shown if shown in LISTS else "upcoming"
    lessons, order = LISTS[shown]
    page = cursor_page(lessons(request.user, now=now), request, by=order)
    context = {
        "shown": shown,
        "page": page,
        "rows": [(booking, standing_of(booking, side=side, now=now)) for booking in page.rows],
        "wanting": queries.lessons_wanting_attention(request.user, now=now).count(),
    }
    return render(request, "bookings/bookings.html", context)


@either_side
@require_safe
def booking(request: SignedInRequest, ref: str) -> HttpResponse:
    """Show one lesson to its student or its instructor: its state, its money, what comes next, what can be done."""
    shown = own_booking(request.user, ref)
    now, side = clock.now(), side_of(request)
    choices = choices_open(shown, user=request.user, now=now)
    context = {
        "booking": shown,
        "standing": standing_of(shown, side=side, now=now),
        "price": price_of(shown, side=side),
        "moved": moved_money_of(shown, side=side),
        "deadlines": deadlines_of(shown, side=side, now=now),
        "timeline": timeline_of(shown, side=side),
        "choices": choices,
        "amount": shown.payment.owed_cents or shown.payment.terms.card_total,
        "must_pay": Choice.PAY in choices or Choice.CONFIRM_PAYMENT in choices,
        "outlook": cancellation_outlook(shown, now=now) if side == Party.STUDENT and Choice.CANCEL in choices else [],
    }
    return render(request, "bookings/booking.html", context)


@instructors_only
@require_POST
def complete(request: SignedInRequest, ref: str) -> HttpResponse:
    """The instructor marks a lesson as given (P5.5)."""
    marked = own_booking(request.user, ref)
    try:
        operations.mark_complete(booking=marked, now=clock.now())
    except Refused as refusal:
        return refused_on_booking(request, refusal, marked)
    messages.success(request, "Marked complete. You are paid a day after the lesson's end.")
    return redirect("booking", ref=ref)


def side_of(request: SignedInRequest) -> Party:
    return Party.INSTRUCTOR if request.user.is_instructor else Party.STUDENT
