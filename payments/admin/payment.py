"""Payments as staff see them; the booking's page tells the whole story."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from instainstru.admin.links import booking_link
from instainstru.admin.read_only import ReadOnlyAdmin
from instainstru.money import dollars
from instainstru.templatetags.pieces import pill
from payments.admin.filters import OutcomeInWords, ReviewReasonInWords
from payments.admin.words import OUTCOMES, REVIEW_REASONS, in_words
from payments.models import Payment


class OwesMoney(admin.SimpleListFilter):
    title = "debt"
    parameter_name = "owed"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [("yes", "The student owes it (P10.2)")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Payment]) -> QuerySet[Payment]:
        return queryset.filter(owed_cents__gt=0) if self.value() else queryset


@admin.register(Payment)
class PaymentAdmin(ReadOnlyAdmin):
    list_display = [
        "reference",
        "state",
        "sides",
        "card_total",
        "captured_cents",
        "refunded_to_card_cents",
        "instructor_has",
        "story",
    ]
    list_filter = [
        "status",
        ("review_reason", ReviewReasonInWords),
        ("settlement_outcome", OutcomeInWords),
        OwesMoney,
        "tier",
    ]
    list_select_related = ["payer__user", "payee__user"]
    ordering = ["-id"]
    search_fields = [
        "reference__startswith",
        "payer__user__email",
        "payee__user__email",
        "intent_id__exact",
        "charge_id__exact",
        "transfer_id__exact",
        "payer__customer_id__exact",
        "payee__account_id__exact",
    ]
    search_help_text = "A booking's reference, an e-mail address, or an id of Stripe's: pi_, ch_, tr_, cus_, acct_."
    readonly_fields = ["story", "card_total", "payout", "instructor_has"]
    fieldsets = [
        (None, {"fields": ["reference", "story", "payer", "payee"]}),
        (
            "State",
            {
                "fields": [
                    "status",
                    "former_status",
                    "review_reason",
                    "review_error",
                    "review_since",
                    "settlement_outcome",
                    "settled_at",
                ]
            },
        ),
        (
            "Terms",
            {
                "fields": [
                    "lesson_price_cents",
                    "student_fee_cents",
                    "student_fee_rate",
                    "instructor_fee_cents",
                    "instructor_fee_rate",
                    "tier",
                    "credits_cents",
                    "card_total",
                    "payout",
                    "policy_version",
                    "made_at",
                    "starts_at",
                    "ends_at",
                ]
            },
        ),
        (
            "What has moved",
            {
                "fields": [
                    "authorized_cents",
                    "captured_cents",
                    "refunded_to_card_cents",
                    "charge_transfer_cents",
                    "charge_transfer_reversed_cents",
                    "paid_cents",
                    "instructor_has",
                    "student_credit_cents",
                    "credits_released_cents",
                    "credits_consumed_cents",
                    "credits_forfeited_cents",
                    "owed_cents",
                ]
            },
        ),
        ("What is due", {"fields": ["authorize_at", "expire_at", "settle_at", "capture_before", "claimed_until"]}),
        (
            "Refusals",
            {"fields": ["authorization_refusals", "refused_at", "refusal_code", "collection_refused_at"]},
        ),
        (
            "At Stripe",
            {
                "fields": [
                    "intent_id",
                    "charge_id",
                    "transfer_id",
                    "pending_intent_id",
                    "pending_intent_url",
                ]
            },
        ),
        (
            "Late move",
            {
                "fields": [
                    "late_reschedule_used",
                    "locked_at",
                    "locked_from_start",
                    "lock_resolved_at",
                    "lock_resolution",
                ]
            },
        ),
    ]

    @admin.display(description="state", ordering="status")
    def state(self, payment: Payment) -> SafeString:
        """The status, and below it why it is frozen, or the outcome."""
        more = in_words(payment.review_reason, REVIEW_REASONS) or in_words(payment.settlement_outcome, OUTCOMES)
        return format_html('{}<span class="below">{}</span>', pill(payment.status, payment.get_status_display()), more)

    @admin.display(description="from, to", ordering="payer__user__name")
    def sides(self, payment: Payment) -> SafeString:
        return format_html('{}<span class="below">→ {}</span>', payment.payer.user.name, payment.payee.user.name)

    @admin.display(description="card pays")
    def card_total(self, payment: Payment) -> str:
        return dollars(payment.terms.card_total)

    @admin.display(description="full payout")
    def payout(self, payment: Payment) -> str:
        return dollars(payment.terms.payout)

    @admin.display(description="instructor has")
    def instructor_has(self, payment: Payment) -> str:
        """Transfers less reversals."""
        return dollars(payment.instructor_payout_cents)

    @admin.display(description="whole story")
    def story(self, payment: Payment) -> SafeString | str:
        return booking_link(payment.reference, "Booking")
