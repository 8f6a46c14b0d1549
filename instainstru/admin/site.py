"""The admin site of InstaInstru's staff."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from instainstru import clock
from instainstru.admin import queues


class InstaInstruAdminSite(admin.AdminSite):
    """Django's admin under our name, whose first page says what waits for staff."""

    site_header = "InstaInstru back office"
    site_title = "InstaInstru"
    index_title = "Back office"
    index_template = "admin/home.html"

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        waiting = queues.waiting_at(clock.now(), request.user)
        return super().index(request, {"work_queues": waiting, **(extra_context or {})})
