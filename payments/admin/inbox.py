"""What Stripe told us, and what became of it."""

from django.contrib import admin
from django.utils.safestring import SafeString

from instainstru.admin.read_only import ReadOnlyAdmin
from instainstru.templatetags.pieces import pill
from payments.models import EventMark, StripeEvent


@admin.register(StripeEvent)
class StripeEventAdmin(ReadOnlyAdmin):
    list_display = ["event_id", "type", "object_id", "state", "received_at", "applied_at", "attempts", "failure"]
    list_filter = [("applied_at", admin.EmptyFieldListFilter), ("next_try_at", admin.EmptyFieldListFilter)]
    ordering = ["-id"]
    search_fields = ["event_id__exact", "object_id__exact", "type__startswith"]
    search_help_text = "An event's id, the id of what it is about, or its type: payment_intent."

    @admin.display(description="state")
    def state(self, event: StripeEvent) -> SafeString:
        if event.applied_at:
            return pill("done", "Applied")
        return pill("queued", "To be applied") if event.next_try_at else pill("failed", "Given up")


@admin.register(EventMark)
class EventMarkAdmin(ReadOnlyAdmin):
    list_display = ["account", "complete_until", "checked_at"]
    ordering = ["account_id"]
    search_fields = ["account_id__exact"]
    search_help_text = "acct_…"

    @admin.display(description="events of", ordering="account_id")
    def account(self, mark: EventMark) -> str:
        return mark.account_id or "the platform"
