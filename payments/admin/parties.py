"""Who pays and who is paid."""

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from instainstru import clock
from instainstru.admin.read_only import ReadOnlyAdmin, ReadOnlyInline
from instainstru.templatetags.pieces import pill
from payments.admin.payout_holds import PayoutHoldInline, ScheduleChangeInline
from payments.ledger.statements import Month, months_of, statement_named
from payments.models import AccountLock, Payee, Payer, PayoutHold
from payments.serializers.statement_files import FORMS, as_download


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

    readonly_fields = ["statements"]
    inlines = [PayoutHoldInline, ScheduleChangeInline]

    def get_urls(self) -> list[URLPattern]:
        statement = path(
            "<path:object_id>/statements/<slug:month>.<slug:form>",
            self.admin_site.admin_view(self.statement_view),
            name="payments_payee_statement",
        )
        return [statement, *super().get_urls()]

    def statement_view(self, request: HttpRequest, object_id: str, month: str, form: str) -> HttpResponse:
        """Hand out an instructor's statement of a month to whoever may look at accounts."""
        payee = self.get_object(request, unquote(object_id))
        if not self.has_view_permission(request, payee):
            raise PermissionDenied
        statement = statement_named(payee, month, now=clock.now()) if payee is not None else None
        if statement is None or form not in FORMS:
            raise Http404
        return as_download(statement, form)

    @admin.display(description="statements")
    def statements(self, payee: Payee) -> SafeString:
        """The same files that the instructor is offered."""
        return format_html_join(
            " · ",
            '<a href="{}">{}</a> (<a href="{}">CSV</a>)',
            (
                (self._statement_url(payee, month, "pdf"), month, self._statement_url(payee, month, "csv"))
                for month in months_of(payee, now=clock.now())
            ),
        )

    def _statement_url(self, payee: Payee, month: Month, form: str) -> str:
        return reverse("admin:payments_payee_statement", args=[payee.pk, month, form])

    def get_queryset(self, request: HttpRequest) -> QuerySet[Payee]:
        held = PayoutHold.objects.in_force().filter(payee=OuterRef("pk"))
        return super().get_queryset(request).annotate(is_held=Exists(held))

    @admin.display(description="payouts to the bank")
    def payouts_held(self, payee: Payee) -> SafeString | str:
        return pill("waiting", "Held") if payee.is_held else "by schedule"  # type: ignore[attr-defined]  # annotated

    @admin.display(description="Stripe still wants")
    def wanted(self, payee: Payee) -> str:
        return ", ".join(payee.requirements)
