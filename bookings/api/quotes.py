"""What a lesson would cost."""

from datetime import datetime
from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from bookings.models import Service
from bookings.operations import quote
from bookings.serializers.quotes import LessonIn, QuotedLesson, QuoteOut
from credits.queries import balance_of
from instainstru import clock
from instainstru.accounts.requests import SignedInApiRequest
from instainstru.api.documentation import may_meet
from instainstru.refusals import Refused
from payments.policy.states import Party
from payments.serializers.sides import BOTH_SIDES

ASKED = {"service": "svc_7mv2k0q9x4hd3n8r", "starts_at": "2027-05-20T15:00:00Z", "minutes": 60, "credits_cents": 5_000}


@extend_schema(tags=["bookings"])
class Quotes(APIView):
    """The price of a lesson, item by item, and what booking it would do. Nothing is kept of it."""

    throttle_scope = "read"

    @extend_schema(
        request=LessonIn,
        responses=QuoteOut,
        extensions=may_meet("lesson_started", "credits_unavailable"),
        examples=[OpenApiExample("An hour, partly with credits", value=ASKED, request_only=True)],
    )
    def post(self, request: SignedInApiRequest) -> Response:
        body = LessonIn(data=request.data)
        body.is_valid(raise_exception=True)
        return Response(quote_shown(request, **body.validated_data))


def quote_shown(
    request: SignedInApiRequest, *, service: Service, starts_at: datetime, minutes: int, credits_used: int
) -> dict[str, Any]:
    """Return a quote as the one who asks may see it; the instructor's share is for that instructor and our staff.

    Raises Refused: "lesson_started", "credits_unavailable".
    """
    now, user = clock.now(), request.user
    quoted = quote(service=service, starts_at=starts_at, minutes=minutes, credits=credits_used, now=now)
    available = balance_of(student_id=user.pk, at=now).available if user.is_student else None
    if available is not None and credits_used > available:
        raise Refused("credits_unavailable", usable_cents=available)
    lesson = QuotedLesson(quote=quoted, service=service, minutes=minutes, credits_available=available)
    sees_all = user.is_staff or user.pk == service.instructor.user_id
    return QuoteOut(lesson, context={"sides": BOTH_SIDES if sees_all else frozenset({Party.STUDENT})}).data
