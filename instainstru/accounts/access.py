"""Which pages are whose: by role. What is a user's own is decided by the query that finds it, with a 404.

What a page is sent is counted together with what the API is asked, so that nobody gets round a limit by a browser.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpResponseBase

from instainstru.accounts.models import Role
from instainstru.accounts.requests import SignedInRequest
from instainstru.api import throttles

View = Callable[..., HttpResponseBase]


def only_for(*roles: Role) -> Callable[[View], View]:
    """Show a page to users of these roles: a visitor logs in first, anybody else gets the 403 page."""

    def decorated(view: View) -> View:
        @wraps(view)
        def guarded(request: SignedInRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if request.user.role not in roles:
                raise PermissionDenied
            if request.method not in throttles.READING:
                throttles.refuse_if_too_often(request, scope=getattr(view, "throttle_scope", "write"))
            return view(request, *args, **kwargs)

        return login_required(guarded)

    return decorated


def may_move_money(view: View) -> View:
    """Count what is sent to a page as "money"; stands below the decorator that says whose page it is."""
    view.throttle_scope = "money"  # type: ignore[attr-defined]  # as a view of the API names it
    return view


students_only = only_for(Role.STUDENT)
instructors_only = only_for(Role.INSTRUCTOR)
either_side = only_for(Role.STUDENT, Role.INSTRUCTOR)
