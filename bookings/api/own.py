"""What every endpoint of an instructor's own things shares."""

from typing import cast

from django.shortcuts import get_object_or_404
from rest_framework.request import Request
from rest_framework.views import APIView

from bookings.models import Instructor
from instainstru.accounts.models import User
from instainstru.api.permissions import IsInstructor


class OwnView(APIView):
    """An endpoint under `/instructor`, about the profile of the instructor who asks and of nobody else."""

    permission_classes = [IsInstructor]


def asking(request: Request) -> User:
    """Return who asks; the permission has seen to it that it is an instructor."""
    return cast(User, request.user)


def own_profile(request: Request) -> Instructor:
    """Return the profile of the instructor who asks; raises Http404 until they have opened it."""
    return get_object_or_404(Instructor, user=request.user)
