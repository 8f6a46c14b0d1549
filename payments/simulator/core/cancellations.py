"""Letting go of an intent: cancelled on request, or because its hold lapsed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from payments.simulator.core import faults, refunds
from payments.simulator.core.errors import unexpected_state
from payments.simulator.core.events import emit
from payments.simulator.core.lookup import fetch
from payments.simulator.core.objects import Body

if TYPE_CHECKING:
    from payments.simulator.core.core import Core

_CANCELABLE = ("requires_payment_method", "requires_capture", "requires_confirmation", "requires_action")


def cancel(core: Core, params: dict[str, Any], intent_id: str) -> Body:
    """POST /v1/payment_intents/{intent}/cancel"""
    intent = fetch(core, "payment_intent", intent_id, param="intent")
    if intent["status"] not in _CANCELABLE:
        raise unexpected_state(
            f"You cannot cancel this PaymentIntent because it has a status of {intent['status']}. Only a PaymentIntent"
            f" with one of the following statuses may be canceled: {', '.join(_CANCELABLE)}.",
            intent,
        )
    faults.strike(core, "void", payment_intent=intent)
    if intent["status"] == "requires_capture":
        charge = core.objects.must_get(intent["latest_charge"])
        refunds.release_hold(core, charge, reason=None)
        emit(core, "charge.refunded", charge)
    _end(core, intent, params.get("cancellation_reason"))
    return intent


def lapse(core: Core, intent_id: str) -> None:
    """A hold reaches the end of its life, if it still stands."""
    intent = core.objects.must_get(intent_id)
    if intent["status"] != "requires_capture":
        return
    charge = core.objects.must_get(intent["latest_charge"])
    refunds.release_hold(core, charge, reason="expired_uncaptured_charge")
    emit(core, "charge.expired", charge)
    _end(core, intent, "automatic")


def _end(core: Core, intent: Body, reason: str | None) -> None:
    intent["status"] = "canceled"
    intent["amount_capturable"] = 0
    intent["canceled_at"] = core.clock.stamp()
    intent["cancellation_reason"] = reason
    intent["next_action"] = None
    core.objects.save(intent)
    emit(core, "payment_intent.canceled", intent)
