"""Admin pages of the models that belong to no domain."""

from django.contrib import admin
from django.utils.safestring import SafeString

from instainstru.admin.links import booking_link
from instainstru.admin.read_only import ReadOnlyAdmin
from instainstru.models import ClockOffset, IdempotentRequest, StaffAction


@admin.register(ClockOffset)
class ClockOffsetAdmin(ReadOnlyAdmin):
    list_display = ["ahead"]


@admin.register(IdempotentRequest)
class IdempotentRequestAdmin(ReadOnlyAdmin):
    list_display = ["key", "user", "subject", "created_at"]
    list_select_related = ["user"]
    search_fields = ["key", "subject", "user__email"]
    date_hierarchy = "created_at"


@admin.register(StaffAction)
class StaffActionAdmin(ReadOnlyAdmin):
    """Who did what, when, from where and why."""

    list_display = ["done_at", "action", "story", "actor", "reason_in_short", "address"]
    list_select_related = ["actor"]
    ordering = ["-done_at", "-id"]
    date_hierarchy = "done_at"
    search_fields = ["subject__startswith", "actor__email", "actor__name"]
    search_help_text = "A booking's reference, or the name or e-mail address of who did it."
    readonly_fields = ["story"]

    @admin.display(description="to what", ordering="subject")
    def story(self, action: StaffAction) -> SafeString | str:
        return booking_link(action.subject)

    @admin.display(description="why")
    def reason_in_short(self, action: StaffAction) -> str:
        return action.reason if len(action.reason) <= 120 else f"{action.reason[:120]}…"
