"""The least that an API of this kind can do: one indexed select, said in JSON."""

from django.shortcuts import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bookings.models import Booking


class SignedIn(APIView):
    """A booking's few words, for whoever is signed in, counted as every request is."""

    def get(self, request: Request, ref: str) -> Response:
        return Response(get_object_or_404(Booking.objects.values("ref", "status", "starts_at", "ends_at"), ref=ref))


class Floor(SignedIn):
    """The same without asking who reads them."""

    authentication_classes = []
    permission_classes = []
    throttle_classes = []
