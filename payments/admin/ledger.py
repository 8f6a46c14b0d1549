"""The ledger as staff see it: entries with their postings."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from instainstru.admin.columns import NOTHING
from instainstru.admin.links import booking_link
from instainstru.admin.read_only import ReadOnlyAdmin, ReadOnlyInline
from instainstru.money import dollars
from payments.admin.words import ACCOUNTS, in_words
from payments.models import JournalEntry, Posting


class DebitAndCredit:
    """Shows an amount in the column that bookkeepers look for it in."""

    @admin.display(description="debit", ordering="amount_cents")
    def debit(self, posting: Posting) -> str:
        return dollars(posting.amount_cents) if posting.amount_cents > 0 else ""

    @admin.display(description="credit", ordering="-amount_cents")
    def credit(self, posting: Posting) -> str:
        return dollars(-posting.amount_cents) if posting.amount_cents < 0 else ""


class PostingInline(DebitAndCredit, ReadOnlyInline):
    model = Posting
    fields = ["account", "owner", "payment", "debit", "credit"]
    readonly_fields = ["debit", "credit"]
    ordering = ["id"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Posting]:
        return super().get_queryset(request).select_related("owner", "payment")


@admin.register(JournalEntry)
class JournalEntryAdmin(ReadOnlyAdmin):
    list_display = ["occurred_at", "description", "postings_in_short", "rule", "story", "cause"]
    list_select_related = ["payment"]
    ordering = ["-occurred_at", "-id"]
    date_hierarchy = "occurred_at"
    search_fields = ["cause__startswith", "payment__reference__startswith", "stripe_object_id__exact"]
    search_help_text = "A cause, a booking's reference, or the id of an object at Stripe."
    readonly_fields = ["story"]
    inlines = [PostingInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[JournalEntry]:
        return super().get_queryset(request).prefetch_related("postings")

    @admin.display(description="postings")
    def postings_in_short(self, entry: JournalEntry) -> SafeString:
        """Debits stand without a sign, credits with a minus."""
        lines = [(in_words(line.account, ACCOUNTS), dollars(line.amount_cents)) for line in entry.postings.all()]
        return format_html_join("", '<span class="posting">{} <b>{}</b></span>', lines)

    @admin.display(description="whole story")
    def story(self, entry: JournalEntry) -> SafeString | str:
        return booking_link(entry.payment.reference) if entry.payment else NOTHING


@admin.register(Posting)
class PostingAdmin(DebitAndCredit, ReadOnlyAdmin):
    list_display = ["id", "account", "owner", "debit", "credit", "entry", "payment"]
    list_filter = ["account"]
    list_select_related = ["entry", "owner", "payment"]
    ordering = ["-id"]
    search_fields = ["payment__reference__startswith", "owner__email", "entry__cause__startswith"]
    search_help_text = "A booking's reference, an account owner's e-mail address, or an entry's cause."
    fields = ["entry", "account", "owner", "payment", "debit", "credit", "currency"]
    readonly_fields = ["debit", "credit"]
