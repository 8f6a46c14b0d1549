"""What Stripe told us, what became of it, and how far we know that nothing is missing."""

from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.utils.safestring import SafeString

from instainstru.admin.audit import AuditEntry
from instainstru.admin.confirmation import Choices, ConfirmedAction, Done, OffersActions, Proposal, fingerprint
from instainstru.admin.read_only import ReadOnlyAdmin
from instainstru.admin.rights import REPLAY_EVENTS
from instainstru.refusals import Refused
from instainstru.templatetags.pieces import pill
from instainstru.templatetags.times import in_zone
from payments import operations
from payments.models import EventMark, StripeEvent


class ReplayEvent(ConfirmedAction):
    """Apply an event once more. It is a hint, so this is as safe as Stripe's sending it again."""

    name = "replay"
    label = "Replay"
    explanation = "Fetch once more what this event tells of, and take in what is new."
    right = REPLAY_EVENTS

    def subject_of(self, row: StripeEvent) -> str:
        return row.event_id

    def state_of(self, row: StripeEvent) -> dict[str, Any]:
        event = StripeEvent.objects.get(pk=row.pk)
        return {"state": state_of(event), "attempts": event.attempts, "failure": event.failure}

    def propose(self, row: StripeEvent, choices: Choices, *, now: datetime) -> Proposal:
        state = state_of(row)
        if state == "queued":
            raise Refused("operation_in_progress", retry_after=5)
        return Proposal(
            verb="Replay",
            rule="P8.8",
            digest=fingerprint(row.pk, state),
            standing=(
                ("Event", row.type),
                ("About", row.object_id),
                ("Of the account", row.account_id),
                ("State", STATES[state]),
                ("Given up", in_zone(row.given_up_at, "UTC")),
                ("Because", row.failure),
            ),
            movements=(),
            to_student="",
            to_instructor="",
            at_once=("Stripe is asked how the object stands now. What we know already changes nothing.",),
            later=("If it comes to nothing again, it is tried as often as a new one.",),
        )

    def carry_out(self, row: StripeEvent, choices: Choices, *, entry: AuditEntry, preview: str, now: datetime) -> Done:
        operations.replay_event(row, receipt=entry)
        row.refresh_from_db()
        is_applied = operations.apply_event(row, now=now)
        row.refresh_from_db()
        if is_applied and not row.failure:
            return Done(sentence="Applied.")
        return Done(sentence=f"It came to nothing: {row.failure}", level=messages.ERROR)


STATES = {"done": "Applied", "queued": "To be applied", "failed": "Given up"}  # a pill's look, and what it says


def state_of(event: StripeEvent) -> str:
    """Return the look of an event's state."""
    if event.applied_at:
        return "done"
    return "queued" if event.next_try_at else "failed"


@admin.register(StripeEvent)
class StripeEventAdmin(OffersActions, ReadOnlyAdmin):
    list_display = ["event_id", "type", "object_id", "state", "received_at", "applied_at", "attempts", "failure"]
    list_filter = [
        ("given_up_at", admin.EmptyFieldListFilter),
        ("applied_at", admin.EmptyFieldListFilter),
        ("next_try_at", admin.EmptyFieldListFilter),
    ]
    ordering = ["-id"]
    search_fields = ["event_id__exact", "object_id__exact", "type__startswith"]
    search_help_text = "An event's id, the id of what it is about, or its type: payment_intent."
    confirmed_actions = (ReplayEvent(),)

    @admin.display(description="state")
    def state(self, event: StripeEvent) -> SafeString:
        state = state_of(event)
        return pill(state, STATES[state])


@admin.register(EventMark)
class EventMarkAdmin(ReadOnlyAdmin):
    list_display = ["account", "complete_until", "checked_at"]
    ordering = ["account_id"]
    search_fields = ["account_id__exact"]
    search_help_text = "acct_…"

    @admin.display(description="events of", ordering="account_id")
    def account(self, mark: EventMark) -> str:
        return mark.account_id or "the platform"
