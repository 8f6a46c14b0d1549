"""The outbox as staff see it."""

from django.contrib import admin

from instainstru.admin.read_only import ReadOnlyAdmin
from instainstru.notifications import rendering
from instainstru.notifications.kinds import kind_of
from instainstru.notifications.models import Message


@admin.register(Message)
class MessageAdmin(ReadOnlyAdmin):
    list_display = ["ref", "key", "recipient", "reference", "queued_at", "sent_at", "attempts", "failure"]
    list_filter = ["key", ("sent_at", admin.EmptyFieldListFilter), ("next_try_at", admin.EmptyFieldListFilter)]
    list_select_related = ["recipient"]
    search_fields = ["ref", "recipient__email", "reference", "dedupe_key"]
    date_hierarchy = "queued_at"
    readonly_fields = ["as_shown"]

    @admin.display(description="As the recipient reads it")
    def as_shown(self, message: Message) -> str:
        if not kind_of(message.key).is_shown_in_product:
            return "Only the e-mail holds it."
        return "\n\n".join(rendering.subject_and_text(message))
