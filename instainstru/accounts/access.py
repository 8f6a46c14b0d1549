"""Which pages are whose: by role. What is a user's own is decided by the query that finds it, with a 404."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpResponseBase

from instainstru.accounts.models import Role
from instainstru.accounts.requests import SignedInRequest

View = Callable[..., HttpResponseBase]


def only_for(*roles: Role) -> Callable[[View], View]:
    """Show a page to users of these roles: a visitor logs in first, anybody else gets the 403 page."""

    def decorated(view: View) -> View:
        @wraps(view)
        def guarded(request: SignedInRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if request.user.role not in roles:
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return login_required(guarded)

    return decorated


students_only = only_for(Role.STUDENT)
instructors_only = only_for(Role.INSTRUCTOR)
either_side = only_for(Role.STUDENT, Role.INSTRUCTOR)
