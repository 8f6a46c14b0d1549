"""A student's payment method."""

from typing import Any

from django.conf import settings
from django.db import transaction
from django.http import Http404
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.response import Response
from rest_framework.status import HTTP_201_CREATED
from rest_framework.views import APIView

from instainstru import clock
from instainstru.accounts.requests import SignedInApiRequest
from instainstru.api import idempotency
from instainstru.api.documentation import may_meet
from instainstru.api.idempotency import IdempotencyKey
from instainstru.api.permissions import IsStudent
from instainstru.refusals import RefusalCode, Refused
from payments import operations, queries
from payments.api.provider import OF_THE_PROVIDER, provider_problems
from payments.gateway import parties
from payments.gateway.parties import CardSetup
from payments.models import Payer
from payments.serializers.cards import (
    CardSavedOut,
    CardSetupOut,
    ConfirmSetupIn,
    PaymentMethodOut,
    SaveCardIn,
)
from payments.serializers.sides import sides_of


@extend_schema(tags=["payment method"])
class PaymentMethod(APIView):
    """The student's saved card."""

    permission_classes = [IsStudent]

    @property
    def throttle_scope(self) -> str | None:
        return "money" if self.request.method == "PUT" else None

    @extend_schema(responses=PaymentMethodOut)
    def get(self, request: SignedInApiRequest) -> Response:
        return Response(PaymentMethodOut(_card_of(request)).data)

    @extend_schema(
        request=SaveCardIn,
        responses=CardSavedOut,
        extensions=may_meet("authentication_required", "payment_method_required", "not_found", *OF_THE_PROVIDER),
    )
    def put(self, request: SignedInApiRequest) -> Response:
        """Save the card of a setup that succeeded, instead of the one before, and try it on unpaid bookings."""
        body = SaveCardIn(data=request.data)
        body.is_valid(raise_exception=True)
        with provider_problems():
            operations.save_card(student=request.user, setup_id=body.validated_data["setup"], now=clock.now())
        retried = operations.retry_unpaid(student=request.user, now=clock.now())
        answer = _card_of(request) | {"retried": [queries.undertaking_of(operation) for operation in retried]}
        return Response(CardSavedOut(answer, context={"sides": sides_of(request.user)}).data)


@extend_schema(tags=["payment method"])
class CardSetups(APIView):
    """Ways to a saved card (Stripe's SetupIntents)."""

    permission_classes = [IsStudent]

    @extend_schema(request=None, responses={201: CardSetupOut}, extensions=may_meet(*OF_THE_PROVIDER))
    def post(self, request: SignedInApiRequest) -> Response:
        """Begin to save a card."""
        key = idempotency.claim(request)
        with provider_problems():
            setup = _replayed(key) or operations.begin_card_setup(student=request.user)
        _remember(key, setup)
        return Response(CardSetupOut(setup).data, status=HTTP_201_CREATED)


@extend_schema(tags=["payment method"])
class ConfirmCardSetup(APIView):
    """Confirm a setup with a payment method, as Stripe.js does in a browser. For API clients and tests."""

    permission_classes = [IsStudent]

    @extend_schema(
        request=ConfirmSetupIn,
        responses=CardSetupOut,
        extensions=may_meet(*OF_THE_PROVIDER),
        examples=[OpenApiExample("A test card", value={"payment_method": "pm_card_visa"}, request_only=True)],
    )
    def post(self, request: SignedInApiRequest, setup_id: str) -> Response:
        body = ConfirmSetupIn(data=request.data)
        body.is_valid(raise_exception=True)
        key = idempotency.claim(request)
        with provider_problems():
            setup = _replayed(key) or _confirmed(request, setup_id, **body.validated_data)
        _remember(key, setup)
        return Response(CardSetupOut(setup).data)


def _card_of(request: SignedInApiRequest) -> dict[str, Any]:
    payer = Payer.objects.filter(user=request.user).first()
    return {"card": payer if payer and payer.has_card else None}


def _confirmed(request: SignedInApiRequest, setup_id: str, *, payment_method: str) -> CardSetup:
    try:
        return operations.confirm_card_setup(
            student=request.user,
            setup_id=setup_id,
            payment_method=payment_method,
            return_url=settings.SITE_URL,
        )
    except Refused as refusal:
        if refusal.code == RefusalCode.PAYMENT_METHOD_REQUIRED:  # somebody else's setup
            raise Http404 from refusal
        raise


def _replayed(key: IdempotencyKey | None) -> CardSetup | None:
    subject = key.replayed_subject() if key else None
    return parties.card_setup(subject.removeprefix("card_setup:")) if subject else None


def _remember(key: IdempotencyKey | None, setup: CardSetup) -> None:
    """Keep which setup a key began. Should we die before, the next try begins another: none of them moves money."""
    if key and key.replayed_subject() is None:
        with transaction.atomic():
            key.record(f"card_setup:{setup.id}")
