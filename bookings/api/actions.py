"""What students and instructors do with a booking of theirs. Each is an operation that is begun once."""

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from bookings import operations
from bookings.api.answers import (
    alone_with,
    answer_with_booking,
    answer_with_operation,
    as_seen_by,
    begun_once,
    booking_shown,
    fresh_preview_for,
)
from bookings.queries import booking_visible_to
from bookings.serializers.actions import CancelIn, NewTimeIn, RescheduleIn
from bookings.serializers.bookings import BookingDetailOut, OperationOut
from instainstru import clock
from instainstru.accounts.requests import SignedInApiRequest
from instainstru.api import idempotency
from instainstru.api.documentation import may_meet
from instainstru.api.idempotency import IdempotencyKey
from instainstru.api.permissions import IsInstructor, IsStudent
from instainstru.refusals import RefusalCode, Refused
from payments.models import Operation
from payments.queries import undertaking_of
from payments.serializers.plans import Preview, PreviewOut

_CANCELLING = ("lesson_started", "already_settled", "already_completed", "under_review")
_MOVING = (
    *_CANCELLING,
    "reschedule_locked",
    "reschedule_too_late",
    "payment_method_required",
    "operation_in_progress",
)
LATE = {  # policy section 13
    "rule": "P7.3",
    "preview": "3f786850e387550fdab836ed7e6dc881",
    "student": {
        "sentence": "Your card is charged $134.40. You get $60.00 in new credits.",
        "card_held_cents": 0,
        "card_charged_cents": 13_440,
        "card_freed_cents": 0,
        "card_refunded_cents": 0,
        "credits_returned_cents": 0,
        "credits_issued_cents": 6_000,
        "credits_forfeited_cents": 0,
        "credits_used_cents": 0,
    },
    "instructor": None,
}
AGREED = {"preview": "3f786850e387550fdab836ed7e6dc881", "reason": "I am ill."}


@extend_schema(tags=["bookings"])
class PreviewCancellation(APIView):
    """What cancelling would do now: nothing is changed."""

    permission_classes = [IsStudent | IsInstructor]
    throttle_scope = "read"

    @extend_schema(
        request=None,
        responses=PreviewOut,
        extensions=may_meet(*_CANCELLING),
        examples=[OpenApiExample("Six hours ahead, to the student", value=LATE, response_only=True)],
    )
    def post(self, request: SignedInApiRequest, ref: str) -> Response:
        booking = booking_visible_to(request.user, ref=ref)
        plan = operations.preview_cancellation(booking=booking, actor=request.user, now=clock.now())
        return Response(PreviewOut(Preview(plan), context=as_seen_by(request.user)).data)


@extend_schema(tags=["bookings"])
class CancelBooking(APIView):
    """Cancel a booking. Cancelling twice is one cancellation: both requests get the first one's result."""

    permission_classes = [IsStudent | IsInstructor]
    throttle_scope = "money"

    @extend_schema(
        request=CancelIn,
        responses={200: OperationOut, 202: OperationOut},
        extensions=may_meet(*_CANCELLING, "preview_stale"),
        examples=[OpenApiExample("As previewed", value=AGREED, request_only=True)],
    )
    def post(self, request: SignedInApiRequest, ref: str) -> Response:
        body = CancelIn(data=request.data)
        body.is_valid(raise_exception=True)
        booking, key = booking_visible_to(request.user, ref=ref), idempotency.claim(request)
        with fresh_preview_for(request):
            operation = begun_once(
                key,
                lambda: operations.cancel_booking(
                    booking=booking,
                    actor=request.user,
                    idempotency_key=key,
                    now=clock.now(),
                    **body.validated_data,
                ),
            )
        return answer_with_operation(undertaking_of(operation), request)


@extend_schema(tags=["bookings"])
class PreviewReschedule(APIView):
    """What moving the lesson would do to the money now. Whether the time is free, the move itself says."""

    permission_classes = [IsStudent]
    throttle_scope = "read"

    @extend_schema(request=NewTimeIn, responses=PreviewOut, extensions=may_meet(*_MOVING))
    def post(self, request: SignedInApiRequest, ref: str) -> Response:
        body = NewTimeIn(data=request.data)
        body.is_valid(raise_exception=True)
        booking = booking_visible_to(request.user, ref=ref)
        plan = operations.preview_reschedule(booking=booking, now=clock.now(), **body.validated_data)
        return Response(PreviewOut(Preview(plan), context=as_seen_by(request.user)).data)


@extend_schema(tags=["bookings"])
class RescheduleBooking(APIView):
    """Move a lesson: early without limit; less than 24 hours ahead once, and then it is paid for at once (P6.2)."""

    permission_classes = [IsStudent]
    throttle_scope = "money"

    @extend_schema(
        request=RescheduleIn,
        responses={200: BookingDetailOut, 202: OperationOut},
        extensions=may_meet(
            *_MOVING,
            "slot_unavailable",
            "card_declined",
            "authentication_required",
            "preview_stale",
        ),
    )
    def post(self, request: SignedInApiRequest, ref: str) -> Response:
        body = RescheduleIn(data=request.data)
        body.is_valid(raise_exception=True)
        booking, key = booking_visible_to(request.user, ref=ref), idempotency.claim(request)

        def move() -> Operation:
            with alone_with(booking):
                return operations.reschedule_booking(
                    booking=booking,
                    actor=request.user,
                    idempotency_key=key,
                    now=clock.now(),
                    **body.validated_data,
                )

        with fresh_preview_for(request):
            operation = begun_once(key, move)
        # Whatever was in the way, the lesson is where it was.
        return answer_with_booking(operation, request, not_done=frozenset(RefusalCode))


@extend_schema(tags=["bookings"])
class PayBooking(APIView):
    """Try the saved card again: for a checkout that waits for it, for a lesson, or for what is owed.

    The bank's no is not an error here: the booking's `payment.action_required` tells it.
    """

    permission_classes = [IsStudent]
    throttle_scope = "money"

    @extend_schema(
        request=None,
        responses={200: BookingDetailOut, 202: OperationOut},
        extensions=may_meet("lesson_started", "already_settled", "slot_unavailable", "operation_in_progress"),
    )
    def post(self, request: SignedInApiRequest, ref: str) -> Response:
        booking, key = booking_visible_to(request.user, ref=ref), idempotency.claim(request)
        operation = begun_once(
            key,
            lambda: operations.pay_now(booking=booking, actor=request.user, idempotency_key=key, now=clock.now()),
        )
        return answer_with_booking(operation, request)


@extend_schema(tags=["bookings"])
class ConfirmPayment(APIView):
    """Look whether the bank agreed, when the student is back from its page."""

    permission_classes = [IsStudent]
    throttle_scope = "money"

    @extend_schema(
        request=None,
        responses={200: BookingDetailOut, 202: OperationOut},
        extensions=may_meet("already_settled", "under_review", "slot_unavailable", "operation_in_progress"),
    )
    def post(self, request: SignedInApiRequest, ref: str) -> Response:
        booking, key = booking_visible_to(request.user, ref=ref), idempotency.claim(request)

        def confirm() -> Operation:
            with alone_with(booking):
                return operations.confirm_payment(
                    booking=booking, actor=request.user, idempotency_key=key, now=clock.now()
                )

        operation = begun_once(key, confirm)
        return answer_with_booking(operation, request)


@extend_schema(tags=["bookings"])
class CompleteBooking(APIView):
    """Mark a lesson as given, from its end on. The money follows a day after the end, marked or not (P5.5)."""

    permission_classes = [IsInstructor]

    @extend_schema(
        request=None,
        responses=BookingDetailOut,
        extensions=may_meet(
            "lesson_not_ended", "already_settled", "already_completed", "under_review", "operation_in_progress"
        ),
    )
    def post(self, request: SignedInApiRequest, ref: str) -> Response:
        booking, key = booking_visible_to(request.user, ref=ref), idempotency.claim(request)
        if not _was_done_by(key):
            try:
                operations.mark_complete(booking=booking, idempotency_key=key, now=clock.now())
            except Refused:
                # The same request, sent twice at once: it is refused because the other one has done it.
                if not _was_done_by(key):
                    raise
        return Response(booking_shown(request, ref=ref))


def _was_done_by(key: IdempotencyKey | None) -> bool:
    return key is not None and key.replayed_subject() is not None
