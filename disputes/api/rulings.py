"""Staff rule on what was reported or disputed (P8.3, P8.4): previewed, with a reason, written down."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from bookings.api.answers import answer_with_operation, as_seen_by
from bookings.api.staff import StaffReceipt, receipt_for, staff_with
from bookings.models import Booking
from bookings.operations.subject import BookingSubject
from bookings.queries import booking_visible_to
from bookings.serializers.bookings import OperationOut
from disputes import operations
from disputes.api.answers import cases_shown
from disputes.serializers.asking import (
    DisputeRulingIn,
    DisputeRulingPreviewIn,
    NoShowRulingIn,
    NoShowRulingPreviewIn,
)
from disputes.serializers.cases import CasesOut
from disputes.serializers.rulings import NOTHING_MOVES, RulingPreview, RulingPreviewOut
from instainstru import clock
from instainstru.accounts.requests import SignedInApiRequest
from instainstru.admin.rights import RULE_CASES
from instainstru.api import idempotency
from instainstru.api.documentation import may_meet
from instainstru.refusals import RefusalCode, Refused
from payments.models import Operation
from payments.policy.states import DisputeRuling, NoShowRuling
from payments.queries import State, operation_named, undertaking_of

_RULING = ("under_review", "already_settled")
UNFOUNDED = {"ruling": "unfounded", "reason": "Both were in the call.", "preview": NOTHING_MOVES}


@extend_schema(tags=["staff"])
class PreviewNoShowRuling(APIView):
    """What a ruling on a booking's reports would do now: nothing is changed."""

    permission_classes = [staff_with(RULE_CASES)]
    throttle_scope = "read"

    @extend_schema(request=NoShowRulingPreviewIn, responses=RulingPreviewOut, extensions=may_meet(*_RULING))
    def post(self, request: SignedInApiRequest, ref: str) -> Response:
        body = NoShowRulingPreviewIn(data=request.data)
        body.is_valid(raise_exception=True)
        ruling = NoShowRuling(body.validated_data["ruling"])
        return _previewed(request, _no_show_preview(booking_visible_to(request.user, ref=ref), ruling))


@extend_schema(tags=["staff"])
class RuleNoShow(APIView):
    """Rule on a booking's open reports, both of them if both sides reported, and carry it out (P8.3)."""

    permission_classes = [staff_with(RULE_CASES)]
    throttle_scope = "money"

    @extend_schema(
        request=NoShowRulingIn,
        responses={200: CasesOut, 202: OperationOut},
        extensions=may_meet(*_RULING, "preview_stale"),
        examples=[OpenApiExample("Unfounded", value=UNFOUNDED, request_only=True)],
    )
    def post(self, request: SignedInApiRequest, ref: str) -> Response:
        body = NoShowRulingIn(data=request.data)
        body.is_valid(raise_exception=True)
        asked, booking = body.validated_data, booking_visible_to(request.user, ref=ref)
        ruling = NoShowRuling(asked["ruling"])

        def rule(receipt: StaffReceipt, preview: str | None, now: datetime) -> Operation | None:
            return operations.rule_no_show(
                booking=booking,
                ruling=ruling,
                actor=request.user,
                reason=asked["reason"],
                preview=preview,
                receipt=receipt,
                now=now,
            )

        return _ruled(
            request, booking, asked, action="rule-no-show", fresh=lambda: _no_show_preview(booking, ruling), rule=rule
        )


@extend_schema(tags=["staff"])
class PreviewDisputeRuling(APIView):
    """What a ruling on a booking's dispute would do now: nothing is changed."""

    permission_classes = [staff_with(RULE_CASES)]
    throttle_scope = "read"

    @extend_schema(request=DisputeRulingPreviewIn, responses=RulingPreviewOut, extensions=may_meet(*_RULING))
    def post(self, request: SignedInApiRequest, ref: str) -> Response:
        body = DisputeRulingPreviewIn(data=request.data)
        body.is_valid(raise_exception=True)
        ruling = DisputeRuling(body.validated_data["ruling"])
        return _previewed(request, _dispute_preview(booking_visible_to(request.user, ref=ref), ruling))


@extend_schema(tags=["staff"])
class RuleDispute(APIView):
    """Rule on a booking's open dispute and carry it out (P8.4)."""

    permission_classes = [staff_with(RULE_CASES)]
    throttle_scope = "money"

    @extend_schema(
        request=DisputeRulingIn,
        responses={200: CasesOut, 202: OperationOut},
        extensions=may_meet(*_RULING, "preview_stale"),
    )
    def post(self, request: SignedInApiRequest, ref: str) -> Response:
        body = DisputeRulingIn(data=request.data)
        body.is_valid(raise_exception=True)
        asked, booking = body.validated_data, booking_visible_to(request.user, ref=ref)
        ruling = DisputeRuling(asked["ruling"])

        def rule(receipt: StaffReceipt, preview: str | None, now: datetime) -> Operation | None:
            return operations.rule_dispute(
                booking=booking,
                ruling=ruling,
                actor=request.user,
                reason=asked["reason"],
                preview=preview,
                receipt=receipt,
                now=now,
            )

        return _ruled(
            request, booking, asked, action="rule-dispute", fresh=lambda: _dispute_preview(booking, ruling), rule=rule
        )


def _no_show_preview(booking: Booking, ruling: NoShowRuling) -> RulingPreview:
    plan = operations.preview_no_show_ruling(BookingSubject(booking), ruling, now=clock.now())
    return RulingPreview(ruling=ruling, plan=plan)


def _dispute_preview(booking: Booking, ruling: DisputeRuling) -> RulingPreview:
    plan = operations.preview_dispute_ruling(BookingSubject(booking), ruling, now=clock.now())
    return RulingPreview(ruling=ruling, plan=plan)


def _previewed(request: SignedInApiRequest, preview: RulingPreview) -> Response:
    return Response(RulingPreviewOut(preview, context=as_seen_by(request.user)).data)


def _ruled(
    request: SignedInApiRequest,
    booking: Booking,
    asked: dict[str, Any],
    *,
    action: str,
    fresh: Callable[[], RulingPreview],
    rule: Callable[[StaffReceipt, str | None, datetime], Operation | None],
) -> Response:
    """Rule once; answer with the booking's cases, or with the operation while it is under way."""
    key = idempotency.claim(request)
    subject = key.replayed_subject() if key else None
    if subject is not None:
        operation = operation_named(subject.removeprefix("operation:")) if subject.startswith("operation:") else None
    else:
        now = clock.now()
        receipt = receipt_for(request, booking, action=action, asked=asked, now=now)
        try:
            preview = _agreed_to(asked["preview"], fresh)
            operation = rule(receipt, preview, now)
        except Refused as refusal:
            if refusal.code != RefusalCode.PREVIEW_STALE:
                raise
            shown = RulingPreviewOut(fresh(), context=as_seen_by(request.user)).data
            raise Refused(refusal.code, fresh=shown) from refusal
    if operation is not None and undertaking_of(operation).state == State.UNDER_WAY:
        return answer_with_operation(undertaking_of(operation), request)
    return Response(cases_shown(request, booking_visible_to(request.user, ref=booking.ref)))


def _agreed_to(preview: str, fresh: Callable[[], RulingPreview]) -> str | None:
    """Return the digest that the operation is to check, or None for a ruling after which everything goes on.

    Whether a ruling makes a plan depends on nothing that could change meanwhile, so it is checked here.
    """
    plan = fresh().plan
    if (plan is None) != (preview == NOTHING_MOVES):
        raise Refused("preview_stale")
    return None if plan is None else preview
