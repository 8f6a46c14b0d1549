"""Showing evidence in a case, and giving its files to those whom they concern (P8.5)."""

from django.http import FileResponse
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import PermissionDenied
from rest_framework.parsers import MultiPartParser
from rest_framework.renderers import BaseRenderer
from rest_framework.response import Response
from rest_framework.status import HTTP_201_CREATED
from rest_framework.views import APIView

from disputes.api.answers import evidence_problems
from disputes.models import Evidence
from disputes.operations.available import party_towards
from disputes.operations.evidence import EvidenceRefused, add_evidence, inspect
from disputes.operations.file_types import ACCEPTED
from disputes.queries import case_visible_to, evidence_visible_to
from disputes.serializers.asking import EvidenceIn
from disputes.serializers.cases import EvidenceOut
from disputes.serializers.files import hand_out
from instainstru import clock
from instainstru.accounts.requests import SignedInApiRequest
from instainstru.admin.rights import TAKE_IN_CASES
from instainstru.api import idempotency
from instainstru.api.documentation import may_meet
from instainstru.api.parsing import StrictJSONParser
from instainstru.api.uploads import was_too_large
from payments.policy.states import Party


@extend_schema(tags=["cases"])
class CaseEvidence(APIView):
    """Show words, a file, or both in an open case. What was shown can't be taken back; both sides see it.

    Twenty pieces a side and case. The same shown twice is shown once. Against a chargeback the instructor and our
    staff are heard, until our evidence is at the bank, and what each shows the other side does not see.
    """

    parser_classes = [MultiPartParser, StrictJSONParser]

    @extend_schema(
        request=EvidenceIn,
        responses={201: EvidenceOut},
        extensions=may_meet("file_too_large", "file_type_not_accepted", "too_much_evidence", "evidence_closed"),
    )
    def post(self, request: SignedInApiRequest, ref: str) -> Response:
        case = case_visible_to(request.user, ref=ref)
        by = party_towards(case.booking, request.user)
        if by == Party.STAFF and not request.user.has_perm(TAKE_IN_CASES):
            raise PermissionDenied("Your account lacks the right to do this.")
        body, key = EvidenceIn(data=request.data), idempotency.claim(request)
        with evidence_problems():
            if was_too_large(request):
                raise EvidenceRefused("file_too_large")
            body.is_valid(raise_exception=True)
            if key and (subject := key.replayed_subject()):
                shown = Evidence.objects.get(ref=subject.removeprefix("evidence:"))
            else:
                upload = body.validated_data["file"]
                shown = add_evidence(
                    case=case,
                    actor=request.user,
                    by=by,
                    statement=body.validated_data["statement"],
                    file=None if upload is None else inspect(upload),
                    receipt=key,
                    now=clock.now(),
                )
        return Response(EvidenceOut(shown).data, status=HTTP_201_CREATED)


class AsItIs(BaseRenderer):
    """Whatever a client says that it accepts, a file is what it is."""

    media_type = "*/*"
    format = "file"


@extend_schema(tags=["cases"])
class EvidenceFile(APIView):
    """The file of a piece of evidence, for the parties of its booking and our staff."""

    renderer_classes = [AsItIs]

    @extend_schema(responses={(200, content_type): OpenApiTypes.BINARY for content_type in ACCEPTED})
    def get(self, request: SignedInApiRequest, ref: str) -> FileResponse:
        shown = evidence_visible_to(request.user).exclude(file="")
        return hand_out(get_object_or_404(shown, ref=ref))
