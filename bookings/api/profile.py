"""An instructor's own profile and services."""

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.status import HTTP_201_CREATED, HTTP_204_NO_CONTENT

from bookings.api.own import OwnView, asking, own_profile
from bookings.models import Service
from bookings.operations import profile
from bookings.serializers.instructors import ProfileSerializer, ServiceSerializer
from instainstru.api import idempotency
from instainstru.api.documentation import may_meet


@extend_schema(tags=["instructor's own"])
class Profile(OwnView):
    """The instructor's own profile. The first change opens it."""

    @extend_schema(responses=ProfileSerializer)
    def get(self, request: Request) -> Response:
        return Response(ProfileSerializer(own_profile(request)).data)

    @extend_schema(request=ProfileSerializer, responses=ProfileSerializer)
    def patch(self, request: Request) -> Response:
        changes = ProfileSerializer(data=request.data, partial=True)
        changes.is_valid(raise_exception=True)
        instructor = profile.change_profile(user=asking(request), changes=changes.validated_data)
        return Response(ProfileSerializer(instructor).data)


@extend_schema(tags=["instructor's own"])
class Services(OwnView):
    """The instructor's own services, retired ones too."""

    @extend_schema(responses=ServiceSerializer(many=True))
    def get(self, request: Request) -> Response:
        services = own_profile(request).services.order_by("id")
        return Response(ServiceSerializer(services, many=True).data)

    @extend_schema(
        request=ServiceSerializer, responses={201: ServiceSerializer}, extensions=may_meet("below_price_floor")
    )
    def post(self, request: Request) -> Response:
        """Put a service on offer; its price has to keep the floor (P1.4)."""
        instructor = own_profile(request)
        key = idempotency.claim(request)
        if key and (subject := key.replayed_subject()):
            service = get_object_or_404(instructor.services, ref=subject.removeprefix("service:"))
        else:
            fields = ServiceSerializer(data=request.data)
            fields.is_valid(raise_exception=True)
            service = profile.offer_service(instructor_id=instructor.id, idempotency_key=key, **fields.validated_data)
        return Response(ServiceSerializer(service).data, status=HTTP_201_CREATED)


@extend_schema(tags=["instructor's own"])
class ServiceDetail(OwnView):
    """One of the instructor's own services."""

    @extend_schema(responses=ServiceSerializer)
    def get(self, request: Request, ref: str) -> Response:
        return Response(ServiceSerializer(self._own_service(request, ref)).data)

    @extend_schema(request=ServiceSerializer, responses=ServiceSerializer, extensions=may_meet("below_price_floor"))
    def patch(self, request: Request, ref: str) -> Response:
        """Change it; bookings made before keep their terms (P1.2)."""
        service = self._own_service(request, ref)
        changes = ServiceSerializer(data=request.data, partial=True)
        changes.is_valid(raise_exception=True)
        service = profile.change_service(service_id=service.id, changes=changes.validated_data)
        return Response(ServiceSerializer(service).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, ref: str) -> Response:
        """Retire it: it can't be booked any more; `is_active` brings it back."""
        profile.retire_service(service_id=self._own_service(request, ref).id)
        return Response(status=HTTP_204_NO_CONTENT)

    def _own_service(self, request: Request, ref: str) -> Service:
        return get_object_or_404(Service, instructor__user=request.user, ref=ref)
