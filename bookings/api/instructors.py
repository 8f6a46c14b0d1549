"""What the public sees: instructors, and when they are free."""

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.pagination import BasePagination
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import ValidationError
from rest_framework.views import APIView

from bookings import queries
from bookings.models import Instructor, Service
from bookings.serializers.availability import SlotQuery, SlotsSerializer
from bookings.serializers.instructors import InstructorQuery, InstructorSerializer, InstructorSummarySerializer
from instainstru import clock
from instainstru.api.pagination import NewestFirst
from payments.policy.pricing import lesson_price


class InOrderAsked(NewestFirst):
    """Pages of instructors, in the order that the query names."""

    ORDERINGS = {
        "newest": ("-joined_at", "-id"),
        "price": ("lowest_price_cents", "id"),
        "-price": ("-lowest_price_cents", "-id"),
    }

    def get_ordering(self, request: Request, queryset: QuerySet, view: Any) -> tuple[str, ...]:
        return self.ORDERINGS[view.asked["ordering"]]


@extend_schema(parameters=[InstructorQuery], tags=["instructors"])
class Instructors(ListAPIView):
    """List the instructors who sell what is asked for."""

    permission_classes = [AllowAny]
    serializer_class = InstructorSummarySerializer
    pagination_class: type[BasePagination] = InOrderAsked
    filter_backends = []
    queryset = Instructor.objects.none()

    def get_queryset(self) -> QuerySet[Instructor]:
        query = InstructorQuery(data=self.request.query_params)
        query.is_valid(raise_exception=True)
        self.asked = query.validated_data
        return queries.instructors_listed(**{name: value for name, value in self.asked.items() if name != "ordering"})


@extend_schema(tags=["instructors"])
class InstructorDetail(APIView):
    """One listed instructor with everything on offer."""

    permission_classes = [AllowAny]

    @extend_schema(responses=InstructorSerializer)
    def get(self, request: Request, ref: str) -> Response:
        instructor = get_object_or_404(queries.with_their_offer(Instructor.objects.listed()), ref=ref)
        return Response(InstructorSerializer(instructor).data)


@extend_schema(tags=["instructors"])
class Slots(APIView):
    """The lessons of one service and length that can be booked now."""

    permission_classes = [AllowAny]

    @extend_schema(parameters=[SlotQuery], responses=SlotsSerializer)
    def get(self, request: Request, ref: str) -> Response:
        instructor = get_object_or_404(Instructor.objects.listed(), ref=ref)
        query = SlotQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        asked = query.validated_data
        service = _service_on_offer(instructor, ref=asked["service"], minutes=asked["minutes"])
        slots = queries.slots_of(
            instructor, minutes=asked["minutes"], since=asked["since"], until=asked["until"], now=clock.now()
        )
        answer = {
            "service": service.ref,
            "minutes": asked["minutes"],
            "lesson_price_cents": lesson_price(hourly_price=service.hourly_price_cents, minutes=asked["minutes"]),
            "time_zone": instructor.time_zone,
            "slots": slots,
        }
        return Response(SlotsSerializer(answer).data)


def _service_on_offer(instructor: Instructor, *, ref: str, minutes: int) -> Service:
    service = instructor.services.active().filter(ref=ref).first()
    if service is None:
        raise ValidationError({"service": "This instructor does not offer that service."})
    if minutes not in service.durations:
        lengths = ", ".join(map(str, service.durations))
        raise ValidationError({"minutes": f"Lessons of this service last {lengths} minutes."})
    return service
