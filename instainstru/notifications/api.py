"""The recipient's own messages."""

from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from instainstru import clock
from instainstru.notifications import operations, queries
from instainstru.notifications.models import MessageQuerySet
from instainstru.notifications.serializers import MessageOut


@extend_schema(tags=["messages"], parameters=[OpenApiParameter("unread", OpenApiTypes.BOOL, description="Only these.")])
class Messages(ListAPIView):
    """GET /api/v1/messages: the newest first."""

    serializer_class = MessageOut
    filter_backends = []

    def get_queryset(self) -> MessageQuerySet:
        shown = queries.messages_shown_to(self.request.user)
        return shown.unread() if self.request.query_params.get("unread") == "true" else shown


class MessageRead(APIView):
    """POST /api/v1/messages/{ref}/read"""

    @extend_schema(tags=["messages"], request=None, responses=MessageOut)
    def post(self, request: Request, ref: str) -> Response:
        shown = queries.messages_shown_to(request.user)
        get_object_or_404(shown, ref=ref)
        operations.mark_read(recipient=request.user, ref=ref, now=clock.now())
        return Response(MessageOut(shown.get(ref=ref)).data)


class AllMessagesRead(APIView):
    """POST /api/v1/messages/read"""

    @extend_schema(tags=["messages"], operation_id="messages_read_all", request=None, responses={204: None})
    def post(self, request: Request) -> Response:
        operations.mark_read(recipient=request.user, now=clock.now())
        return Response(status=204)
