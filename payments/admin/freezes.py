"""What an open report, dispute or chargeback holds still (P8.1)."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from instainstru.admin.columns import NOTHING, instant
from instainstru.admin.links import booking_link
from instainstru.admin.read_only import ReadOnlyAdmin
from payments.admin.words import REVIEW_REASONS, in_words
from payments.models import Freeze


class InForce(admin.SimpleListFilter):
    title = "freeze"
    parameter_name = "ended"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [("no", "In force"), ("yes", "Ended")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Freeze]) -> QuerySet[Freeze]:
        return queryset.filter(ended_at__isnull=self.value() == "no") if self.value() else queryset


@admin.register(Freeze)
class FreezeAdmin(ReadOnlyAdmin):
    list_display = ["case", "story", "hold_lapses", "since", "ended_at"]
    list_filter = [InForce, "reason"]
    list_select_related = ["payment"]
    ordering = ["-id"]
    search_fields = ["case__startswith", "payment__reference__startswith"]
    search_help_text = "A booking's reference, or a case: no_show:12."
    readonly_fields = ["story"]

    @admin.display(description="hold lapses", ordering="payment__capture_before")
    def hold_lapses(self, freeze: Freeze) -> SafeString | str:
        """A hold is never charged because it would lapse; staff see when it does."""
        return NOTHING if freeze.ended_at else instant(freeze.payment.capture_before)

    @admin.display(description="payment", ordering="payment__reference")
    def story(self, freeze: Freeze) -> SafeString:
        """What is frozen, and below it why."""
        because = in_words(freeze.reason, REVIEW_REASONS)
        return format_html('{}<span class="below">{}</span>', booking_link(freeze.payment.reference), because)
