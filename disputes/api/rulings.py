"""Staff rule on what was reported or disputed (P8.3, P8.4): previewed, with a reason, written down."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from bookings.api.answers import answer_with_operation, as_seen_by
from bookings.api.staff import receipt_for, staff_with
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
from payments.policy.plan import Plan
from payments.policy.states import DisputeRuling, NoShowRuling
from payments.queries import State, operation_named, undertaking_of

_RULING = ("under_review", "already_settled")
UNFOUNDED = {"ruling": "unfounded", "reason": "Both were in the call.", "preview": NOTHING_MOVES}


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """What staff rule on: how a ruling on it is asked for, previewed and made."""

    action: str  # as the audit calls it
    previewed_by: type[Serializer[Any]]
    ruled_by: type[Serializer[Any]]
    rulings: type[NoShowRuling] | type[DisputeRuling]
    plan_of: Callable[..., Plan | None]
    rule: Callable[..., Operation | None]

    def preview(self, booking: Booking, ruling: str) -> RulingPreview:
        chosen = self.rulings(ruling)
        return RulingPreview(ruling=chosen, plan=self.plan_of(BookingSubject(booking), chosen, now=clock.now()))


NO_SHOW = Matter(
    action="rule-no-show",
    previewed_by=NoShowRulingPreviewIn,
    ruled_by=NoShowRulingIn,
    rulings=NoShowRuling,
    plan_of=operations.preview_no_show_ruling,
    rule=operations.rule_no_show,
)
DISPUTE = Matter(
    action="rule-dispute",
    previewed_by=DisputeRulingPreviewIn,
    ruled_by=DisputeRulingIn,
    rulings=DisputeRuling,
    plan_of=operations.preview_dispute_ruling,
    rule=operations.rule_dispute,
)


class PreviewRuling(APIView):
    """What a ruling would do now: nothing is changed."""

    permission_classes = [staff_with(RULE_CASES)]
    throttle_scope = "read"
    matter: ClassVar[Matter]

    def post(self, request: SignedInApiRequest, ref: str) -> Response:
        body = self.matter.previewed_by(data=request.data)
        body.is_valid(raise_exception=True)
        preview = self.matter.preview(booking_visible_to(request.user, ref=ref), body.validated_data["ruling"])
        return Response(RulingPreviewOut(preview, context=as_seen_by(request.user)).data)


class Rule(APIView):
    """Rule and carry it out; answer with the booking's cases, or with the operation while it is under way."""

    permission_classes = [staff_with(RULE_CASES)]
    throttle_scope = "money"
    matter: ClassVar[Matter]

    def post(self, request: SignedInApiRequest, ref: str) -> Response:
        body = self.matter.ruled_by(data=request.data)
        body.is_valid(raise_exception=True)
        booking, key = booking_visible_to(request.user, ref=ref), idempotency.claim(request)
        subject = key.replayed_subject() if key else None
        if subject is None:
            try:
                operation = self._rule(request, booking, body.validated_data)
            except Refused:
                # The same request, sent twice at once: it is refused because the other one has done it.
                subject = key.replayed_subject() if key else None
                if subject is None:
                    raise
        if subject is not None:
            operation = operation_named(subject.removeprefix("operation:"))
        if operation is not None and undertaking_of(operation).state == State.UNDER_WAY:
            return answer_with_operation(undertaking_of(operation), request)
        return Response(cases_shown(request, booking_visible_to(request.user, ref=ref)))

    def _rule(self, request: SignedInApiRequest, booking: Booking, asked: dict[str, Any]) -> Operation | None:
        now = clock.now()
        receipt = receipt_for(request, booking, action=self.matter.action, asked=asked, now=now)
        fresh = partial(self.matter.preview, booking, asked["ruling"])
        try:
            return self.matter.rule(
                booking=booking,
                ruling=self.matter.rulings(asked["ruling"]),
                actor=request.user,
                reason=asked["reason"],
                preview=_agreed_to(asked["preview"], fresh()),
                receipt=receipt,
                now=now,
            )
        except Refused as refusal:
            if refusal.code != RefusalCode.PREVIEW_STALE:
                raise
            shown = RulingPreviewOut(fresh(), context=as_seen_by(request.user)).data
            raise Refused(refusal.code, fresh=shown) from refusal


def _previewing(matter: Matter) -> Callable[[type[PreviewRuling]], type[PreviewRuling]]:
    return extend_schema_view(
        post=extend_schema(
            tags=["staff"],
            request=matter.previewed_by,
            responses=RulingPreviewOut,
            extensions=may_meet(*_RULING),
        )
    )


def _ruling(matter: Matter, *examples: OpenApiExample) -> Callable[[type[Rule]], type[Rule]]:
    return extend_schema_view(
        post=extend_schema(
            tags=["staff"],
            request=matter.ruled_by,
            responses={200: CasesOut, 202: OperationOut},
            extensions=may_meet(*_RULING, "preview_stale"),
            examples=list(examples),
        )
    )


@_previewing(NO_SHOW)
class PreviewNoShowRuling(PreviewRuling):
    """What a ruling on a booking's reports would do now: nothing is changed."""

    matter = NO_SHOW


@_ruling(NO_SHOW, OpenApiExample("Unfounded", value=UNFOUNDED, request_only=True))
class RuleNoShow(Rule):
    """Rule on a booking's open reports, both of them if both sides reported, and carry it out (P8.3)."""

    matter = NO_SHOW


@_previewing(DISPUTE)
class PreviewDisputeRuling(PreviewRuling):
    """What a ruling on a booking's dispute would do now: nothing is changed."""

    matter = DISPUTE


@_ruling(DISPUTE)
class RuleDispute(Rule):
    """Rule on a booking's open dispute and carry it out (P8.4)."""

    matter = DISPUTE


def _agreed_to(preview: str, fresh: RulingPreview) -> str | None:
    """Return the digest that the operation is to check, or None for a ruling after which everything goes on.

    Whether a ruling makes a plan depends on nothing that could change meanwhile, so it is checked here.
    """
    if (fresh.plan is None) != (preview == NOTHING_MOVES):
        raise Refused("preview_stale")
    return None if fresh.plan is None else preview
