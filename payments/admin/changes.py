"""What was done to payments at Stripe, not by us (P8.8)."""

from django.contrib import admin
from django.utils.safestring import SafeString

from instainstru.admin.links import booking_link
from instainstru.admin.read_only import ReadOnlyAdmin
from payments.models import ChangeAtStripe


@admin.register(ChangeAtStripe)
class ChangeAtStripeAdmin(ReadOnlyAdmin):
    list_display = ["kind", "amount_cents", "story", "object_id", "noticed_at", "seen_at", "seen_by"]
    list_filter = ["kind", ("seen_at", admin.EmptyFieldListFilter)]
    list_select_related = ["payment", "seen_by"]
    ordering = ["-id"]
    search_fields = ["payment__reference__startswith", "object_id__exact"]
    search_help_text = "A booking's reference, or the id of an object at Stripe: re_, trr_, ch_."
    readonly_fields = ["story"]

    @admin.display(description="whole story")
    def story(self, change: ChangeAtStripe) -> SafeString | str:
        return booking_link(change.payment.reference)
