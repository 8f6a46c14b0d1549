"""Whose payouts to the bank are held, since when, by whom and why, and what Stripe said to it."""

from django.contrib import admin
from django.utils.safestring import SafeString

from instainstru.admin.read_only import ReadOnlyAdmin, ReadOnlyInline
from instainstru.templatetags.pieces import pill
from payments.models import PayoutHold, ScheduleChange


class PayoutHoldInline(ReadOnlyInline):
    model = PayoutHold
    ordering = ["-held_at"]
    fields = ["reason", "held_by", "held_at", "release_reason", "released_by", "released_at"]
    verbose_name_plural = "holds of payouts to the bank"


class ScheduleChangeInline(ReadOnlyInline):
    model = ScheduleChange
    ordering = ["-id"]
    fields = ["kind", "schedule", "asked_by", "asked_at", "answered_at", "refusal", "times_sent"]
    verbose_name_plural = "changes of the schedule of payouts"


@admin.register(PayoutHold)
class PayoutHoldAdmin(ReadOnlyAdmin):
    list_display = ["payee", "state", "reason", "held_by", "held_at", "released_at"]
    list_filter = [("released_at", admin.EmptyFieldListFilter)]
    list_select_related = ["payee__user", "held_by"]
    ordering = ["-id"]
    search_fields = ["payee__user__email", "payee__user__name", "payee__account_id__exact"]
    search_help_text = "An instructor's name or e-mail address, or acct_…"

    @admin.display(description="state")
    def state(self, hold: PayoutHold) -> SafeString:
        return pill("done", "Released") if hold.released_at else pill("waiting", "Held")


@admin.register(ScheduleChange)
class ScheduleChangeAdmin(ReadOnlyAdmin):
    list_display = ["payee", "state", "kind", "schedule", "asked_by", "asked_at"]
    list_filter = ["kind", ("answered_at", admin.EmptyFieldListFilter)]
    list_select_related = ["payee__user", "asked_by"]
    ordering = ["-id"]
    search_fields = ["payee__user__email", "payee__user__name", "payee__account_id__exact"]
    search_help_text = "An instructor's name or e-mail address, or acct_…"

    @admin.display(description="state")
    def state(self, change: ScheduleChange) -> SafeString:
        if change.answered_at is None:
            return pill("waiting", "No answer yet")
        return pill("failed", "Refused") if change.refusal else pill("done", "Done")
