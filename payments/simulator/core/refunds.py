"""Refunds: captured money goes back to the card, and holds that are let go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from payments.simulator.core import faults, ledger, payment_methods, reversals
from payments.simulator.core.errors import dollars, insufficient_balance, invalid_request
from payments.simulator.core.events import before, emit
from payments.simulator.core.lookup import change, fetch, merged, positive
from payments.simulator.core.objects import Body

if TYPE_CHECKING:
    from payments.simulator.core.core import Core

_OPEN_OR_LOST = ("needs_response", "under_review", "lost")


def create(core: Core, params: dict[str, Any]) -> Body:
    """POST /v1/refunds"""
    charge = _charge(core, params)
    _require_refundable(core, charge)
    left = charge["amount_captured"] - charge["amount_refunded"]
    if left == 0:
        raise invalid_request(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    amount = positive(params.get("amount", left))
    if amount > left:
        raise invalid_request(
            f"Refund amount ({dollars(amount)}) is greater than unrefunded amount on charge ({dollars(left)})",
            param="amount",
        )
    if params.get("refund_application_fee"):
        raise invalid_request(
            f"Charge {charge['id']} has no application fee to refund.", param="refund_application_fee"
        )
    faults.strike(core, "refund")
    return give_back(
        core,
        charge,
        amount,
        reason=params.get("reason"),
        metadata=params.get("metadata", {}),
        reverse_transfer=params.get("reverse_transfer", False),
    )


def update(core: Core, params: dict[str, Any], refund_id: str) -> Body:
    """POST /v1/refunds/{refund}"""
    refund = fetch(core, "refund", refund_id, param="refund")
    former = before(refund)
    change(refund, params, "metadata")
    core.objects.save(refund)
    emit(core, "refund.updated", refund, previously=former)
    return refund


def give_back(
    core: Core,
    charge: Body,
    amount: int,
    *,
    reason: str | None = None,
    metadata: dict[str, str] | None = None,
    reverse_transfer: bool = False,
) -> Body:
    """Refund so much of a charge, which has that much left, from the platform's balance.

    Raises StripeError if the money is not there: the platform's, or with `reverse_transfer` the connected account's.
    """
    refund_id = core.ids.new("re_3", 23)
    reversal = _reverse_share(core, charge, amount, refund_id) if reverse_transfer else None
    if ledger.available(core, core.platform) < amount:
        raise insufficient_balance("Insufficient funds in your Stripe balance to refund this amount.")
    transaction = ledger.post(
        core, account=core.platform, kind="refund", reporting_category="refund", source=refund_id, amount=-amount
    )
    refund = _add(core, refund_id, charge, amount, reason=reason, metadata=metadata or {}, how="refund")
    refund["balance_transaction"] = transaction["id"]
    refund["transfer_reversal"] = reversal and reversal["id"]
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
    core.objects.save(refund)
    core.objects.save(charge)
    emit(core, "refund.created", refund)
    emit(core, "charge.refunded", charge)
    if payment_methods.card_of(core.objects.must_get(charge["payment_method"])).refund_fails:
        core.schedule.add("refund_fails", refund_id, at=core.clock.now())
    return refund


def release_hold(core: Core, charge: Body, *, reason: str | None) -> None:
    """Let go of money that was held and never taken.

    Stripe shows that as a refund without a balance transaction, and the charge as refunded.
    """
    _add(core, core.ids.new("re_3", 23), charge, charge["amount"], reason=reason, metadata={}, how="reversal")
    charge["amount_refunded"] = charge["amount"]
    charge["refunded"] = True
    core.objects.save(charge)


def fail(core: Core, refund_id: str) -> None:
    """The bank sends a refund back: the money returns to the platform's balance."""
    refund = core.objects.must_get(refund_id)
    if refund["status"] != "succeeded" or refund["balance_transaction"] is None:
        raise invalid_request(f"{refund_id} cannot fail: it is not a refund of captured money that stands.")
    former = before(refund)
    charge = core.objects.must_get(refund["charge"])
    transaction = ledger.post(
        core,
        account=core.platform,
        kind="refund_failure",
        reporting_category="refund_failure",
        source=refund_id,
        amount=refund["amount"],
    )
    refund["status"] = "failed"
    refund["failure_reason"] = "lost_or_stolen_card"
    refund["failure_balance_transaction"] = transaction["id"]
    charge["amount_refunded"] -= refund["amount"]
    charge["refunded"] = False
    core.objects.save(refund)
    core.objects.save(charge)
    emit(core, "charge.refund.updated", refund, previously=former)
    emit(core, "refund.updated", refund, previously=former)
    emit(core, "refund.failed", refund)


def _charge(core: Core, params: dict[str, Any]) -> Body:
    if "charge" in params:
        return fetch(core, "charge", params["charge"], param="charge")
    if "payment_intent" not in params:
        raise invalid_request(
            "One of the following params should be provided for this request: payment_intent or charge.",
            code="parameter_missing",
        )
    intent = fetch(core, "payment_intent", params["payment_intent"], param="payment_intent")
    if intent["status"] != "succeeded":
        raise invalid_request(
            f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.",
            code="payment_intent_unexpected_state" if intent["status"] == "canceled" else None,
            payment_intent=intent,
        )
    return core.objects.must_get(intent["latest_charge"])


def _require_refundable(core: Core, charge: Body) -> None:
    if not charge["captured"]:
        raise invalid_request(f"Charge {charge['id']} has not been captured; cancel its PaymentIntent instead.")
    if any(dispute["status"] in _OPEN_OR_LOST for dispute in core.objects.find("dispute", charge=charge["id"])):
        raise invalid_request(
            f"Charge {charge['id']} has been charged back; cannot issue a refund.", code="charge_disputed"
        )


def _reverse_share(core: Core, charge: Body, amount: int, refund_id: str) -> Body | None:
    """Take back from the destination in proportion to what is refunded, at most what is left there."""
    if "transfer" not in charge:
        raise invalid_request(f"Charge {charge['id']} has no associated transfer to reverse.", param="reverse_transfer")
    transfer = core.objects.must_get(charge["transfer"])
    left = transfer["amount"] - transfer["amount_reversed"]
    captured = charge["amount_captured"]
    share = min(left, (2 * transfer["amount"] * amount + captured) // (2 * captured))  # rounded half up
    return reversals.take_back(core, transfer, share, source_refund=refund_id) if share else None


def _add(
    core: Core, refund_id: str, charge: Body, amount: int, *, reason: str | None, metadata: dict[str, str], how: str
) -> Body:
    return core.objects.add(
        {
            "id": refund_id,
            "object": "refund",
            "amount": amount,
            "balance_transaction": None,
            "charge": charge["id"],
            "created": core.clock.stamp(),
            "currency": "usd",
            "destination_details": {"card": {"type": how}, "type": "card"},
            "metadata": merged({}, metadata),
            "payment_intent": charge["payment_intent"],
            "reason": reason,
            "receipt_number": None,
            "source_transfer_reversal": None,
            "status": "succeeded",
            "transfer_reversal": None,
        },
        account=charge["_"]["account"],
    )
