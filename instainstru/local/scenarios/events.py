"""What happens in a case: each event is something that a person, the clockwork or Stripe does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from bookings import operations as bookings
from disputes import operations as cases
from disputes.models import NoShowReport
from instainstru import clock
from instainstru.local.scenarios.stage import Stage, make_service, save_card
from instainstru.local.scenarios.times import read_time
from instainstru.local.traveller import Traveller
from payments import operations as payments
from payments.models import Payment
from payments.policy.states import Bearer, DisputeRuling, NoShowRuling, Party

Json = dict[str, Any]
OTHER_LESSON_IN = timedelta(days=60)


class NotPlayable(Exception):
    """The case wants something that the platform can't do yet."""


def play(event: Json, stage: Stage, traveller: Traveller) -> None:
    """Do what an event says. Raises Refused if the platform refuses it, NotPlayable for what nobody can do yet."""
    stage.booking.refresh_from_db()
    try:
        do = _EVENTS[event["do"]]
    except KeyError:
        raise NotPlayable(event["do"]) from None
    do(event, stage, traveller)


def _nothing(event: Json, stage: Stage, traveller: Traveller) -> None:
    """Only the clock travels."""


def _student_cancel(event: Json, stage: Stage, traveller: Traveller) -> None:
    bookings.cancel_booking(booking=stage.booking, actor=stage.student, now=clock.now())


def _instructor_cancel(event: Json, stage: Stage, traveller: Traveller) -> None:
    bookings.cancel_booking(booking=stage.booking, actor=stage.instructor.user, now=clock.now())


def _reschedule(event: Json, stage: Stage, traveller: Traveller) -> None:
    bookings.reschedule_booking(
        booking=stage.booking,
        actor=stage.student,
        new_starts_at=read_time(event["to"], stage.anchors),
        now=clock.now(),
    )


def _complete(event: Json, stage: Stage, traveller: Traveller) -> None:
    bookings.mark_complete(booking=stage.booking, now=clock.now())


def waits_at_the_bank(stage: Stage) -> bool:
    """Return whether the student can agree at the bank; asked for off session, they have to come back and pay first."""
    return bool(Payment.objects.get(pk=stage.booking.payment_id).pending_intent_url)


def _finish_3ds(event: Json, stage: Stage, traveller: Traveller) -> None:
    if not waits_at_the_bank(stage):  # the link brings the student back, and asks again
        bookings.pay_now(booking=stage.booking, actor=stage.student, now=clock.now())
    stage.simulator.finish_3ds(Payment.objects.get(pk=stage.booking.payment_id).pending_intent_id)
    bookings.confirm_payment(booking=stage.booking, actor=stage.student, now=clock.now())


def _set_card(event: Json, stage: Stage, traveller: Traveller) -> None:
    save_card(stage.student, card=event["card"])
    payments.retry_unpaid(student=stage.student, now=clock.now())


def _spend_credits(event: Json, stage: Stage, traveller: Traveller) -> None:
    service = make_service(stage.simulator, lesson_price=12_000, minutes=60, modality="online", tier="growth")
    bookings.checkout(
        student=stage.student,
        service=service,
        starts_at=clock.now() + OTHER_LESSON_IN,
        minutes=60,
        credits=event["cents"],
        now=clock.now(),
    )


def _admin_refund(event: Json, stage: Stage, traveller: Traveller) -> None:
    payments.refund_by_staff(
        payment_id=stage.booking.payment_id,
        actor=stage.staff,
        cents=None if event.get("full") else event["cents"],
        bearer=Bearer(event.get("bearer", Bearer.PLATFORM)),
        reason="Asked for by the student.",
        again=event.get("again", False),
        now=clock.now(),
    )


def _admin_cancel(event: Json, stage: Stage, traveller: Traveller) -> None:
    payments.cancel_by_staff(
        payment_id=stage.booking.payment_id,
        actor=stage.staff,
        with_refund=event["refund"],
        reason="Asked for by the student.",
        now=clock.now(),
    )


def _report_no_show(event: Json, stage: Stage, traveller: Traveller) -> None:
    by = Party(event["by"])
    cases.report_no_show(
        booking=stage.booking, actor=stage.person(by), by=by, absent=Party(event["absent"]), now=clock.now()
    )


def _contest_no_show(event: Json, stage: Stage, traveller: Traveller) -> None:
    by = Party(event["by"])
    report = _last_report(stage, absent=by)
    cases.contest_no_show(report=report, actor=stage.person(by), now=clock.now())


def _withdraw_no_show(event: Json, stage: Stage, traveller: Traveller) -> None:
    report = _last_report(stage, reported_by=Party(event["by"]))
    cases.withdraw_no_show(report=report, now=clock.now())


def _last_report(stage: Stage, **of: Party) -> NoShowReport:
    return NoShowReport.objects.filter(booking=stage.booking, **of).latest("id")


def _rule_no_show(event: Json, stage: Stage, traveller: Traveller) -> None:
    cases.rule_no_show(
        booking=stage.booking,
        ruling=NoShowRuling(event["ruling"]),
        actor=stage.staff,
        reason="Both sides were heard.",
        now=clock.now(),
    )


def _open_dispute(event: Json, stage: Stage, traveller: Traveller) -> None:
    by = Party(event["by"])
    cases.open_dispute(
        booking=stage.booking,
        actor=stage.person(by),
        by=by,
        on_behalf_of=Party.STUDENT if by == Party.STAFF else by,
        now=clock.now(),
    )


def _rule_dispute(event: Json, stage: Stage, traveller: Traveller) -> None:
    cases.rule_dispute(
        booking=stage.booking,
        ruling=DisputeRuling(event["ruling"]),
        actor=stage.staff,
        reason="Both sides were heard.",
        now=clock.now(),
    )


def _chargeback(event: Json, stage: Stage, traveller: Traveller) -> None:
    intent = stage.booking.payment.intent_id
    if event["phase"] == "opened":
        dispute = stage.simulator.dispute(intent)
    else:
        dispute = stage.simulator.decide_dispute(intent, won=event["phase"] == "won")
    cases.take_in_from_bank(dispute_id=dispute["id"], now=clock.now())


def _staff_retry(event: Json, stage: Stage, traveller: Traveller) -> None:
    operation = payments.retry_stuck(payment_id=stage.booking.payment_id, actor=stage.staff, now=clock.now())
    payments.perform(operation)


def _staff_resolve(event: Json, stage: Stage, traveller: Traveller) -> None:
    operation = payments.resolve_stuck(
        payment_id=stage.booking.payment_id, actor=stage.staff, note="Given up.", now=clock.now()
    )
    payments.perform(operation)


def _clockwork(event: Json, stage: Stage, traveller: Traveller) -> None:
    traveller.clockwork_runs = event["running"]


def _stripe_fault(event: Json, stage: Stage, traveller: Traveller) -> None:
    stage.simulator.order_fault(event["call"], event["fault"], times=event.get("times", 1))


_EVENTS: dict[str, Callable[[Json, Stage, Traveller], None]] = {
    "nothing": _nothing,
    "student_cancel": _student_cancel,
    "instructor_cancel": _instructor_cancel,
    "reschedule": _reschedule,
    "complete": _complete,
    "finish_3ds": _finish_3ds,
    "set_card": _set_card,
    "spend_credits": _spend_credits,
    "admin_refund": _admin_refund,
    "admin_cancel": _admin_cancel,
    "report_no_show": _report_no_show,
    "contest_no_show": _contest_no_show,
    "withdraw_no_show": _withdraw_no_show,
    "rule_no_show": _rule_no_show,
    "open_dispute": _open_dispute,
    "rule_dispute": _rule_dispute,
    "chargeback": _chargeback,
    "staff_retry": _staff_retry,
    "staff_resolve": _staff_resolve,
    "clockwork": _clockwork,
    "stripe_fault": _stripe_fault,
}
