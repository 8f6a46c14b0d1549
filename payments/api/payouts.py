"""An instructor's payout account, and what they have earned by month."""

from django.conf import settings
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.response import Response
from rest_framework.views import APIView

from instainstru import clock
from instainstru.accounts.requests import SignedInApiRequest
from instainstru.api.documentation import may_meet
from instainstru.api.permissions import IsInstructor
from payments import operations
from payments.api.provider import OF_THE_PROVIDER, provider_problems
from payments.ledger.statements import months_of, statement_named
from payments.models import Payee
from payments.serializers.payouts import DashboardLinkOut, OnboardingLinkOut, PayoutAccountOut
from payments.serializers.statements import EarningsStatementOut, StatementMonthsOut


@extend_schema(tags=["payout account"])
class PayoutAccount(APIView):
    """Whether the instructor can be paid, as far as we know."""

    permission_classes = [IsInstructor]

    @extend_schema(responses=PayoutAccountOut)
    def get(self, request: SignedInApiRequest) -> Response:
        payee = Payee.objects.filter(user=request.user).first() or Payee()
        return Response(PayoutAccountOut(payee).data)


@extend_schema(tags=["payout account"])
class CheckPayoutAccount(APIView):
    """Ask Stripe whether the instructor can be paid now: what the page does that Stripe's onboarding returns to."""

    permission_classes = [IsInstructor]

    @extend_schema(request=None, responses=PayoutAccountOut, extensions=may_meet("not_found", *OF_THE_PROVIDER))
    def post(self, request: SignedInApiRequest) -> Response:
        payee = get_object_or_404(Payee, user=request.user)
        with provider_problems():
            payee = operations.refresh_account(payee=payee, now=clock.now())
        return Response(PayoutAccountOut(payee).data)


@extend_schema(tags=["payout account"])
class OnboardingLink(APIView):
    """The way to Stripe's onboarding page; the first time, this opens the account."""

    permission_classes = [IsInstructor]

    @extend_schema(request=None, responses=OnboardingLinkOut, extensions=may_meet(*OF_THE_PROVIDER))
    def post(self, request: SignedInApiRequest) -> Response:
        with provider_problems():
            url = operations.onboarding_link(instructor=request.user, return_url=settings.SITE_URL, now=clock.now())
        return Response({"url": url})


@extend_schema(tags=["payout account"])
class Statements(APIView):
    """The months of which the instructor has a statement, in their own time zone."""

    permission_classes = [IsInstructor]

    @extend_schema(responses=StatementMonthsOut, operation_id="payouts_statements_months_retrieve")
    def get(self, request: SignedInApiRequest) -> Response:
        payee = Payee.objects.select_related("user").filter(user=request.user).first()
        months = months_of(payee, now=clock.now()) if payee else []
        return Response({"months": [str(month) for month in months]})


@extend_schema(tags=["payout account"])
class StatementOfAMonth(APIView):
    """What the instructor earned and was paid out in one month, line by line, with the rule behind each."""

    permission_classes = [IsInstructor]

    @extend_schema(responses=EarningsStatementOut, extensions=may_meet("not_found"))
    def get(self, request: SignedInApiRequest, month: str) -> Response:
        payee = get_object_or_404(Payee.objects.select_related("user"), user=request.user)
        statement = statement_named(payee, month, now=clock.now())
        if statement is None:
            raise NotFound
        return Response(EarningsStatementOut(statement).data)


@extend_schema(tags=["payout account"])
class DashboardLink(APIView):
    """The way to the instructor's own pages at Stripe: payouts, bank account, tax forms."""

    permission_classes = [IsInstructor]

    @extend_schema(request=None, responses=DashboardLinkOut, extensions=may_meet("not_found", *OF_THE_PROVIDER))
    def post(self, request: SignedInApiRequest) -> Response:
        payee = get_object_or_404(Payee, user=request.user)
        with provider_problems():
            url = operations.dashboard_link(payee=payee)
        return Response({"url": url})
