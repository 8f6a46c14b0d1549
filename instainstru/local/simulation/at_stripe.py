"""What happens at Stripe and at banks, and nobody here has asked for: we hear of it by the post, if at all."""

from __future__ import annotations

from collections.abc import Callable
from urllib.error import HTTPError

from instainstru.local.scenarios.stage import Stage
from instainstru.local.simulation.story import Step
from instainstru.local.simulation.world import World
from payments.models import Payee, PayoutTransfer
from payments.models import Step as Call
from payments.policy.states import Call as Kind

NOTHING_THERE = "nothing there"
PAYOUTS = "payouts"  # what is untold when money has gone on to banks

Act = Callable[[Step, World], str | None]


def _of_a_lesson(happen: Callable[[Step, World, Stage], bool]) -> Act:
    """An act at Stripe about a lesson that somebody has tried to pay for; it returns whether it could happen."""

    def act(step: Step, world: World) -> str | None:
        assert step.lesson is not None
        stage = world.stage_of(step.lesson)
        if stage is None or not stage.booking.payment.intent_id:
            return NOTHING_THERE
        try:
            if not happen(step, world, stage):
                return NOTHING_THERE
        except HTTPError:  # nothing was charged, nothing is disputed, nothing is left of it
            return NOTHING_THERE
        world.post.untold[stage.booking.ref] += 1
        return None

    return act


def _bank(step: Step, world: World, stage: Stage) -> bool:
    """The cardholder's bank takes the money, or decides."""
    intent = stage.booking.payment.intent_id
    if step.more["phase"] == "opened":
        world.simulator.dispute(intent)
    else:
        world.simulator.decide_dispute(intent, won=step.more["phase"] == "won")
    return True


def _dashboard_refund(step: Step, world: World, stage: Stage) -> bool:
    """One of us refunds in Stripe's own dashboard (P8.8)."""
    intent, reversing = stage.booking.payment.intent_id, step.more.get("reverse_transfer", False)
    world.simulator.refund_in_dashboard(intent, cents=step.more["cents"], reverse_transfer=reversing)
    return True


def _dashboard_reversal(step: Step, world: World, stage: Stage) -> bool:
    """One of us takes a transfer back in Stripe's own dashboard (P8.8)."""
    payment = stage.booking.payment
    paid = PayoutTransfer.objects.filter(payment=payment).order_by("pk").values_list("transfer_id", flat=True)
    transfer = payment.transfer_id or paid.last()
    if transfer:
        world.simulator.reverse_in_dashboard(transfer, cents=step.more["cents"])
    return bool(transfer)


def _refund_comes_back(step: Step, world: World, stage: Stage) -> bool:
    """The bank sends a refund of ours back (P10.3)."""
    refunds = Call.objects.filter(operation__payment=stage.booking.payment, call=Kind.REFUND).exclude(object_id="")
    refund = refunds.order_by("pk").values_list("object_id", flat=True).last()
    if refund:
        world.simulator.fail_refund(refund)
    return bool(refund)


def _payouts(step: Step, world: World) -> None:
    """What instructors have at Stripe goes on to their banks, so that it can't be taken back from there."""
    if payouts := world.simulator.run_payouts():
        world.payouts += payouts
        world.post.untold[PAYOUTS] += 1


def _payout_fails(step: Step, world: World) -> str | None:
    """An instructor's bank sends back what came last."""
    if not world.payouts:
        return NOTHING_THERE
    world.simulator.fail_payout(world.payouts.pop())
    world.post.untold[PAYOUTS] += 1
    return None


def _account(step: Step, world: World) -> None:
    """Stripe distrusts an instructor, or trusts them again: their account loses or regains what it may."""
    account = payee_of(step, world).account_id
    match step.more["becomes"]:
        case "payable":
            world.rejected.discard(account)
            world.simulator.make_payable(account)
        case "rejected":
            world.rejected.add(account)
            world.simulator.reject_account(account)
        case transfers:
            world.simulator.change_account(account, transfers=transfers)


def payee_of(step: Step, world: World) -> Payee:
    """Return who is paid for a lesson."""
    assert step.lesson is not None
    return Payee.objects.get(user=world.service(step.lesson).instructor.user)


ACTS: dict[str, Act] = {
    "bank": _of_a_lesson(_bank),
    "dashboard_refund": _of_a_lesson(_dashboard_refund),
    "dashboard_reversal": _of_a_lesson(_dashboard_reversal),
    "refund_comes_back": _of_a_lesson(_refund_comes_back),
    "payouts": _payouts,
    "payout_fails": _payout_fails,
    "account": _account,
}
