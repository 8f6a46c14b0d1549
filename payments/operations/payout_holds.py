"""Holding an instructor's payouts to the bank, and letting them go on: written down, committed, sent, answered.

The call sets what the account's schedule is to be, so repeating it, under whatever key, leaves the account the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import F

from instainstru.accounts.models import User
from instainstru.api.idempotency import Receipt
from payments.engine import REPEAT_AFTER
from payments.gateway import Answer, schedules
from payments.gateway.answers import succeeded
from payments.gateway.errors import GatewayRefused, GatewayUnavailable
from payments.gateway.schedules import MANUAL, Schedule, usual_schedule
from payments.models import Payee, PayoutHold, ScheduleChange

Kind = ScheduleChange.Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordered:
    """What became of an order: its change, or None where there was nothing to do, and the hold that it concerns."""

    change: ScheduleChange | None
    hold: PayoutHold | None
    is_new: bool  # or was ordered before


def hold_payouts(*, payee: Payee, actor: User, reason: str, now: datetime, receipt: Receipt | None = None) -> Ordered:
    """Keep what an instructor has at Stripe from going to their bank; holding what is held changes nothing.

    What is on its way to the bank already arrives. No transaction may be open.
    Raises GatewayUnavailable while Stripe has not answered an earlier change.
    """
    _send_what_is_unanswered(payee, now=now)
    with transaction.atomic(durable=True):
        payee = _lock(payee)
        hold = payee.payout_holds.in_force().first()
        is_new = hold is None
        if hold is None:
            _require_nothing_unanswered(payee)
            hold = PayoutHold.objects.create(payee=payee, reason=reason, held_by=actor, held_at=now)
            change = _write(payee, MANUAL, kind=Kind.HOLD, hold=hold, reason=reason, actor=actor, now=now)
            if receipt:
                receipt.record(f"payout_hold:{hold.pk}")
        else:
            change = hold.changes.filter(kind=Kind.HOLD).latest("pk")
            _require_nothing_unanswered(payee, besides=change)
    return _answered(change, is_new=is_new, now=now)


def release_payouts(
    *, payee: Payee, actor: User, reason: str, now: datetime, receipt: Receipt | None = None
) -> Ordered:
    """Let an instructor's payouts go on by the usual schedule; releasing what is not held changes nothing.

    The hold ends when Stripe has said yes. No transaction may be open.
    Raises GatewayUnavailable while Stripe has not answered an earlier change.
    """
    _send_what_is_unanswered(payee, now=now)
    with transaction.atomic(durable=True):
        payee = _lock(payee)
        hold = payee.payout_holds.in_force().first()
        if hold is None:
            return Ordered(change=None, hold=None, is_new=False)
        change = hold.changes.filter(kind=Kind.RELEASE).unanswered().first()
        is_new = change is None
        if change is None:
            _require_nothing_unanswered(payee)
            schedule = usual_schedule()
            change = _write(payee, schedule, kind=Kind.RELEASE, hold=hold, reason=reason, actor=actor, now=now)
            if receipt:
                receipt.record(f"payout_hold:{hold.pk}")
    return _answered(change, is_new=is_new, now=now)


def correct_schedule(
    *, payee: Payee, last_change: int | None, actor: User, reason: str, now: datetime, receipt: Receipt | None = None
) -> Ordered:
    """Set an account's schedule to what it has to be: manual while held, else the usual one. Raises as holding does.

    `last_change` was the account's last one before Stripe was looked at: if there is another, nothing more is written.
    """
    _send_what_is_unanswered(payee, now=now)
    with transaction.atomic(durable=True):
        payee = _lock(payee)
        _require_nothing_unanswered(payee)
        hold = payee.payout_holds.in_force().first()
        latest = payee.schedule_changes.order_by("pk").last()
        if latest is not None and latest.pk != last_change:  # somebody else has looked, too, and was sooner
            return Ordered(change=latest, hold=hold, is_new=False)
        schedule = wanted_schedule(hold)
        change = _write(payee, schedule, kind=Kind.CORRECT, hold=hold, reason=reason, actor=actor, now=now)
        if receipt:
            receipt.record(f"schedule_change:{change.pk}")
    return _answered(change, is_new=True, now=now)


def wanted_schedule(hold: PayoutHold | None) -> Schedule:
    """Return the schedule that an account has to have."""
    return usual_schedule() if hold is None else MANUAL


def send(change: ScheduleChange, *, now: datetime) -> ScheduleChange:
    """Send what is not answered yet under its key, and write down what came of it. No transaction may be open."""
    if change.answered_at is None:
        answer = _ask(change)
        if answer is None:
            _try_anew(change, now=now)
        elif answer.is_unknown:
            wait = REPEAT_AFTER[min(change.times_sent, len(REPEAT_AFTER) - 1)]
            ScheduleChange.objects.unanswered().filter(pk=change.pk).update(
                times_sent=F("times_sent") + 1, unknown_because=answer.unknown_because, next_try_at=now + wait
            )
        else:
            _record(change, answer, now=now)
    return ScheduleChange.objects.select_related("payee__user", "hold").get(pk=change.pk)


def _ask(change: ScheduleChange) -> Answer | None:
    """Ask Stripe; None if the key only replays a failure that had no effect."""
    schedule, account_id = Schedule.named(change.schedule), change.payee.account_id
    answer = schedules.set_schedule(account_id, schedule, key=change.idempotency_key)
    if not answer.is_replayed_failure:
        return answer
    try:
        there = schedules.payout_state(account_id).schedule
    except (GatewayRefused, GatewayUnavailable):
        return answer  # nothing is known still
    return succeeded(account_id) if there == schedule else None


def _try_anew(change: ScheduleChange, *, now: datetime) -> None:
    """Give a change that provably had no effect the key of its next attempt; whoever comes next sends it."""
    base, _, attempt = change.idempotency_key.rpartition("/")
    same = ScheduleChange.objects.unanswered().filter(pk=change.pk, idempotency_key=change.idempotency_key)
    same.update(idempotency_key=f"{base}/{int(attempt) + 1}", times_sent=F("times_sent") + 1, next_try_at=now)


def _record(change: ScheduleChange, answer: Answer, *, now: datetime) -> None:
    """Write an answer down once, and end what it ends: a release its hold, a no the hold that could not be."""
    with transaction.atomic(durable=True):
        _lock(change.payee)
        change = ScheduleChange.objects.get(pk=change.pk)
        if change.answered_at is not None:
            return
        change.answered_at, change.next_try_at, change.unknown_because = now, None, ""
        change.times_sent += 1
        change.refusal = f"{answer.code}: {answer.message}" if answer.code else ""
        change.save()
        hold = PayoutHold.objects.in_force().filter(changes=change)
        if change.kind == Kind.RELEASE and change.is_done:
            hold.update(released_at=now, released_by=change.asked_by, release_reason=change.reason)
        elif change.kind == Kind.HOLD and not change.is_done:
            hold.update(released_at=now, release_reason=f"Stripe refused to hold it. {change.refusal}")


def _write(
    payee: Payee,
    schedule: Schedule,
    *,
    kind: ScheduleChange.Kind,
    hold: PayoutHold | None,
    reason: str,
    actor: User,
    now: datetime,
) -> ScheduleChange:
    """Write a change of a locked account down, due at once; its key names account, number and attempt (P2.3)."""
    number = payee.schedule_changes.count() + 1
    return ScheduleChange.objects.create(
        payee=payee,
        hold=hold,
        kind=kind,
        schedule=str(schedule),
        reason=reason,
        asked_by=actor,
        asked_at=now,
        idempotency_key=f"{payee.account_id}/payout-schedule/{number}/1",
        next_try_at=now,
    )


def _lock(payee: Payee) -> Payee:
    return Payee.objects.select_for_update(of=("self",)).select_related("user").get(pk=payee.pk)


def _require_nothing_unanswered(payee: Payee, *, besides: ScheduleChange | None = None) -> None:
    pending = payee.schedule_changes.unanswered().first()
    if pending not in (None, besides):
        raise GatewayUnavailable(f"It has not answered an earlier change of {payee.account_id}'s schedule.")


def _send_what_is_unanswered(payee: Payee, *, now: datetime) -> None:
    for change in payee.schedule_changes.unanswered().select_related("payee"):
        send(change, now=now)


def _answered(change: ScheduleChange, *, is_new: bool, now: datetime) -> Ordered:
    # One that was ordered before has just been sent again, if it was unanswered.
    change = send(change, now=now) if is_new else change
    return Ordered(change=change, hold=change.hold, is_new=is_new)
