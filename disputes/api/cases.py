"""What went wrong with a lesson: read it, report a no-show, contest or withdraw the report, open a dispute."""

from django.http import Http404
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.response import Response
from rest_framework.status import HTTP_201_CREATED
from rest_framework.views import APIView

from bookings.models import Booking
from bookings.queries import booking_visible_to
from disputes import operations
from disputes.api.answers import answer_with_case, cases_shown, taken_in_once
from disputes.models import Case, NoShowReport
from disputes.operations.available import party_towards
from disputes.policy import ACCUSED_BY
from disputes.queries import case_visible_to
from disputes.serializers.asking import DisputeIn, ReportIn, StatementIn
from disputes.serializers.cases import CaseOut, CasesOut
from instainstru import clock
from instainstru.accounts.models import User
from instainstru.accounts.requests import SignedInApiRequest
from instainstru.admin.rights import TAKE_IN_CASES
from instainstru.api import idempotency
from instainstru.api.documentation import may_meet
from payments.policy.states import Party

NOBODY_CAME = {"statement": "I waited for half an hour, and nobody came."}


@extend_schema(tags=["cases"])
class BookingCases(APIView):
    """Everything that went wrong with a lesson, and what can be done about it now and until when."""

    @extend_schema(responses=CasesOut)
    def get(self, request: SignedInApiRequest, ref: str) -> Response:
        return Response(cases_shown(request, booking_visible_to(request.user, ref=ref)))


@extend_schema(tags=["cases"])
class CaseDetail(APIView):
    """One report of a no-show, dispute or chargeback."""

    @extend_schema(responses=CaseOut)
    def get(self, request: SignedInApiRequest, ref: str) -> Response:
        return answer_with_case(request, ref)


@extend_schema(tags=["cases"])
class NoShowReports(APIView):
    """Report that the other side did not come, from the start until a day after the end (P8.1).

    The lesson's money stays where it is until that is decided. If the other side has reported you, reporting it counts
    as contesting.
    """

    throttle_scope = "money"

    @extend_schema(
        request=ReportIn,
        responses={201: CaseOut},
        extensions=may_meet("report_window_closed", "already_reported", "already_settled", "already_completed"),
        examples=[OpenApiExample("The instructor did not come", value=NOBODY_CAME, request_only=True)],
    )
    def post(self, request: SignedInApiRequest, ref: str) -> Response:
        booking, key = booking_visible_to(request.user, ref=ref), idempotency.claim(request)
        by = _party_with_right(booking, request.user)
        body = ReportIn(data=request.data)
        body.is_valid(raise_exception=True)
        absent = _side_meant(by, "absent", body.validated_data["absent"], otherwise=ACCUSED_BY.get(by))
        reported = taken_in_once(
            key,
            lambda: operations.report_no_show(
                booking=booking,
                actor=request.user,
                by=by,
                absent=absent,
                statement=body.validated_data["statement"],
                receipt=key,
                now=clock.now(),
            ),
        )
        return answer_with_case(request, reported, status=HTTP_201_CREATED)


@extend_schema(tags=["cases"])
class ContestReport(APIView):
    """Contest a report that you did not come, within 24 hours; then our staff decide (P8.2). Twice is once."""

    @extend_schema(
        request=StatementIn,
        responses=CaseOut,
        extensions=may_meet("contest_window_closed", "already_settled"),
        examples=[OpenApiExample("I was there", value={"statement": "I was in the call."}, request_only=True)],
    )
    def post(self, request: SignedInApiRequest, ref: str) -> Response:
        report, key = _report(request.user, ref), idempotency.claim(request)
        if party_towards(report.booking, request.user) != report.absent:
            raise PermissionDenied("Only the side that is said not to have come contests a report.")
        body = StatementIn(data=request.data)
        body.is_valid(raise_exception=True)

        def contest() -> Case:
            return operations.contest_no_show(
                report=report, actor=request.user, receipt=key, now=clock.now(), **body.validated_data
            )

        return answer_with_case(request, taken_in_once(key, contest))


@extend_schema(tags=["cases"])
class WithdrawReport(APIView):
    """Take a report of yours back before it is contested, confirmed or ruled (P8.2); it can't be made again."""

    throttle_scope = "money"

    @extend_schema(request=None, responses=CaseOut, extensions=may_meet("under_review", "already_settled"))
    def post(self, request: SignedInApiRequest, ref: str) -> Response:
        report, key = _report(request.user, ref), idempotency.claim(request)
        if _party_with_right(report.booking, request.user) != report.reported_by:
            raise PermissionDenied("Only the side that reported takes a report back.")
        withdrawn = taken_in_once(key, lambda: operations.withdraw_no_show(report=report, receipt=key, now=clock.now()))
        return answer_with_case(request, withdrawn)


@extend_schema(tags=["cases"])
class Disputes(APIView):
    """Dispute a lesson, from its start until a day after its end; staff on behalf of a side much longer (P8.4)."""

    throttle_scope = "money"

    @extend_schema(
        request=DisputeIn,
        responses={201: CaseOut},
        extensions=may_meet("lesson_not_started", "dispute_window_closed", "already_reported", "under_review"),
        examples=[OpenApiExample("By a side", value={"statement": "It lasted ten minutes."}, request_only=True)],
    )
    def post(self, request: SignedInApiRequest, ref: str) -> Response:
        booking, key = booking_visible_to(request.user, ref=ref), idempotency.claim(request)
        by = _party_with_right(booking, request.user)
        body = DisputeIn(data=request.data)
        body.is_valid(raise_exception=True)
        for_whom = _side_meant(by, "on_behalf_of", body.validated_data["on_behalf_of"], otherwise=by)
        opened = taken_in_once(
            key,
            lambda: operations.open_dispute(
                booking=booking,
                actor=request.user,
                by=by,
                on_behalf_of=for_whom,
                statement=body.validated_data["statement"],
                receipt=key,
                now=clock.now(),
            ),
        )
        return answer_with_case(request, opened, status=HTTP_201_CREATED)


def _report(user: User, ref: str) -> NoShowReport:
    case = case_visible_to(user, ref=ref)
    if not isinstance(case, NoShowReport):
        raise Http404
    return case


def _party_with_right(booking: Booking, user: User) -> Party:
    """Return on which side a user brings a case or takes it back; staff need the right to. Raises PermissionDenied."""
    by = party_towards(booking, user)
    if by == Party.STAFF and not user.has_perm(TAKE_IN_CASES):
        raise PermissionDenied("Your account lacks the right to do this.")
    return by


def _side_meant(by: Party, field: str, meant: str | None, *, otherwise: Party | None) -> Party:
    """Return the side that is meant: for students and instructors it follows from who they are, staff say it."""
    if by != Party.STAFF:
        assert otherwise is not None
        return otherwise
    if meant is None:
        raise ValidationError({field: "Say which side you mean."}, code="required")
    return Party(meant)
