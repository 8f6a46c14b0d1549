"""Who may ask at all, by role. What is a user's own is decided by the query that finds it, with a 404."""

from typing import TYPE_CHECKING, ClassVar

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

if TYPE_CHECKING:  # APIView imports its permissions
    from rest_framework.views import APIView


class _HasRole(BasePermission):
    role: ClassVar[str]

    def has_permission(self, request: Request, view: "APIView") -> bool:
        return request.user.is_authenticated and request.user.role == self.role


class IsStudent(_HasRole):
    role = "student"
    message = "Only students may do this."


class IsInstructor(_HasRole):
    role = "instructor"
    message = "Only instructors may do this."


class IsStaff(_HasRole):
    role = "staff"
    message = "Only our staff may do this."
