"""What was asked for, while it is under way and after."""

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from bookings.api.answers import as_seen_by
from bookings.queries import booking_visible_to
from bookings.serializers.bookings import OperationOut
from instainstru.accounts.requests import SignedInApiRequest
from payments.queries import operation_named, undertaking_of


@extend_schema(tags=["operations"])
class OperationDetail(APIView):
    """How far an operation on one's own booking is: where a 202 leads to."""

    @extend_schema(responses=OperationOut)
    def get(self, request: SignedInApiRequest, reference: str) -> Response:
        operation = operation_named(reference)
        if operation is None:
            raise Http404
        booking_visible_to(request.user, ref=operation.payment.reference)  # not yours: not found
        return Response(OperationOut(undertaking_of(operation), context=as_seen_by(request.user)).data)
