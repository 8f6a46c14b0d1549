"""Admin pages of the models that belong to no domain."""

from django.contrib import admin

from instainstru.admin.read_only import ReadOnlyAdmin
from instainstru.models import ClockOffset, IdempotentRequest


@admin.register(ClockOffset)
class ClockOffsetAdmin(ReadOnlyAdmin):
    list_display = ["ahead"]


@admin.register(IdempotentRequest)
class IdempotentRequestAdmin(ReadOnlyAdmin):
    list_display = ["key", "user", "subject", "created_at"]
    list_select_related = ["user"]
    search_fields = ["key", "subject", "user__email"]
    date_hierarchy = "created_at"
