"""What waits for staff about money: what a definite no has stopped, what Stripe does not answer, what is owed."""

from datetime import datetime, timedelta
from urllib.parse import urlencode

from django.db.models import DateTimeField, ExpressionWrapper, F, Min, Model, QuerySet, Value
from django.db.models.functions import Least
from django.urls import reverse

from instainstru.admin.links import booking_url
from instainstru.admin.queues import SHOWN, Backlog, WorkItem, WorkQueue
from instainstru.money import dollars
from payments.admin.words import ACTIONS, REVIEW_REASONS, in_words
from payments.models import ChangeAtStripe, Operation, Payment, StripeEvent
from payments.policy.states import STOPS, PaymentStatus, ReviewReason

REVIEWED_WITHIN = timedelta(hours=24)  # somebody's money stands still meanwhile; a hold that lapses sooner is sooner
ANSWERED_WITHIN = timedelta(hours=1)  # Stripe is asked again four times in that hour; then somebody has to look

# The cases have deadlines of their own and are shown by who owns them; a debt has none.
REVIEWED = sorted(STOPS | {ReviewReason.CHANGED_AT_STRIPE})


def _under_review(reason: ReviewReason) -> WorkQueue:
    return WorkQueue(
        name=f"review-{reason}",
        title=REVIEW_REASONS[reason],
        backlog=lambda now: _reviews(Payment.objects.filter(status=PaymentStatus.MANUAL_REVIEW, review_reason=reason)),
        url=lambda: _list_of(Payment, review_reason__exact=reason),
        permission="payments.view_payment",
    )


def _reviews(payments: QuerySet[Payment]) -> Backlog:
    within = ExpressionWrapper(F("review_since") + Value(REVIEWED_WITHIN), output_field=DateTimeField())
    waiting = payments.annotate(deadline=Least(within, "capture_before"))
    count = waiting.count()
    if not count:
        return Backlog(count=0)
    items = tuple(
        WorkItem(
            label=payment.reference,
            detail=payment.review_error,
            since=payment.review_since,
            deadline=payment.deadline,
            url=booking_url(payment.reference) or reverse("admin:payments_payment_change", args=[payment.pk]),
        )
        for payment in waiting.order_by("deadline", "id")[:SHOWN]
    )
    return Backlog(count=count, next_deadline=items[0].deadline, items=items)


def _unanswered(now: datetime) -> Backlog:
    """Operations that have been open for longer than they should be."""
    operations = Operation.objects.open().filter(accepted_at__lte=now - ANSWERED_WITHIN)
    totals = operations.aggregate(first=Min("accepted_at"))
    if totals["first"] is None:
        return Backlog(count=0)
    items = tuple(
        WorkItem(
            label=operation.reference,
            detail=in_words(operation.kind, ACTIONS),
            since=operation.accepted_at,
            deadline=operation.accepted_at + ANSWERED_WITHIN,
            url=booking_url(operation.payment.reference)
            or reverse("admin:payments_operation_change", args=[operation.pk]),
        )
        for operation in operations.select_related("payment").order_by("accepted_at", "id")[:SHOWN]
    )
    return Backlog(count=operations.count(), next_deadline=totals["first"] + ANSWERED_WITHIN, items=items)


def _owed(now: datetime) -> Backlog:
    """Debts: the platform paid the instructor, the card never paid (P10.2). The student is told; staff may write."""
    payments = Payment.objects.filter(status=PaymentStatus.MANUAL_REVIEW, review_reason=ReviewReason.COLLECTION_FAILED)
    count = payments.count()
    items = tuple(
        WorkItem(
            label=payment.reference,
            detail=f"{payment.payer.user.name} owes {dollars(payment.owed_cents)}",
            since=payment.review_since,
            url=booking_url(payment.reference) or reverse("admin:payments_payment_change", args=[payment.pk]),
        )
        for payment in payments.select_related("payer__user").order_by("review_since", "id")[:SHOWN]
    )
    return Backlog(count=count, items=items)


def _given_up(now: datetime) -> Backlog:
    """Events of Stripe's that could not be applied however often it was tried."""
    events = StripeEvent.objects.given_up()
    count = events.count()
    if not count:
        return Backlog(count=0)
    items = tuple(
        WorkItem(
            label=event.type,
            detail=event.failure,
            since=event.given_up_at,
            url=reverse("admin:payments_stripeevent_change", args=[event.pk]),
        )
        for event in events.order_by("given_up_at", "id")[:SHOWN]
    )
    return Backlog(count=count, items=items)


def _changed_after_the_end(now: datetime) -> Backlog:
    """What was changed at Stripe and stopped nothing, since nothing was to come; nobody has looked at it yet (P8.8)."""
    unseen = ChangeAtStripe.objects.filter(seen_at=None).exclude(payment__review_reason=ReviewReason.CHANGED_AT_STRIPE)
    count = unseen.count()
    if not count:
        return Backlog(count=0)
    items = tuple(
        WorkItem(
            label=change.payment.reference,
            detail=f"{change.get_kind_display()}: {dollars(change.amount_cents)}",
            since=change.noticed_at,
            url=reverse("admin:payments_changeatstripe_change", args=[change.pk]),
        )
        for change in unseen.select_related("payment").order_by("noticed_at", "id")[:SHOWN]
    )
    return Backlog(count=count, items=items)


def _list_of(model: type[Model], **filters: str) -> str:
    return f"{reverse(f'admin:payments_{model._meta.model_name}_changelist')}?{urlencode(filters)}"


QUEUES = (
    *map(_under_review, REVIEWED),
    WorkQueue(
        name="operations-unanswered",
        title="Stripe has not answered for more than an hour",
        backlog=_unanswered,
        url=lambda: _list_of(Operation, state__exact=Operation.State.OPEN),
        permission="payments.view_operation",
    ),
    WorkQueue(
        name="debts",
        title="Owed by students after the payout was advanced",
        backlog=_owed,
        url=lambda: _list_of(Payment, owed="yes"),
        permission="payments.view_payment",
    ),
    WorkQueue(
        name="events-given-up",
        title="Stripe's events that could not be applied",
        backlog=_given_up,
        url=lambda: _list_of(StripeEvent, given_up_at__isempty="0"),
        permission="payments.view_stripeevent",
    ),
    WorkQueue(
        name="changes-unseen",
        title="Changed at Stripe after everything had ended",
        backlog=_changed_after_the_end,
        url=lambda: _list_of(ChangeAtStripe, seen_at__isempty="1"),
        permission="payments.view_changeatstripe",
    ),
)
