"""Carrying a step out: most are what scenarios know; the others belong to the simulation alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from urllib.error import HTTPError

from bookings import operations as bookings
from bookings.operations.tiers import evaluate_tiers
from disputes import operations as disputes
from disputes.models import Chargeback, NoShowReport
from instainstru import clock
from instainstru.local.scenarios import events
from instainstru.local.scenarios.stage import save_card
from instainstru.local.simulation import at_stripe
from instainstru.local.simulation.at_stripe import NOTHING_THERE, payee_of
from instainstru.local.simulation.looks import fingerprint
from instainstru.local.simulation.story import Step
from instainstru.local.simulation.world import World
from instainstru.refusals import Refused
from payments import operations as payments
from payments.gateway.errors import GatewayRefused, GatewayUnavailable

DONE, NO_ANSWER = "done", "no answer"
# Said after Stripe was asked, so that something may well have happened before.
AFTER_STRIPE = {"card_declined", "authentication_required", "slot_unavailable", "payment_method_required"}


class ChangedThough(Exception):
    """A refused action changed something."""


def act(step: Step, world: World) -> str:
    """Carry a step out and return a word for how it went: done, a refusal's code, …

    Raises ChangedThough, and whatever nobody has foreseen.
    """
    if "during_call" in step.more:
        more = {name: value for name, value in step.more.items() if name != "during_call"}
        now = replace(step, more=more)
        world.ambush.meet_at(step.more["during_call"], lambda: _come_and_act(now, world))
        return DONE
    return _come_and_act(step, world)


def _come_and_act(step: Step, world: World) -> str:
    """Whom the bank was to ask without being there comes back and pays first: an act of its own, which stands."""
    stage = world.stage_of(step.lesson) if step.do == "finish_3ds" and step.lesson is not None else None
    if stage is not None and not events.waits_at_the_bank(stage):
        came = _act_now(replace(step, do="pay_now"), world)
        if not events.waits_at_the_bank(stage):
            return came
    return _act_now(step, world)


def _act_now(step: Step, world: World) -> str:
    before = world.memory.recall("fingerprint", fingerprint)
    try:
        return _ACTS.get(step.do, _as_in_scenarios)(step, world) or DONE
    except Refused as refusal:
        if refusal.code not in AFTER_STRIPE and world.memory.recall("fingerprint", fingerprint) != before:
            raise ChangedThough(f"{step.do}, refused with {refusal.code}") from refusal
        return str(refusal.code)
    except GatewayUnavailable:
        return NO_ANSWER


def _as_in_scenarios(step: Step, world: World) -> str | None:
    stage = world.stage_of(step.lesson) if step.lesson is not None else None
    if stage is None:
        return NOTHING_THERE
    try:
        events.play({"do": step.do, **step.more}, stage, world.traveller)
    except (HTTPError, NoShowReport.DoesNotExist):  # no intent waits at the bank; nobody has reported anything
        return NOTHING_THERE
    return None


def _book(step: Step, world: World) -> None:
    assert step.lesson is not None
    lesson = world.lesson(step.lesson)
    bookings.checkout(
        student=world.students[lesson.student],
        service=world.service(step.lesson),
        starts_at=lesson.starts_at,
        minutes=lesson.minutes,
        credits=lesson.credits,
        now=clock.now(),
    )


def _set_card(step: Step, world: World) -> str | None:
    """A student has one card for all lessons, so this needs no booking."""
    assert step.lesson is not None
    student = world.students[world.lesson(step.lesson).student]
    try:
        save_card(student, card=step.more["card"])
    except GatewayRefused:  # two cards in one instant are one setup, of which the first is kept
        return "card refused"
    payments.retry_unpaid(student=student, now=clock.now())
    return None


def _pay_now(step: Step, world: World) -> str | None:
    assert step.lesson is not None
    stage = world.stage_of(step.lesson)
    if stage is None:
        return NOTHING_THERE
    bookings.pay_now(booking=stage.booking, actor=stage.student, now=clock.now())
    return None


def _at_the_bank(step: Step, world: World) -> str | None:
    """Something happens at the bank, and the news comes at once; it has happened, even if it is not taken in."""
    if step.lesson is not None and (stage := world.stage_of(step.lesson)):
        world.post.untold[stage.booking.ref] += 1
    return _as_in_scenarios(step, world)


def _staff_see_changes(step: Step, world: World) -> str | None:
    """Staff have looked at what somebody did in Stripe's dashboard, and let the booking go on (P8.8)."""
    assert step.lesson is not None
    stage = world.stage_of(step.lesson)
    if stage is None:
        return NOTHING_THERE
    payments.see_changes(payment_id=stage.booking.payment_id, actor=world.staff, now=clock.now())
    return None


def _submit_evidence(step: Step, world: World) -> str | None:
    """Staff send our side of a chargeback to the bank."""
    assert step.lesson is not None
    stage = world.stage_of(step.lesson)
    opened = Chargeback.objects.filter(booking=stage.booking) if stage else Chargeback.objects.none()
    chargeback = opened.order_by("pk").last()
    if chargeback is None:
        return NOTHING_THERE
    disputes.submit_evidence(
        chargeback=chargeback, actor=world.staff, statement="The lesson took place.", now=clock.now()
    )
    return None


def _hold_payouts(step: Step, world: World) -> None:
    """Finance keeps an instructor's money from going on to the bank, or lets it go on."""
    order = payments.hold_payouts if step.more["held"] else payments.release_payouts
    order(payee=payee_of(step, world), actor=world.staff, reason="Asked for by finance.", now=clock.now())


def _night(step: Step, world: World) -> None:
    """What is done once a night: tiers are recomputed (P1.3)."""
    evaluate_tiers(now=clock.now())


def _clockwork(step: Step, world: World) -> None:
    world.let_clockwork_run(step.more["running"])


def _stripe_fault(step: Step, world: World) -> None:
    world.simulator.order_fault(step.more["call"], step.more["fault"], times=step.more["times"])


_ACTS: dict[str, Callable[[Step, World], str | None]] = {
    "book": _book,
    "set_card": _set_card,
    "pay_now": _pay_now,
    "chargeback": _at_the_bank,
    "finish_3ds": _at_the_bank,
    "staff_see_changes": _staff_see_changes,
    "submit_evidence": _submit_evidence,
    "hold_payouts": _hold_payouts,
    "night": _night,
    "clockwork": _clockwork,
    "stripe_fault": _stripe_fault,
    "nothing_but_time": lambda step, world: None,
    "redis": lambda step, world: world.let_redis_run(step.more["running"]),
    "redis_forgets": lambda step, world: world.let_redis_forget(),
    "kill": lambda step, world: world.ambush.kill_at(step.more["after_points"]),
    "post": lambda step, world: world.post.deliver(**step.more),
    "backfill": lambda step, world: world.post.ask_for_what_is_missing(),
    **at_stripe.ACTS,
}
