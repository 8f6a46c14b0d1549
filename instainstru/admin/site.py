"""The admin site of InstaInstru's staff."""

from typing import Any

from django.contrib import admin
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from instainstru import clock
from instainstru.admin import queues

# As staff need them; whatever is not named comes after these, by its name.
APPS = ("bookings", "payments", "credits", "disputes", "notifications", "accounts", "instainstru")


class InstaInstruAdminSite(admin.AdminSite):
    """Django's admin under our name, whose first page says what waits for staff."""

    site_header = "InstaInstru back office"
    site_title = "InstaInstru"
    index_title = "Back office"
    index_template = "admin/home.html"

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        now = clock.now()
        waiting = queues.waiting_at(now, request.user)
        shown = {
            "work_queues": [queue for queue in waiting if queue.count],
            "empty_queues": [queue for queue in waiting if not queue.count],
            "now": now,
        }
        return super().index(request, {**shown, **(extra_context or {})})

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """Return the apps, ours first and in the order of the work."""
        listed = super().get_app_list(request, app_label)
        order = {label: place for place, label in enumerate(APPS)}
        for app in listed:
            app["is_ours"] = app["app_label"] in order
        return sorted(listed, key=lambda app: order.get(app["app_label"], len(order)))

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Send strangers to the one login page, where guessing is counted; who is logged in and no staff gets a 403."""
        if request.user.is_authenticated:
            raise PermissionDenied
        return redirect_to_login(request.GET.get(REDIRECT_FIELD_NAME, reverse("admin:index")))
