"""What was done to payments at Stripe, not by us, until staff have seen it (P8.8)."""

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.utils.safestring import SafeString

from instainstru.admin.audit import AuditEntry
from instainstru.admin.confirmation import (
    Choices,
    ConfirmedAction,
    Done,
    Movement,
    OffersActions,
    Proposal,
    fingerprint,
)
from instainstru.admin.links import booking_link
from instainstru.admin.read_only import ReadOnlyAdmin
from instainstru.admin.rights import MOVE_MONEY
from instainstru.money import dollars
from instainstru.refusals import Refused
from payments import operations
from payments.admin.words import OUTCOMES, REVIEW_REASONS, in_words
from payments.models import ChangeAtStripe, Payment
from payments.policy.states import ReviewReason

DIRECTIONS = {
    ChangeAtStripe.Kind.CHARGED: "student's card → platform",
    ChangeAtStripe.Kind.REFUNDED: "platform → student's card",
    ChangeAtStripe.Kind.REFUND_FAILED: "student's bank → platform",
    ChangeAtStripe.Kind.REVERSED: "instructor → platform",
}


class SeeChange(ConfirmedAction):
    """Take note of what was changed on a payment; one that stopped for that goes on."""

    name = "see-changes"
    label = "Take note of what was changed at Stripe"
    explanation = "You have looked at it, and it may stand. A payment that waited for that goes on as before."
    right = MOVE_MONEY

    def payment_of(self, row: Any) -> Payment:
        payment: Payment = row.payment
        return payment

    def subject_of(self, row: Any) -> str:
        return self.payment_of(row).reference

    def state_of(self, row: Any) -> dict[str, Any]:
        payment = Payment.objects.get(pk=self.payment_of(row).pk)
        unseen = payment.changes_at_stripe.filter(seen_at=None).count()
        return {"payment": payment.status, "frozen_because": payment.review_reason, "changes_unseen": unseen}

    def propose(self, row: Any, choices: Choices, *, now: datetime) -> Proposal:
        payment = self.payment_of(row)
        unseen = list(payment.changes_at_stripe.filter(seen_at=None).order_by("id"))
        if not unseen:
            raise Refused("already_settled")
        goes_on = payment.review_reason == ReviewReason.CHANGED_AT_STRIPE  # under a case it goes on with that one's end
        return Proposal(
            verb="It may stand" + (", go on" if goes_on else ""),
            rule="P8.8",
            digest=fingerprint(payment.pk, payment.status, [change.pk for change in unseen]),
            standing=(
                ("Payment", payment.get_status_display()),
                ("Outcome", in_words(payment.settlement_outcome, OUTCOMES)),
                ("Frozen because", in_words(payment.review_reason, REVIEW_REASONS)),
                ("Before that", payment.get_former_status_display()),
                ("Card charged", dollars(payment.captured_cents)),
                ("Card refunded", dollars(payment.refunded_to_card_cents)),
                ("Instructor has", dollars(payment.instructor_payout_cents)),
            ),
            movements=tuple(map(_movement, unseen)),
            to_student="",
            to_instructor="",
            at_once=(
                "What stands above has moved and is booked already; nothing is asked of Stripe.",
                f"The payment is {payment.get_former_status_display().lower()} again." if goes_on else "It is noted.",
            ),
            later=("What is due goes on by the clockwork.",) if goes_on else (),
        )

    def carry_out(self, row: Any, choices: Choices, *, entry: AuditEntry, preview: str, now: datetime) -> Done:
        operations.see_changes(payment_id=self.payment_of(row).pk, actor=entry.actor, now=now, receipt=entry)
        return Done(sentence="Noted.")


def _movement(change: ChangeAtStripe) -> Movement:
    kind = ChangeAtStripe.Kind(change.kind)
    return Movement(
        what=kind.label, amount=dollars(change.amount_cents), direction=DIRECTIONS[kind], note=change.object_id
    )


@admin.register(ChangeAtStripe)
class ChangeAtStripeAdmin(OffersActions, ReadOnlyAdmin):
    list_display = ["kind", "amount_cents", "story", "object_id", "noticed_at", "seen_at", "seen_by"]
    list_filter = ["kind", ("seen_at", admin.EmptyFieldListFilter)]
    list_select_related = ["payment", "seen_by"]
    ordering = ["-id"]
    search_fields = ["payment__reference__startswith", "object_id__exact"]
    search_help_text = "A booking's reference, or the id of an object at Stripe: re_, trr_, ch_."
    readonly_fields = ["story"]
    confirmed_actions = (SeeChange(),)

    @admin.display(description="whole story")
    def story(self, change: ChangeAtStripe) -> SafeString | str:
        return booking_link(change.payment.reference)
