"""An instructor's payout account (P2.1), and what they have earned, month by month."""

from csp.decorators import csp_update
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from instainstru import clock
from instainstru.accounts.access import instructors_only
from instainstru.accounts.requests import SignedInRequest
from instainstru.api import throttles
from payments import operations
from payments.gateway.errors import GatewayRefused, GatewayUnavailable
from payments.ledger.statements import months_of, statement_named
from payments.models import Payee
from payments.serializers.statement_files import FORMS, as_download
from payments.web.provider import tell

AT_STRIPE = {"form-action": ["https://connect.stripe.com"]}  # where this page's forms lead to


@csp_update(AT_STRIPE)
@instructors_only
@require_http_methods(["GET", "HEAD", "POST"])
def payouts(request: SignedInRequest) -> HttpResponse:
    """Show whether the instructor can be paid; a POST leads to Stripe's page, which is good for one visit."""
    status = 200
    if request.method == "POST":
        try:
            return redirect(
                operations.onboarding_link(
                    instructor=request.user, return_url=settings.SITE_URL + reverse("payouts-return"), now=clock.now()
                )
            )
        except (GatewayRefused, GatewayUnavailable) as trouble:
            status = tell(request, trouble)
    payee = Payee.objects.filter(user=request.user).first()
    requirements = [_in_words(name) for name in payee.requirements] if payee else []
    page = {
        "payee": payee,
        "requirements": requirements,
        "is_held": payee is not None and payee.payout_holds.in_force().exists(),
        "months": months_of(payee, now=clock.now()) if payee else [],
    }
    return render(request, "payments/payouts.html", page, status=status)


@instructors_only
@require_safe
def returned(request: SignedInRequest) -> HttpResponse:
    """Stripe sends the instructor back here, by GET: ask it whether the account can be paid now."""
    throttles.refuse_if_too_often(request, scope="write")
    payee = Payee.objects.filter(user=request.user).first()
    if payee is not None:
        try:
            payee = operations.refresh_account(payee=payee, now=clock.now())
        except (GatewayRefused, GatewayUnavailable) as trouble:
            tell(request, trouble)
        else:
            if payee.is_payable:
                messages.success(request, "You can be paid now.")
    return redirect("payouts")


@instructors_only
@require_POST
def dashboard(request: SignedInRequest) -> HttpResponse:
    """Lead on to the instructor's own pages at Stripe: payouts, bank account, tax forms."""
    payee = Payee.objects.filter(user=request.user).first()
    if payee is not None:
        try:
            return redirect(operations.dashboard_link(payee=payee))
        except (GatewayRefused, GatewayUnavailable) as trouble:
            tell(request, trouble)
    return redirect("payouts")


@instructors_only
@require_safe
def statement(request: SignedInRequest, month: str, form: str) -> HttpResponse:
    """Hand out the instructor's own statement of a month, as CSV or PDF."""
    payee = get_object_or_404(Payee.objects.select_related("user"), user=request.user)
    found = statement_named(payee, month, now=clock.now())
    if found is None or form not in FORMS:
        raise Http404
    return as_download(found, form)


def _in_words(requirement: str) -> str:
    """Write the name that Stripe has for something it wants: `individual.last_name` is "Individual: last name"."""
    return requirement.replace(".", ": ").replace("_", " ").capitalize()
