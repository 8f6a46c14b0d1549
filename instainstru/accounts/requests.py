"""Requests of somebody who is signed in: what a view behind a login or `IsAuthenticated` may rely on.

Nothing makes instances of these; they say to the type checker what the guard before the view has seen to.
"""

from typing import TYPE_CHECKING

from django.http import HttpRequest
from rest_framework.request import Request

if TYPE_CHECKING:
    from knox.models import AuthToken

    from instainstru.accounts.models import User


class SignedInRequest(HttpRequest):
    """A page's request behind `login_required` or `only_for`."""

    user: "User"


class SignedInApiRequest(Request):
    """An API request behind `IsAuthenticated` or a role; `auth` is its token, or None where a session signs in."""

    user: "User"
    auth: "AuthToken | None"
