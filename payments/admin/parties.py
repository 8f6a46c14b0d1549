"""Who pays and who is paid."""

from django.contrib import admin

from instainstru.admin.read_only import ReadOnlyAdmin, ReadOnlyInline
from payments.models import AccountLock, Payee, Payer


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


@admin.register(Payee)
class PayeeAdmin(ReadOnlyAdmin):
    list_display = ["user", "account_id", "is_payable", "wanted", "checked_at"]
    list_filter = ["is_payable"]
    list_select_related = ["user"]
    ordering = ["-id"]
    search_fields = ["user__email", "user__name", "account_id__exact"]
    search_help_text = "An instructor's name or e-mail address, or acct_…"

    @admin.display(description="Stripe still wants")
    def wanted(self, payee: Payee) -> str:
        return ", ".join(payee.requirements)
