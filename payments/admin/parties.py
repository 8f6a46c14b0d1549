"""Who pays and who is paid."""

from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from instainstru.admin.read_only import ReadOnlyAdmin, ReadOnlyInline
from instainstru.templatetags.pieces import pill
from payments.admin.payout_holds import PayoutHoldInline, ScheduleChangeInline
from payments.models import AccountLock, Payee, Payer, PayoutHold


class AccountLockInline(ReadOnlyInline):
    model = AccountLock
    ordering = ["-locked_at"]
    show_change_link = True


@admin.register(Payer)
class PayerAdmin(ReadOnlyAdmin):
    list_display = ["user", "customer_id", "card", "card_saved_at"]
    list_select_related = ["user"]
    ordering = ["-id"]
    search_fields = ["user__email", "user__name", "customer_id__exact", "card_last4__exact"]
    search_help_text = "A student's name or e-mail address, the last four digits of a card, or cus_…"
    inlines = [AccountLockInline]


class PayoutsHeld(admin.SimpleListFilter):
    title = "payouts to the bank"
    parameter_name = "held"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [("yes", "Held")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Payee]) -> QuerySet[Payee]:
        return queryset.filter(payout_holds__in=PayoutHold.objects.in_force()) if self.value() else queryset


@admin.register(Payee)
class PayeeAdmin(ReadOnlyAdmin):
    list_display = ["user", "account_id", "is_payable", "payouts_held", "wanted", "checked_at"]
    list_filter = ["is_payable", PayoutsHeld]
    list_select_related = ["user"]
    ordering = ["-id"]
    search_fields = ["user__email", "user__name", "account_id__exact"]
    search_help_text = "An instructor's name or e-mail address, or acct_…"

    inlines = [PayoutHoldInline, ScheduleChangeInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Payee]:
        held = PayoutHold.objects.in_force().filter(payee=OuterRef("pk"))
        return super().get_queryset(request).annotate(is_held=Exists(held))

    @admin.display(description="payouts to the bank")
    def payouts_held(self, payee: Payee) -> SafeString | str:
        return pill("waiting", "Held") if payee.is_held else "by schedule"  # type: ignore[attr-defined]  # annotated

    @admin.display(description="Stripe still wants")
    def wanted(self, payee: Payee) -> str:
        return ", ".join(payee.requirements)
