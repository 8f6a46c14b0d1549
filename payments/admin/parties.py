"""Who pays and who is paid, and why an account is locked."""

from django.contrib import admin
from django.utils.safestring import SafeString

from instainstru.admin.links import booking_link
from instainstru.admin.read_only import ReadOnlyAdmin, ReadOnlyInline
from payments.models import AccountLock, Payee, Payer


class AccountLockInline(ReadOnlyInline):
    model = AccountLock
    ordering = ["-locked_at"]


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


@admin.register(AccountLock)
class AccountLockAdmin(ReadOnlyAdmin):
    list_display = ["payer", "student", "reason", "story", "locked_at", "lifted_at"]
    list_filter = ["reason", ("lifted_at", admin.EmptyFieldListFilter)]
    list_select_related = ["payer__user"]
    ordering = ["-id"]
    search_fields = ["payer__user__email", "reference__startswith"]
    search_help_text = "A student's e-mail address or a booking's reference."

    @admin.display(description="student", ordering="payer__user__name")
    def student(self, lock: AccountLock) -> str:
        return lock.payer.user.name

    @admin.display(description="came of")
    def story(self, lock: AccountLock) -> SafeString | str:
        return booking_link(lock.reference)
