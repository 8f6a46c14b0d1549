"""What does not match between our books and Stripe's, for finance to deal with."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib import admin
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.timesince import timesince

from instainstru import clock
from instainstru.admin.audit import AuditEntry
from instainstru.admin.confirmation import Choices, ConfirmedAction, Done, OffersActions, Proposal, fingerprint
from instainstru.admin.queues import SHOWN, Backlog, WorkItem, WorkQueue
from instainstru.admin.read_only import ReadOnlyAdmin
from instainstru.admin.rights import MOVE_MONEY
from instainstru.money import dollars
from instainstru.refusals import Refused
from instainstru.templatetags.pieces import pill
from payments.models import ReconciliationItem, ReconciliationRun
from payments.operations.reconcile import close_item

DEALT_WITH_WITHIN = timedelta(days=3)  # money without an explanation does not grow clearer


class CloseItem(ConfirmedAction):
    """Close a difference that somebody has dealt with."""

    name = "close-difference"
    label = "Close this difference"
    explanation = "You know why it differs, and what was to be done is done. Nothing is booked or moved by closing it."
    right = MOVE_MONEY

    def subject_of(self, row: Any) -> str:
        return row.name

    def state_of(self, row: Any) -> dict[str, Any]:
        item = ReconciliationItem.objects.get(pk=row.pk)
        return {"off_by_cents": item.off_by_cents, "currency": item.currency, "open": item.resolved_at is None}

    def propose(self, row: Any, choices: Choices, *, now: datetime) -> Proposal:
        item: ReconciliationItem = row
        if item.resolved_at is not None:
            raise Refused("already_settled")
        return Proposal(
            verb="Close it",
            rule="P8.8",
            digest=fingerprint(item.pk, item.booked_cents, item.moved_cents),
            standing=(
                ("What", item.get_kind_display()),
                ("Where", item.name),
                ("At Stripe", ", ".join(item.stripe_objects)),
                ("Booked", dollars(item.booked_cents)),
                ("Moved at Stripe", item.moved),
            ),
            movements=(),
            to_student="",
            to_instructor="",
            at_once=("It leaves the work queue. Found again, it stays closed.",),
            later=(),
        )

    def carry_out(self, row: Any, choices: Choices, *, entry: AuditEntry, preview: str, now: datetime) -> Done:
        close_item(item_id=row.pk, actor=entry.actor, note=entry.reason, now=now, receipt=entry)
        return Done(sentence="Closed.")


@admin.register(ReconciliationItem)
class ReconciliationItemAdmin(OffersActions, ReadOnlyAdmin):
    list_display = [
        "name",
        "payment_reference",
        "state",
        "kind",
        "off_by",
        "age",
        "next_step",
        "seen_at",
        "resolved_by",
    ]
    list_filter = ["kind", ("resolved_at", admin.EmptyFieldListFilter)]
    list_select_related = ["resolved_by"]
    ordering = ["-id"]
    search_fields = ["name__startswith", "payment_reference__startswith", "stripe_objects__icontains"]
    search_help_text = "A journal entry's cause, a booking's reference, or the id of an object at Stripe."
    readonly_fields = ["off_by", "age", "next_step"]
    confirmed_actions = (CloseItem(),)

    @admin.display(description="state")
    def state(self, item: ReconciliationItem) -> SafeString:
        return pill("done", "Closed") if item.resolved_at else pill("failed", "Differs")

    @admin.display(description="age", ordering="-happened_at")
    def age(self, item: ReconciliationItem) -> str:
        return timesince(item.happened_at, item.resolved_at or clock.now(), depth=1)

    @admin.display(description="next step")
    def next_step(self, item: ReconciliationItem) -> str:
        return "" if item.resolved_at else item.next_step


@admin.register(ReconciliationRun)
class ReconciliationRunAdmin(ReadOnlyAdmin):
    list_display = ["until", "since", "entries", "transactions", "differences"]
    list_display_links = ["until"]
    date_hierarchy = "until"
    ordering = ["-until"]


def _differences(now: datetime) -> Backlog:
    unresolved = ReconciliationItem.objects.unresolved()
    count = unresolved.count()
    if not count:
        return Backlog(count=0)
    items = tuple(
        WorkItem(
            label=item.name,
            detail=f"{item.get_kind_display()}, off by {item.off_by}. {item.next_step}",
            since=item.happened_at,
            deadline=item.happened_at + DEALT_WITH_WITHIN,
            url=reverse("admin:payments_reconciliationitem_change", args=[item.pk]),
        )
        for item in unresolved.order_by("happened_at", "id")[:SHOWN]
    )
    return Backlog(count=count, next_deadline=items[0].deadline, items=items)


RECONCILIATION = WorkQueue(
    name="reconciliation",
    title="Our books and Stripe's differ",
    backlog=_differences,
    url=lambda: f"{reverse('admin:payments_reconciliationitem_changelist')}?resolved_at__isempty=1",
    permission="payments.view_reconciliationitem",
)
