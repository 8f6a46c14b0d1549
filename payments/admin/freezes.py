"""What an open report, dispute or chargeback holds still (P8.1)."""

from django.contrib import admin
from django.utils.safestring import SafeString

from instainstru.admin.columns import NOTHING, instant
from instainstru.admin.links import booking_link
from instainstru.admin.read_only import ReadOnlyAdmin
from payments.admin.filters import ReviewReasonInWords
from payments.admin.words import REVIEW_REASONS, in_words
from payments.models import Freeze


@admin.register(Freeze)
class FreezeAdmin(ReadOnlyAdmin):
    list_display = ["because", "case", "story", "hold_lapses", "since", "ended_at"]
    list_filter = [("reason", ReviewReasonInWords), ("ended_at", admin.EmptyFieldListFilter)]
    list_select_related = ["payment"]
    ordering = ["-id"]
    search_fields = ["case__startswith", "payment__reference__startswith"]
    search_help_text = "A booking's reference, or a case: no_show:12."
    readonly_fields = ["story"]

    @admin.display(description="because", ordering="reason")
    def because(self, freeze: Freeze) -> str:
        return in_words(freeze.reason, REVIEW_REASONS)

    @admin.display(description="hold on the card lapses", ordering="payment__capture_before")
    def hold_lapses(self, freeze: Freeze) -> SafeString | str:
        """A hold is never charged because it would lapse; staff see when it does."""
        return NOTHING if freeze.ended_at else instant(freeze.payment.capture_before)

    @admin.display(description="whole story")
    def story(self, freeze: Freeze) -> SafeString | str:
        return booking_link(freeze.payment.reference)
