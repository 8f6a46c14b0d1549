"""Booking a lesson: the quote with every amount, and the button that agrees to it."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from bookings import operations, queries
from bookings.operations import Quote
from bookings.web.amounts import percent
from bookings.web.forms.checkout import AskedLesson, AskedLessonForm, BookForm, CreditsForm
from bookings.web.forms.fields import written
from bookings.web.own import refused
from bookings.web.paying import after_payment
from credits.queries import balance_of
from instainstru import clock
from instainstru.accounts.access import may_move_money, students_only
from instainstru.accounts.models import User
from instainstru.accounts.requests import SignedInRequest
from instainstru.api.idempotency import IdempotencyKey, IdempotencyKeyInUse
from instainstru.refusals import RefusalCode, Refused
from payments.models import Payer
from payments.policy.pricing import lesson_price
from payments.policy.rules import Rules
from payments.policy.states import Call
from payments.policy.windows import authorization_due_at, settlement_due_at
from payments.rules import rules_in_force

SHOWN_AGAIN = frozenset({RefusalCode.PREVIEW_STALE, RefusalCode.CREDITS_UNAVAILABLE})  # with what holds now


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What a student is shown: the lesson, what it costs with the chosen credits, and when the card pays."""

    asked: AskedLesson
    quote: Quote
    credits_form: CreditsForm
    usable_credits: int  # cents
    payer: Payer | None
    rules: Rules

    @property
    def student_fee_percent(self) -> str:
        return percent(self.quote.student_fee_rate)

    @property
    def holds_now(self) -> bool:
        """Whether the card is held at once (P5.2) or a day before the lesson (P5.1)."""
        return any(step.call == Call.AUTHORIZE for step in self.quote.plan.steps)

    @property
    def holds_at(self) -> datetime:
        return authorization_due_at(self.asked.starts_at, rules=self.rules)

    @property
    def charges_at(self) -> datetime:
        return settlement_due_at(self.quote.ends_at, rules=self.rules)

    @property
    def agreed(self) -> dict[str, str]:
        """What the button agrees to; what has changed meanwhile is shown again instead of booked."""
        return {"preview": self.quote.digest, "credits": written(self.quote.terms.credits)}


@students_only
@may_move_money
@require_http_methods(["GET", "HEAD", "POST"])
def checkout(request: SignedInRequest) -> HttpResponse:
    """Quote the lesson that the address names; a POST with that quote's digest books it."""
    address = AskedLessonForm(request.GET)
    if not address.is_valid():
        raise Http404
    asked, now = address.asked, clock.now()
    try:
        if request.method == "POST":
            return _book(request, asked, now=now)
        offer = _offer(request.user, asked, request.GET, now=now)
        _require_offered(asked, now=now)
    except Refused as refusal:
        return _refused(request, refusal, asked)
    return _show(request, offer, BookForm(initial={**offer.agreed, "token": secrets.token_urlsafe(16)}))


def _book(request: SignedInRequest, asked: AskedLesson, *, now: datetime) -> HttpResponse:
    form = BookForm(request.POST)
    if not form.is_valid():
        return _show_again(request, asked, form, now=now, status=422)
    agreed = form.cleaned_data
    key = IdempotencyKey(user_id=request.user.pk, key=f"checkout:{agreed['token']}", fingerprint="")
    try:
        if earlier := _booked_with(key):
            return redirect("booking", ref=earlier)
        operation = operations.checkout(
            student=request.user,
            service=asked.service,
            starts_at=asked.starts_at,
            minutes=asked.minutes,
            credits=agreed["credits"],
            note=agreed["note"],
            preview=agreed["preview"],
            idempotency_key=key,
            now=now,
        )
    except (Refused, IdempotencyKeyInUse) as error:
        # A second click that came while the first one was booking finds the lesson taken: by itself.
        if earlier := _booked_with(key):
            return redirect("booking", ref=earlier)
        if isinstance(error, Refused) and error.code in SHOWN_AGAIN:
            return _show_again(request, asked, form, now=now, status=409, refusal=error)
        raise
    return after_payment(request, operation, operation.payment.reference, books=True)


def _offer(user: User, asked: AskedLesson, credits_chosen: Mapping[str, Any], *, now: datetime) -> Offer:
    price = lesson_price(hourly_price=asked.service.hourly_price_cents, minutes=asked.minutes)
    usable = min(price, balance_of(student_id=user.pk, at=now).available)
    credits_form = CreditsForm(credits_chosen, usable=usable)
    payer = Payer.objects.filter(user=user).first()
    if payer is not None and payer.is_locked:
        raise Refused("account_locked")
    quote = operations.quote(
        service=asked.service,
        starts_at=asked.starts_at,
        minutes=asked.minutes,
        credits=credits_form.chosen,
        now=now,
    )
    return Offer(
        asked=asked,
        quote=quote,
        credits_form=credits_form,
        usable_credits=usable,
        payer=payer,
        rules=rules_in_force(at=now),
    )


def _require_offered(asked: AskedLesson, *, now: datetime) -> None:
    """Don't let a student fill in a page for a time that is gone; the booking itself looks again."""
    since = asked.starts_at
    slots = queries.slots_of(
        asked.service.instructor, minutes=asked.minutes, since=since, until=since + timedelta.resolution, now=now
    )
    if not slots:
        raise Refused("slot_unavailable")


def _booked_with(key: IdempotencyKey) -> str | None:
    """Return the booking that this very form has made already, if it has."""
    subject = key.replayed_subject()  # "operation:" and the operation's name: its booking's and a number
    return subject and subject.removeprefix("operation:").rpartition("-")[0]


def _show_again(
    request: SignedInRequest,
    asked: AskedLesson,
    form: BookForm,
    *,
    now: datetime,
    status: int,
    refusal: Refused | None = None,
) -> HttpResponse:
    """Show what was written together with what the lesson costs now."""
    offer = _offer(request.user, asked, form.data, now=now)
    return _show(request, offer, BookForm({**request.POST.dict(), **offer.agreed}), status=status, refusal=refusal)


def _show(
    request: SignedInRequest, offer: Offer, form: BookForm, *, status: int = 200, refusal: Refused | None = None
) -> HttpResponse:
    context = {"offer": offer, "form": form, "refusal": refusal}
    return render(request, "bookings/checkout.html", context, status=status)


def _refused(request: SignedInRequest, refusal: Refused, asked: AskedLesson) -> HttpResponse:
    match refusal.code:
        case RefusalCode.PAYMENT_METHOD_REQUIRED:
            query = urlencode({"next": asked.url})
            return refused(request, refusal, back=f"{reverse('card')}?{query}", back_label="Save a card")
        case RefusalCode.ACCOUNT_LOCKED:
            return refused(
                request, refusal, back=f"{reverse('bookings')}?show=attention", back_label="See what is to be paid"
            )
    query = urlencode({"service": asked.service.ref, "minutes": asked.minutes})
    other_times = f"{reverse('instructor-page', args=[asked.service.instructor.ref])}?{query}"
    return refused(request, refusal, back=other_times, back_label="See other times")
