"""Booking lessons, and looking at them."""

import functools
from typing import Any, cast

from django.db.models import QuerySet
from django.http import QueryDict
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.pagination import BasePagination
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.status import HTTP_201_CREATED
from rest_framework.views import APIView

from bookings.api.answers import answer_with_booking, as_seen_by, begun_once, booking_shown
from bookings.api.quotes import ASKED, quote_shown
from bookings.models import Booking
from bookings.operations import checkout
from bookings.queries import Listing, Wish
from bookings.serializers.bookings import (
    LATEST_LESSON_FIRST,
    NEXT_LESSON_FIRST,
    BookingDetailOut,
    BookingOut,
    BookingQuery,
    OperationOut,
)
from bookings.serializers.quotes import BookingIn
from instainstru import clock
from instainstru.accounts.models import User
from instainstru.accounts.requests import SignedInApiRequest
from instainstru.api import idempotency
from instainstru.api.documentation import may_meet
from instainstru.api.idempotency import IdempotencyKey
from instainstru.api.pagination import NewestFirst
from instainstru.api.permissions import IsStudent
from instainstru.refusals import RefusalCode, Refused
from payments.models import Operation


class ByLesson(NewestFirst):
    """Pages of bookings in the order of their lessons. Both orders are those of the index on a side's bookings."""

    ORDERINGS = {LATEST_LESSON_FIRST: ("-starts_at", "id"), NEXT_LESSON_FIRST: ("starts_at", "-id")}

    def get_ordering(self, request: Request, queryset: QuerySet[Any], view: Any) -> tuple[str, ...]:
        return self.ORDERINGS[view.asked["ordering"]]


@extend_schema(tags=["bookings"])
class Bookings(ListAPIView):
    """The bookings of a student or an instructor; for our staff, all."""

    serializer_class = BookingOut
    pagination_class: type[BasePagination] = ByLesson
    filter_backends = []
    queryset = Booking.objects.none()

    @property
    def throttle_scope(self) -> str | None:
        return "money" if self.request.method == "POST" else None

    def get_permissions(self) -> list[BasePermission]:
        return [IsStudent() if self.request.method == "POST" else IsAuthenticated()]

    def get_serializer_context(self) -> dict[str, Any]:
        return as_seen_by(self._reader)

    def get_queryset(self) -> Listing:  # type: ignore[override]  # as much of a queryset as pages ask for
        self.asked = _asked(self.request.query_params)
        return Listing(self._reader, _wish(self.asked), now=clock.now())

    @property
    def _reader(self) -> User:
        return cast(User, self.request.user)

    @extend_schema(parameters=[BookingQuery])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List the reader's own bookings, by the start of the lesson."""
        return super().get(request, *args, **kwargs)

    @extend_schema(
        request=BookingIn,
        responses={201: BookingDetailOut, 202: OperationOut},
        extensions=may_meet(
            "payment_method_required",
            "account_locked",
            "slot_unavailable",
            "lesson_started",
            "credits_unavailable",
            "preview_stale",
        ),
        examples=[OpenApiExample("As quoted", value=ASKED | {"note": "I am a beginner."}, request_only=True)],
    )
    def post(self, request: SignedInApiRequest) -> Response:
        """Book a lesson with the saved card and credits.

        A card that is refused, or a bank that wants to hear from the student, leaves the booking `pending`: its
        `payment.action_required` says what helps and until when. 202: Stripe has not answered yet.
        """
        key = idempotency.claim(request)
        operation = begun_once(key, lambda: _booked(request, key))
        return answer_with_booking(operation, request, status=HTTP_201_CREATED)


@extend_schema(tags=["bookings"])
class BookingDetail(APIView):
    """One booking with its timeline."""

    @extend_schema(responses=BookingDetailOut)
    def get(self, request: SignedInApiRequest, ref: str) -> Response:
        return Response(booking_shown(request, ref=ref))


def _asked(parameters: QueryDict) -> dict[str, Any]:
    return _asked_of(BookingQuery(data=parameters)) if parameters else _all()


@functools.cache
def _all() -> dict[str, Any]:
    """What is asked by asking nothing, as nearly all do."""
    return _asked_of(BookingQuery(data=QueryDict()))


def _asked_of(query: BookingQuery) -> dict[str, Any]:
    query.is_valid(raise_exception=True)
    return query.validated_data


def _wish(asked: dict[str, Any]) -> Wish:
    return Wish(
        statuses=tuple(sorted(asked.get("status", ()))),
        payment_statuses=tuple(sorted(asked.get("payment_status", ()))),
        since=asked.get("since"),
        until=asked.get("until"),
        upcoming=asked["upcoming"],
    )


def _booked(request: SignedInApiRequest, key: IdempotencyKey | None) -> Operation:
    body = BookingIn(data=request.data)
    body.is_valid(raise_exception=True)
    wish = dict(body.validated_data)
    note, preview = wish.pop("note"), wish.pop("preview")
    try:
        return checkout(
            student=request.user,
            service=wish["service"],
            starts_at=wish["starts_at"],
            minutes=wish["minutes"],
            credits=wish["credits_used"],
            note=note,
            preview=preview,
            idempotency_key=key,
            now=clock.now(),
        )
    except Refused as refusal:
        if refusal.code == RefusalCode.PREVIEW_STALE:
            raise Refused(refusal.code, fresh=quote_shown(request, **wish)) from refusal
        raise
