"""A student's own wallet."""

from typing import cast

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.pagination import BasePagination
from rest_framework.response import Response
from rest_framework.views import APIView

from credits import queries
from credits.models import CreditMovement
from credits.serializers import MovementOut, WalletOut
from instainstru import clock
from instainstru.accounts.models import User
from instainstru.accounts.requests import SignedInApiRequest
from instainstru.api.pagination import NewestFirst
from instainstru.api.permissions import IsStudent


@extend_schema(tags=["wallet"])
class Wallet(APIView):
    """What the student has in credit, and until when; and what is owed in credit."""

    permission_classes = [IsStudent]

    @extend_schema(responses=WalletOut)
    def get(self, request: SignedInApiRequest) -> Response:
        now = clock.now()
        balance = queries.balance_of(student_id=request.user.pk, at=now)
        owed = list(queries.negative_balances_of(student_id=request.user.pk))
        wallet = {
            "available_cents": balance.available,
            "reserved_cents": balance.reserved,
            "frozen_cents": balance.frozen,
            "owed_cents": sum(negative.still_owed_cents for negative in owed),
            "negative_balances": owed,
            "lots": queries.lots_with_something_left(student_id=request.user.pk, at=now),
        }
        return Response(WalletOut(wallet).data)


class LatestMovementFirst(NewestFirst):
    ordering = ("-moved_at", "-id")  # type: ignore[assignment]  # DRF takes several


@extend_schema(tags=["wallet"])
class Statement(ListAPIView):
    """Every movement of the student's credits, the latest first."""

    permission_classes = [IsStudent]
    serializer_class = MovementOut
    pagination_class: type[BasePagination] = LatestMovementFirst
    filter_backends = []
    queryset = CreditMovement.objects.none()

    def get_queryset(self) -> QuerySet[CreditMovement]:
        return queries.statement_of(student_id=cast(User, self.request.user).pk)
