"""Paying for a lesson whose card was refused, and coming back from the bank (P5.2, P10.1)."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from bookings import operations
from bookings.web.own import choices_open, is_under_way, own_booking, refused_on_booking
from instainstru import clock
from instainstru.accounts.access import may_move_money, students_only
from instainstru.accounts.requests import SignedInRequest
from instainstru.api import throttles
from instainstru.refusals import SENTENCES, RefusalCode, Refused
from payments.models import Operation
from payments.policy.actions import Choice
from payments.policy.states import BookingStatus


@students_only
@may_move_money
@require_http_methods(["GET", "HEAD", "POST"])
def pay(request: SignedInRequest, ref: str) -> HttpResponse:
    """Show what a lesson still wants from the card and until when; a POST tries the saved card again."""
    booking, now = own_booking(request.user, ref), clock.now()
    if request.method == "POST":
        try:
            operation = operations.pay_now(booking=booking, actor=request.user, now=now)
        except Refused as refusal:
            return refused_on_booking(request, refusal, booking)
        return after_payment(request, operation, booking.ref, books=booking.status == BookingStatus.PENDING)
    choices = choices_open(booking, user=request.user, now=now)
    if not choices.keys() & {Choice.PAY, Choice.CONFIRM_PAYMENT} and not is_under_way(booking):
        return redirect("booking", ref=ref)
    payment = booking.payment
    context = {
        "booking": booking,
        "choices": choices,
        "now": now,
        "amount": payment.owed_cents or payment.terms.card_total,
        "deadline": payment.expire_at,
        "bank_asks": payment.refusal_code == RefusalCode.AUTHENTICATION_REQUIRED,
    }
    return render(request, "bookings/pay.html", context)


@students_only
@require_safe
def paid(request: SignedInRequest, ref: str) -> HttpResponse:
    """The bank sends the student back here: look whether it agreed, and show the lesson.

    By GET, because the bank says so; looking twice finds the same.
    """
    throttles.refuse_if_too_often(request, scope="money")
    booking = own_booking(request.user, ref)
    try:
        operation = operations.confirm_payment(booking=booking, actor=request.user, now=clock.now())
    except Refused as refusal:
        if refusal.code == RefusalCode.ALREADY_SETTLED:  # Stripe's own message about it was quicker than the browser
            return redirect("booking", ref=ref)
        return refused_on_booking(request, refusal, booking)
    return after_payment(request, operation, booking.ref, books=booking.status == BookingStatus.PENDING)


def after_payment(request: SignedInRequest, operation: Operation, ref: str, *, books: bool) -> HttpResponse:
    """Lead to where the student has to go next: to the lesson, or to the page that asks for a card that works.

    `books`: whether the lesson is booked by this payment, or was before.
    """
    if operation.refusal_code:
        if operation.refusal_code != RefusalCode.AUTHENTICATION_REQUIRED:  # the page has that for its heading
            messages.error(request, SENTENCES[RefusalCode(operation.refusal_code)].why)
        return redirect("booking-pay", ref=ref)
    if not operation.is_done:
        messages.info(request, "Your card is being asked. Nothing is charged twice; look again in a moment.")
    else:
        messages.success(request, "Your lesson is booked." if books else "Thank you, the payment is through.")
    return redirect("booking", ref=ref)
