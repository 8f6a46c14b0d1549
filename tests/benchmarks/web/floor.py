"""The least that an API of this kind can do: one indexed select, said in JSON; of one row, and of a page of them."""

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bookings.models import Booking
from instainstru.api.pagination import NewestFirst


class SignedIn(APIView):
    """A booking's few words, for whoever is signed in, counted as every request is."""

    def get(self, request: Request, ref: str) -> Response:
        return Response(get_object_or_404(Booking.objects.values("ref", "status", "starts_at", "ends_at"), ref=ref))


class Floor(SignedIn):
    """The same without asking who reads them."""

    authentication_classes = []
    permission_classes = []
    throttle_classes = []


class PlainBookingOut(serializers.ModelSerializer[Booking]):
    """A booking's own columns, without anything of its money or of what may be done."""

    class Meta:
        model = Booking
        fields = "__all__"


class Page(ListAPIView):
    """A page of the reader's bookings as DRF alone would tell them: one select more than signing in takes."""

    serializer_class = PlainBookingOut
    pagination_class = NewestFirst
    filter_backends = []

    def get_queryset(self) -> QuerySet[Booking]:
        return Booking.objects.filter(student=self.request.user.pk)
