"""A student's card: saved through Stripe's own form, or chosen among test cards where Stripe is simulated (P2.5)."""

import re
from typing import Any
from urllib.parse import urlencode

from csp.decorators import csp_update
from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from instainstru import clock
from instainstru.accounts.access import students_only
from instainstru.accounts.requests import SignedInRequest
from instainstru.api import throttles
from instainstru.refusals import Refused
from payments import operations
from payments.gateway.errors import GatewayRefused, GatewayUnavailable
from payments.models import Payer
from payments.web.provider import tell

TEST_CARDS = [  # what they do, by the names that Stripe's test mode has for them
    ("pm_card_visa", "A card that works"),
    ("pm_card_chargeCustomerFail", "A card that is always declined"),
    ("pm_card_chargeCustomerFailInsufficientFunds", "A card with insufficient funds"),
    ("pm_card_authenticationRequired", "A card whose bank wants each payment confirmed (3-D Secure)"),
]
SETUP_ID = re.compile(r"seti_\w+", re.ASCII)  # it comes from the address, and becomes part of one
STRIPE_JS = {  # what Stripe's script has to be allowed, on the one page that has it
    "script-src": ["https://js.stripe.com", "https://*.js.stripe.com"],
    "frame-src": ["https://js.stripe.com", "https://*.js.stripe.com", "https://hooks.stripe.com"],
    "connect-src": ["https://api.stripe.com"],
}


class TestCardForm(forms.Form):
    card = forms.ChoiceField(label="Test card", choices=TEST_CARDS, widget=forms.RadioSelect, initial=TEST_CARDS[0][0])


@students_only
@require_http_methods(["GET", "HEAD", "POST"])
def card(request: SignedInRequest) -> HttpResponseBase:
    """Show the saved card, and save another instead."""
    return _test_card(request) if settings.USES_SIMULATOR else _stripe_card(request)


@students_only
@require_POST
def begin_setup(request: SignedInRequest) -> HttpResponse:
    """Begin to save a card; Stripe's form asks for this when it is sent off."""
    try:
        setup = operations.begin_card_setup(student=request.user)
    except (GatewayRefused, GatewayUnavailable):
        return JsonResponse({"message": "Stripe does not answer right now. Try again in a moment."}, status=503)
    return JsonResponse({"client_secret": setup.client_secret})


@students_only
@require_safe
def saved(request: SignedInRequest) -> HttpResponse:
    """Stripe sends the student back here: keep the card, and try it on what waits for one.

    By GET, because Stripe says so; keeping a setup's card twice keeps the same one.
    """
    setup_id = request.GET.get("setup_intent", "")
    return _keep(request, setup_id) if SETUP_ID.fullmatch(setup_id) else redirect("card")


def _test_card(request: SignedInRequest) -> HttpResponse:
    form = TestCardForm(request.POST or None)
    if not form.is_valid():
        return _show(request, "payments/card_test.html", form=form, status=422 if form.is_bound else 200)
    try:
        setup = operations.begin_card_setup(student=request.user)
        setup = operations.confirm_card_setup(
            student=request.user,
            setup_id=setup.id,
            payment_method=form.cleaned_data["card"],
            return_url=settings.SITE_URL + _with_next("card-saved", request),
        )
    except (GatewayRefused, GatewayUnavailable) as trouble:
        return _show(request, "payments/card_test.html", form=form, status=tell(request, trouble))
    return redirect(setup.url) if setup.url else _keep(request, setup.id)


@csp_update(STRIPE_JS)
@students_only
@require_safe
def _stripe_card(request: SignedInRequest) -> HttpResponse:
    return _show(
        request,
        "payments/card_stripe.html",
        publishable_key=settings.STRIPE_PUBLISHABLE_KEY,
        saved_url=settings.SITE_URL + _with_next("card-saved", request),
    )


def _keep(request: SignedInRequest, setup_id: str) -> HttpResponse:
    throttles.refuse_if_too_often(request, scope="money")
    try:
        payer = operations.save_card(student=request.user, setup_id=setup_id, now=clock.now())
    except Refused as refusal:
        messages.error(request, f"{refusal.message} {refusal.what_can_be_done}")
        return redirect(_with_next("card", request))
    except (GatewayRefused, GatewayUnavailable) as trouble:
        tell(request, trouble)
        return redirect(_with_next("card", request))
    messages.success(request, f"{payer.card} is saved.")
    _retry_unpaid(request)
    return redirect(_next(request) or reverse("card"))


def _retry_unpaid(request: SignedInRequest) -> None:
    """A new card is tried at once on every lesson that waits for one (P10.1)."""
    tried = operations.retry_unpaid(student=request.user, now=clock.now())
    refused = sum(1 for operation in tried if operation.refusal_code)
    paid = sum(1 for operation in tried if operation.is_done) - refused
    if paid:
        messages.success(request, f"{_lessons(paid)} that waited for a card: the payment is through.")
    if refused:
        messages.warning(request, f"{_lessons(refused)} could not be paid with it. Look at what needs your attention.")


def _lessons(count: int) -> str:
    return "One lesson" if count == 1 else f"{count} lessons"


def _next(request: HttpRequest) -> str:
    """Return where the student came from and wants to go on, if that is a page of ours."""
    wanted = request.GET.get("next", "")
    ours = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if ours else ""


def _with_next(name: str, request: HttpRequest) -> str:
    """Return a page's address, with where to go on afterwards."""
    wanted = _next(request)
    return f"{reverse(name)}?{urlencode({'next': wanted})}" if wanted else reverse(name)


def _show(request: SignedInRequest, template: str, *, status: int = 200, **context: Any) -> HttpResponse:
    payer = Payer.objects.filter(user=request.user).first()
    return render(request, template, {"payer": payer, "next": _next(request), **context}, status=status)
