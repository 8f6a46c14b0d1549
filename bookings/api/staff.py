"""Staff refund a booking (P8.6) or cancel it (P8.7): previewed, with a reason, and written down.

Every such endpoint wants the right that the same action wants in the back office.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bookings.api.answers import answer_with_operation, as_seen_by, begun_once, fresh_preview_for
from bookings.models import Booking
from bookings.operations.subject import BookingSubject
from bookings.queries import booking_visible_to
from bookings.serializers.bookings import OperationOut
from bookings.serializers.staff import RefundIn, RefundPreviewIn, StaffCancelIn, StaffCancelPreviewIn
from instainstru import clock
from instainstru.accounts.requests import SignedInApiRequest
from instainstru.admin.audit import AuditEntry, asker_of, new_ticket
from instainstru.admin.rights import MOVE_MONEY
from instainstru.api import idempotency
from instainstru.api.documentation import may_meet
from instainstru.api.idempotency import IdempotencyKey
from instainstru.api.permissions import IsStaff
from payments import operations as payments
from payments.policy.states import Bearer
from payments.queries import undertaking_of
from payments.serializers.plans import Preview, PreviewOut

_REFUNDING = ("under_review", "cancel_instead", "nothing_captured", "refund_exceeds_captured")
_CANCELLING = ("already_settled", "already_completed", "under_review")
TWENTY = {
    "cents": 2_000,
    "bearer": "platform",
    "reason": "The lesson began ten minutes late.",
    "preview": "3f786850e387550fdab836ed7e6dc881",
}


def staff_with(right: str) -> type[BasePermission]:
    """Return the permission of staff who hold a right of `instainstru.admin.rights`."""

    class HoldsRight(IsStaff):
        message = "Your account lacks the right to do this."

        def has_permission(self, request: Request, view: APIView) -> bool:
            return super().has_permission(request, view) and request.user.has_perm(right)

    return HoldsRight


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffReceipt:
    """What is kept with what staff begin through the API: the audit entry, and the client's key if there was one."""

    entry: AuditEntry
    key: IdempotencyKey | None

    def record(self, subject: str) -> None:
        if self.key:
            self.key.record(subject)
        self.entry.record(subject)


def receipt_for(
    request: SignedInApiRequest, booking: Booking, *, action: str, asked: dict[str, Any], now: datetime
) -> StaffReceipt:
    """Return the receipt of something that staff do with a booking; `asked` is the body, with its reason."""
    entry = AuditEntry(
        asker=asker_of(request._request),
        ticket=new_ticket(),
        action=action,
        subject=booking.ref,
        reason=asked["reason"],
        now=now,
        before=how_it_stands(booking.pk),
        shown={name: value for name, value in asked.items() if name != "reason"},
        look_after=lambda: how_it_stands(booking.pk),
    )
    return StaffReceipt(entry=entry, key=idempotency.claim(request))


def how_it_stands(booking_id: int) -> dict[str, Any]:
    """Return what an audit entry says of a booking before and after. Cents."""
    booking = Booking.objects.select_related("payment").get(pk=booking_id)
    payment = booking.payment
    return {
        "booking": booking.status,
        "payment": payment.status,
        "frozen_because": payment.review_reason,
        "outcome": payment.settlement_outcome,
        "card_charged_cents": payment.captured_cents,
        "card_refunded_cents": payment.refunded_to_card_cents,
        "instructor_has_cents": payment.instructor_payout_cents,
    }


@extend_schema(tags=["staff"])
class PreviewRefund(APIView):
    """What a refund would do now: nothing is changed."""

    permission_classes = [staff_with(MOVE_MONEY)]
    throttle_scope = "read"

    @extend_schema(request=RefundPreviewIn, responses=PreviewOut, extensions=may_meet(*_REFUNDING))
    def post(self, request: SignedInApiRequest, ref: str) -> Response:
        body = RefundPreviewIn(data=request.data)
        body.is_valid(raise_exception=True)
        asked = body.validated_data
        subject = BookingSubject(booking_visible_to(request.user, ref=ref))
        plan = payments.preview_staff_refund(
            subject, cents=asked["cents"], bearer=Bearer(asked["bearer"]), now=clock.now()
        )
        return Response(PreviewOut(Preview(plan), context=as_seen_by(request.user)).data)


@extend_schema(tags=["staff"])
class RefundBooking(APIView):
    """Refund to the card, in part or in full (P8.6). The same amount asked twice is one refund."""

    permission_classes = [staff_with(MOVE_MONEY)]
    throttle_scope = "money"

    @extend_schema(
        request=RefundIn,
        responses={200: OperationOut, 202: OperationOut},
        extensions=may_meet(*_REFUNDING, "operation_in_progress", "preview_stale"),
        examples=[OpenApiExample("Twenty dollars, as previewed", value=TWENTY, request_only=True)],
    )
    def post(self, request: SignedInApiRequest, ref: str) -> Response:
        body = RefundIn(data=request.data)
        body.is_valid(raise_exception=True)
        asked = body.validated_data
        booking, now = booking_visible_to(request.user, ref=ref), clock.now()
        with fresh_preview_for(request):
            operation = begun_once(
                idempotency.claim(request),
                lambda: payments.refund_by_staff(
                    payment_id=booking.payment_id,
                    actor=request.user,
                    cents=asked["cents"],
                    bearer=Bearer(asked["bearer"]),
                    reason=asked["reason"],
                    again=asked["again"],
                    preview=asked["preview"],
                    receipt=receipt_for(request, booking, action="refund", asked=asked, now=now),
                    now=now,
                ),
            )
        return answer_with_operation(undertaking_of(operation), request)


@extend_schema(tags=["staff"])
class PreviewStaffCancellation(APIView):
    """What cancelling by staff would do now: nothing is changed."""

    permission_classes = [staff_with(MOVE_MONEY)]
    throttle_scope = "read"

    @extend_schema(request=StaffCancelPreviewIn, responses=PreviewOut, extensions=may_meet(*_CANCELLING))
    def post(self, request: SignedInApiRequest, ref: str) -> Response:
        body = StaffCancelPreviewIn(data=request.data)
        body.is_valid(raise_exception=True)
        subject = BookingSubject(booking_visible_to(request.user, ref=ref))
        plan = payments.preview_staff_cancellation(subject, now=clock.now(), **body.validated_data)
        return Response(PreviewOut(Preview(plan), context=as_seen_by(request.user)).data)


@extend_schema(tags=["staff"])
class CancelByStaff(APIView):
    """Cancel a booking that is not settled, with or without refund (P8.7). Twice is once."""

    permission_classes = [staff_with(MOVE_MONEY)]
    throttle_scope = "money"

    @extend_schema(
        request=StaffCancelIn,
        responses={200: OperationOut, 202: OperationOut},
        extensions=may_meet(*_CANCELLING, "preview_stale"),
    )
    def post(self, request: SignedInApiRequest, ref: str) -> Response:
        body = StaffCancelIn(data=request.data)
        body.is_valid(raise_exception=True)
        asked = body.validated_data
        booking, now = booking_visible_to(request.user, ref=ref), clock.now()
        action = "cancel-with-refund" if asked["with_refund"] else "cancel-without-refund"  # as the back office has it
        with fresh_preview_for(request):
            operation = begun_once(
                idempotency.claim(request),
                lambda: payments.cancel_by_staff(
                    payment_id=booking.payment_id,
                    actor=request.user,
                    with_refund=asked["with_refund"],
                    reason=asked["reason"],
                    preview=asked["preview"],
                    receipt=receipt_for(request, booking, action=action, asked=asked, now=now),
                    now=now,
                ),
            )
        return answer_with_operation(undertaking_of(operation), request)
