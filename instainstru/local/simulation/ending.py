"""How every story ends: faults off, clockwork on, time passes. Then nothing may be stranded, and staff can end all."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.error import HTTPError

from bookings.models import Booking, OccupiedTime
from disputes import operations as disputes
from disputes.models import Chargeback, LessonDispute, NoShowReport
from instainstru import clock
from instainstru.local.scenarios.stage import save_card
from instainstru.local.simulation.ground import Ground
from instainstru.local.simulation.world import World
from instainstru.refusals import Refused
from payments import operations as payments
from payments.ledger import books
from payments.models import Operation, Payee, Payment
from payments.operations.reconcile import reconcile
from payments.policy.states import BookingStatus, DisputeRuling, NoShowRuling, PaymentStatus, ReviewReason

A_WHILE = timedelta(days=10)  # longer than the 72 hours of P10.2 and than a hold lives
ROUNDS = 5  # of staff's work and a while each; one round may uncover what the next one ends
A_YEAR_ON = timedelta(days=400)  # every credit has expired


def calm_down(world: World) -> list[str]:
    """End all trouble: nothing strikes, nobody lies in wait, everything runs, and all post has come."""
    world.ambush.call_off()
    world.let_redis_run(True)
    world.simulator.order_fault("any", "none")
    world.traveller.clockwork_runs = True
    for account in Payee.objects.order_by("pk").values_list("account_id", flat=True):
        if account not in world.rejected:
            world.simulator.make_payable(account)
    _pass_time(world, timedelta(0))
    for student in world.students:
        save_card(student, card="ok")
        payments.retry_unpaid(student=student, now=clock.now())
    return []


def let_it_settle(ground: Ground) -> list[str]:
    """Let time pass with nobody at work, and return what neither settles nor waits for a person."""
    for _ in range(3):
        _pass_time(ground, A_WHILE)
    waiting = Payment.objects.exclude(status__in=[PaymentStatus.SETTLED, PaymentStatus.MANUAL_REVIEW])
    wrong = [f"every booking settles: {payment.reference} is {payment.status}" for payment in waiting]
    wrong += [f"nothing stays under way: {operation}" for operation in Operation.objects.open()]
    return wrong


def let_staff_end_it(ground: Ground) -> list[str]:
    """Let staff rule, retry, give up and collect until everything is settled; return what they can't end."""
    tried: set[tuple[int, str]] = set()
    for _ in range(ROUNDS):
        for work in (_banks_decide, _staff_rule, _staff_look_at_changes, _debts_are_paid):
            work(ground)
        _staff_take_up(ground, tried)
        _pass_time(ground, A_WHILE)
        if not Payment.objects.exclude(status=PaymentStatus.SETTLED).exists():
            break
    return list(_unfinished(ground))


def final_account(ground: Ground) -> list[str]:
    """Return whatever is still wrong when everything has ended and every credit has expired."""
    _pass_time(ground, A_YEAR_ON)
    wrong = [str(finding) for finding in books.findings(ask_stripe=True)]
    report = reconcile(since=ground.began_at - A_WHILE, now=clock.now())
    wrong += [f"reconcile finds no difference: {item}" for item in report.items]
    return wrong


def _unfinished(ground: Ground) -> Iterator[str]:
    for payment in Payment.objects.exclude(status=PaymentStatus.SETTLED):
        yield f"staff can end everything: {payment.reference} is {payment.status} {payment.review_reason}"
    for operation in Operation.objects.exclude(state=Operation.State.DONE).select_related("payment"):
        yield f"nothing stays under way: {operation} is {operation.state}"
    for event in ground.post.unapplied():
        yield f"every event is applied: {event.type} {event.attempts} times: {event.failure}"
    for hold in ground.simulator.live_holds():
        yield f"no card stays held: {hold['transfer_group']}"
    stranded = OccupiedTime.objects.filter(booking__status__in=["cancelled", "pending"])
    for time in stranded:
        yield f"a cancelled lesson's time is free: {time}"
    for booking in Booking.objects.filter(status__in=["pending", "confirmed"]):
        yield f"every lesson ends: {booking.ref} is {booking.status}"
    for payment in Payment.objects.all():
        used = payment.credits_released_cents + payment.credits_consumed_cents + payment.credits_forfeited_cents
        if used != payment.credits_cents:
            yield f"no credit stays reserved: {payment.reference} {used} of {payment.credits_cents}"


def _banks_decide(ground: Ground) -> None:
    for chargeback in Chargeback.objects.unresolved().select_related("booking__payment").order_by("id"):
        try:
            ground.simulator.decide_dispute(chargeback.booking.payment.intent_id, won=True)
        except HTTPError:  # decided already, and told with the next post
            continue
        ground.post.untold[chargeback.booking.ref] += 1
    _pass_time(ground, timedelta(0))


def _staff_rule(ground: Ground) -> None:
    by_staff: dict[str, Any] = {"actor": ground.staff, "reason": "Both sides were heard.", "now": clock.now()}
    for report in NoShowReport.objects.unresolved().select_related("booking").order_by("id"):
        with contextlib.suppress(Refused):
            disputes.rule_no_show(booking=report.booking, ruling=NoShowRuling.UNFOUNDED, **by_staff)
    for dispute in LessonDispute.objects.unresolved().select_related("booking").order_by("id"):
        with contextlib.suppress(Refused):
            disputes.rule_dispute(booking=dispute.booking, ruling=DisputeRuling.INSTRUCTOR_WINS, **by_staff)


def _staff_look_at_changes(ground: Ground) -> None:
    """What somebody did at Stripe and not here stops a booking until staff cancel it, or let its cancelling go on."""
    for payment in Payment.objects.filter(review_reason=ReviewReason.CHANGED_AT_STRIPE).order_by("id"):
        with contextlib.suppress(Refused):
            if payment.booking.status == BookingStatus.CANCELLED:
                payments.see_changes(payment_id=payment.pk, actor=ground.staff, now=clock.now())
                continue
            payments.cancel_by_staff(
                payment_id=payment.pk, actor=ground.staff, with_refund=True, reason="Refunded.", now=clock.now()
            )


def _debts_are_paid(ground: Ground) -> None:
    for student in ground.students:
        payments.retry_unpaid(student=student, now=clock.now())


def _staff_take_up(ground: Ground, tried: set[tuple[int, str]]) -> None:
    """Retry each stop; what is refused once more, be it decided anew, is given up."""
    staff, now = ground.staff, clock.now()
    for operation in Operation.objects.stuck().order_by("id"):
        payment_id, again = operation.payment_id, (operation.payment_id, operation.kind) not in tried
        tried.add((payment_id, operation.kind))
        with contextlib.suppress(Refused):
            taken_up = (
                payments.retry_stuck(payment_id=payment_id, actor=staff, now=now)
                if again
                else payments.resolve_stuck(payment_id=payment_id, actor=staff, note="Given up.", now=now)
            )
            payments.perform(taken_up)


def _pass_time(ground: Ground, distance: timedelta) -> None:
    ground.post.ask_for_what_is_missing()
    ground.traveller.go_to(clock.now() + distance, run_what_is_due_then=True)
    ground.post.ask_for_what_is_missing()
