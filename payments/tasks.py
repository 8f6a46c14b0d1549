"""The clockwork of the money: sweeps claim what is due and start one task for each payment (design 4, "Load").

Tasks take keyword ids; the clock is read here, at the edge, and passed down; `.delay` stands after the commit.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from celery import shared_task
from django.conf import settings
from kombu.exceptions import OperationalError

from instainstru import clock
from payments import operations
from payments.gateway.errors import GatewayRefused, GatewayUnavailable
from payments.models import Operation, Payment, ScheduleChange, StripeEvent
from payments.models.payment import PaymentQuerySet
from payments.operations import claims
from payments.operations.mirroring import SETTLES_IN
from payments.operations.reconcile import reconcile, where_to_begin
from payments.policy.states import Action

logger = logging.getLogger(__name__)

BETWEEN_SWEEPS = timedelta(seconds=30)  # as CLOCKWORK has it for those that move money
PATIENCE = claims.LEASE.total_seconds()  # of a task in the queue: by then a sweep has claimed the same anew
BATCH = 100  # payments claimed in one transaction: it lasts some milliseconds
A_SWEEP = 1000  # tasks that ask Stripe nothing: a worker does as many within a minute

Due = Callable[[PaymentQuerySet, datetime], PaymentQuerySet]


@shared_task(ignore_result=True)
def sweep_authorizations_due(*, limit: int | None = None) -> None:
    """Start the authorization of each payment whose T−24 h, or whose retry, has come (P5.1, P10.1)."""
    _fan_out(Action.AUTHORIZE, lambda payments, now: payments.due_for_authorization(at=now), "authorize_at", limit)


@shared_task(ignore_result=True)
def sweep_expired_unpaid(*, limit: int | None = None) -> None:
    """End each checkout and each lesson that was unpaid for too long (P5.2, P10.1)."""
    _fan_out(Action.EXPIRE, lambda payments, now: payments.due_for_expiry(at=now), "expire_at", limit)


@shared_task(ignore_result=True)
def sweep_settlements_due(*, limit: int | None = None) -> None:
    """Start the settlement of each payment whose lesson ended a day ago (P5.5)."""
    _fan_out(Action.SETTLE, lambda payments, now: payments.due_for_settlement(at=now), "settle_at", limit)


@shared_task(ignore_result=True, expires=PATIENCE)
def begin_due(*, payment_id: int, kind: str) -> None:
    """Begin and carry out what is due for one payment, unless something else is being done with it."""
    operations.carry_out_claimed(payment_id=payment_id, kind=Action(kind))


@shared_task(ignore_result=True)
def sweep_unfinished_operations(*, limit: int | None = None) -> None:
    """Continue each operation whose runner died, or whose unanswered call is due to be repeated (P10.4)."""
    unfinished = Operation.objects.resumable(now=clock.now(), wall=clock.wall()).order_by("resume_at", "id")
    for operation_id in unfinished.values_list("id", flat=True)[: limit or _enough_until_the_next_sweep()]:
        continue_operation.delay(operation_id=operation_id)


@shared_task(ignore_result=True, expires=PATIENCE)
def continue_operation(*, operation_id: int) -> None:
    """Carry one operation on from its first unfinished step, unless somebody has meanwhile."""
    unfinished = Operation.objects.resumable(now=clock.now(), wall=clock.wall())
    if operation := unfinished.filter(pk=operation_id).first():
        operations.perform(operation, inline=False)


@shared_task(ignore_result=True, expires=PATIENCE)
def apply_event(*, event_pk: int) -> None:
    """Apply one event of Stripe's, after Stripe was answered."""
    event = StripeEvent.objects.get(pk=event_pk)
    if operations.apply_event(event, now=clock.now()):
        _mirror_later(event)


@shared_task(ignore_result=True)
def mirror_object(*, event_pk: int) -> None:
    """Copy what an event is about into dj-stripe's tables; nothing of ours waits for it or rests on it."""
    event = StripeEvent.objects.get(pk=event_pk)
    if trouble := operations.mirror_object(event):
        logger.warning("%s is not mirrored: %s", event.object_id, trouble)


@shared_task(ignore_result=True)
def sweep_unapplied_events(*, limit: int = 100) -> None:
    """Try again each event that could not be applied yet, or whose task was lost."""
    for event_pk in operations.claim_events(limit=limit):
        apply_event.delay(event_pk=event_pk)


@shared_task(ignore_result=True)
def sweep_missed_events(*, limit: int = 25) -> None:
    """Ask Stripe for events that never came: the platform's, and in turn those of so many connected accounts."""
    for account_id in operations.accounts_to_backfill(limit=limit):
        backfill_events.delay(account_id=account_id)


@shared_task(ignore_result=True)
def backfill_events(*, account_id: str) -> None:
    """Take in the events of one account that we have missed; the sweep of unapplied events applies them."""
    try:
        done = operations.backfill_events(account_id=account_id, now=clock.now())
    except (GatewayRefused, GatewayUnavailable) as trouble:
        logger.warning("Events of %s are not complete: %s", account_id or "the platform", trouble)
        return
    if done.missing:
        logger.warning("Events of %s had been missed: %s", account_id or "the platform", ", ".join(done.missing))


@shared_task(ignore_result=True)
def sweep_final_warnings(*, limit: int = A_SWEEP) -> None:
    """Warn each student whose booking is about to be cancelled unpaid (P10.1)."""
    due = Payment.objects.due_for_warning(at=clock.now()).order_by("warn_at", "id")
    for payment_id in due.values_list("id", flat=True)[:limit]:
        warn_unpaid.delay(payment_id=payment_id)


@shared_task(ignore_result=True, expires=PATIENCE)
def warn_unpaid(*, payment_id: int) -> None:
    """Warn the student of one booking."""
    operations.warn_unpaid(payment_id=payment_id, now=clock.now())


@shared_task(ignore_result=True)
def sweep_lapsed_holds(*, limit: int = A_SWEEP) -> None:
    """Note of each hold that it has lapsed (P2.6)."""
    due = Payment.objects.due_to_lapse(at=clock.now()).without_open_operation().order_by("capture_before", "id")
    for payment_id in due.values_list("id", flat=True)[:limit]:
        let_hold_lapse.delay(payment_id=payment_id)


@shared_task(ignore_result=True, expires=PATIENCE)
def let_hold_lapse(*, payment_id: int) -> None:
    """Note that one payment's hold has lapsed."""
    operations.let_hold_lapse(payment_id=payment_id, now=clock.now())


@shared_task(ignore_result=True)
def sweep_expiring_credits(*, limit: int = 100) -> None:
    """Tell students of credit that expires in 30 and in 7 days (P9.1)."""
    while operations.warn_of_expiring_credit(now=clock.now(), limit=limit) >= limit:
        pass


@shared_task(ignore_result=True)
def sweep_expired_credits(*, limit: int = 100) -> None:
    """Expire credit past its date and book the breakage (P9.3)."""
    while operations.expire_credits(now=clock.now(), limit=limit):
        pass


@shared_task(ignore_result=True)
def sweep_unanswered_schedule_changes(*, limit: int = 100) -> None:
    """Send each change of an account's schedule of payouts again whose answer is not known (P10.4)."""
    due = ScheduleChange.objects.due(at=clock.now()).order_by("next_try_at", "id")
    for change_id in due.values_list("id", flat=True)[:limit]:
        send_schedule_change.delay(change_id=change_id)


@shared_task(ignore_result=True)
def send_schedule_change(*, change_id: int) -> None:
    """Send one change of an account's schedule of payouts."""
    operations.send_schedule_change(ScheduleChange.objects.get(pk=change_id), now=clock.now())


def _mirror_later(event: StripeEvent) -> None:
    if operations.wants_mirroring(event):
        try:
            mirror_object.apply_async(kwargs={"event_pk": event.pk}, countdown=SETTLES_IN.total_seconds())
        except OperationalError:  # the broker is down; the object's next event mirrors it
            logger.warning("The broker is down: %s is not mirrored.", event.object_id)


@shared_task(ignore_result=True)
def reconcile_with_stripe() -> None:
    """Match the last days' postings with Stripe's balance transactions, once a night; differences are work items."""
    now = clock.now()
    report = reconcile(since=where_to_begin(now=now), now=now)
    if report.items:
        logger.error("Reconciliation: %d differences stand.", len(report.items))


def _fan_out(kind: Action, due: Due, order: str, limit: int | None) -> None:
    """Claim due payments for this sweep and start one task for each.

    All are claimed before the first is started: what gives its claim back at once is not claimed again.
    """
    candidates, limit = due(Payment.objects.all(), clock.now()), limit or _enough_until_the_next_sweep()
    claimed: list[int] = []
    while len(claimed) < limit:
        wanted = min(BATCH, limit - len(claimed))
        batch = operations.claim(candidates, order=(order, "id"), limit=wanted)
        claimed += batch
        if len(batch) < wanted:
            break
    for payment_id in claimed:
        begin_due.delay(payment_id=payment_id, kind=kind)


def _enough_until_the_next_sweep() -> int:
    """As many as Stripe's limit lets through until then: fewer would leave workers idle, more would wait in line."""
    return int(settings.STRIPE_CALLS_PER_SECOND * BETWEEN_SWEEPS.total_seconds())
