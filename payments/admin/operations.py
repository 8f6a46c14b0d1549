"""Operations and their steps: what was decided, how far it got, what Stripe answered."""

from django.contrib import admin
from django.utils.safestring import SafeString

from instainstru.admin.links import booking_link
from instainstru.admin.read_only import ReadOnlyAdmin, ReadOnlyInline
from instainstru.templatetags.pieces import pill
from payments.admin.words import ACTIONS, CALLS, in_words
from payments.models import Operation, PayoutTransfer, Step


class StepInline(ReadOnlyInline):
    model = Step
    fields = [
        "ordinal",
        "attempt",
        "call",
        "amount_cents",
        "transfer_cents",
        "state",
        "object_id",
        "error_code",
        "error_message",
        "times_sent",
        "answered_at",
    ]
    ordering = ["ordinal", "attempt"]
    show_change_link = True


@admin.register(Operation)
class OperationAdmin(ReadOnlyAdmin):
    list_display = ["name", "what", "state_pill", "rule", "party", "accepted_at", "finished_at", "resume_at", "story"]
    list_filter = ["state", "kind", "party"]
    list_select_related = ["payment"]
    ordering = ["-id"]
    search_fields = ["payment__reference__startswith", "actor__email", "steps__object_id__exact"]
    search_help_text = "A booking's reference, the e-mail address of who asked, or the id of an object at Stripe."
    readonly_fields = ["story"]
    inlines = [StepInline]
    fieldsets = [
        (None, {"fields": ["payment", "number", "story", "kind", "state", "rule", "party", "actor", "accepted_at"]}),
        ("What was decided", {"fields": ["plan", "inputs", "policy_version", "digest", "succeeds"]}),
        ("How it ended", {"fields": ["conclusion", "finished_at", "refusal_code", "gave", "resolution"]}),
        ("Its runner", {"fields": ["resume_at", "leased_until", "lease_token"]}),
    ]

    @admin.display(description="operation", ordering="id")
    def name(self, operation: Operation) -> str:
        return operation.reference

    @admin.display(description="what", ordering="kind")
    def what(self, operation: Operation) -> str:
        return in_words(operation.kind, ACTIONS)

    @admin.display(description="state", ordering="state")
    def state_pill(self, operation: Operation) -> SafeString:
        return pill(operation.state, operation.get_state_display())

    @admin.display(description="whole story")
    def story(self, operation: Operation) -> SafeString | str:
        return booking_link(operation.payment.reference, "Booking")


@admin.register(Step)
class StepAdmin(ReadOnlyAdmin):
    list_display = [
        "idempotency_key",
        "what",
        "amount_cents",
        "state_pill",
        "fault",
        "error_code",
        "object_id",
        "times_sent",
        "answered_at",
        "story",
    ]
    list_filter = ["state", "call", "fault"]
    list_select_related = ["operation__payment"]
    ordering = ["-id"]
    search_fields = ["idempotency_key__startswith", "object_id__exact"]
    search_help_text = "A booking's reference, a step's key, or the id of an object at Stripe."
    readonly_fields = ["story"]

    @admin.display(description="call", ordering="call")
    def what(self, step: Step) -> str:
        return in_words(step.call, CALLS)

    @admin.display(description="state", ordering="state")
    def state_pill(self, step: Step) -> SafeString:
        return pill("unanswered" if step.state == Step.State.SENT else step.state, step.get_state_display())

    @admin.display(description="whole story")
    def story(self, step: Step) -> SafeString | str:
        return booking_link(step.operation.payment.reference, "Booking")


@admin.register(PayoutTransfer)
class PayoutTransferAdmin(ReadOnlyAdmin):
    list_display = ["transfer_id", "amount_cents", "reversed_cents", "step", "story"]
    list_select_related = ["payment", "step"]
    ordering = ["-id"]
    search_fields = ["transfer_id__exact", "payment__reference__startswith"]
    search_help_text = "A booking's reference, or tr_…"
    readonly_fields = ["story"]

    @admin.display(description="whole story")
    def story(self, transfer: PayoutTransfer) -> SafeString | str:
        return booking_link(transfer.payment.reference, "Booking")
