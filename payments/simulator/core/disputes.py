"""Disputes: the cardholder's bank takes a payment back, and later decides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from payments.simulator.core import ledger
from payments.simulator.core.errors import invalid_request
from payments.simulator.core.events import before, emit
from payments.simulator.core.lookup import change, fetch
from payments.simulator.core.objects import Body, public

if TYPE_CHECKING:
    from payments.simulator.core.core import Core

OPEN = ("needs_response", "under_review")
_RESPONSE_TIME = 14 * 24 * 60 * 60
_NETWORK_CODES = {"fraudulent": "10.4", "product_not_received": "13.1"}
_EVIDENCE = (
    "access_activity_log",
    "billing_address",
    "cancellation_policy",
    "cancellation_policy_disclosure",
    "cancellation_rebuttal",
    "customer_communication",
    "customer_email_address",
    "customer_name",
    "customer_purchase_ip",
    "customer_signature",
    "duplicate_charge_documentation",
    "duplicate_charge_explanation",
    "duplicate_charge_id",
    "product_description",
    "receipt",
    "refund_policy",
    "refund_policy_disclosure",
    "refund_refusal_explanation",
    "service_date",
    "service_documentation",
    "shipping_address",
    "shipping_carrier",
    "shipping_date",
    "shipping_documentation",
    "shipping_tracking_number",
    "uncategorized_file",
    "uncategorized_text",
)


def begin(core: Core, charge: Body, *, reason: str = "fraudulent", amount: int | None = None) -> Body:
    """The bank disputes a captured charge: what is not yet refunded, or `amount`, is withdrawn with a fee."""
    if not charge["captured"] or charge["disputed"]:
        raise invalid_request(f"{charge['id']} cannot be disputed: it is not captured, or disputed already.")
    amount = amount or charge["amount_captured"] - charge["amount_refunded"]
    if not 1 <= amount <= charge["amount_captured"]:
        raise invalid_request(f"{charge['id']} has no such amount to dispute.", param="amount")
    dispute_id = core.ids.new("du_1", 23)
    brand = charge["payment_method_details"]["card"]["brand"]
    dispute = core.objects.add(
        {
            "id": dispute_id,
            "object": "dispute",
            "amount": amount,
            "balance_transactions": [],
            "charge": charge["id"],
            "created": core.clock.stamp(),
            "currency": "usd",
            "enhanced_eligibility_types": [],
            "evidence": dict.fromkeys(_EVIDENCE) | {"enhanced_evidence": {}},
            "evidence_details": {
                "due_by": core.clock.stamp() + _RESPONSE_TIME,
                "enhanced_eligibility": {},
                "has_evidence": False,
                "past_due": False,
                "submission_count": 0,
            },
            "is_charge_refundable": False,
            "livemode": False,
            "metadata": {},
            "payment_intent": charge["payment_intent"],
            "payment_method_details": {
                "card": {
                    "brand": brand,
                    "case_type": "chargeback",
                    "network_reason_code": _NETWORK_CODES.get(reason, "13.7"),
                },
                "type": "card",
            },
            "reason": reason,
            "status": "needs_response",
        },
        account=charge["_"]["account"],
    )
    charge["disputed"] = True
    core.objects.save(charge)
    emit(core, "charge.dispute.created", dispute)
    fee = ledger.fee_detail(core.settings.dispute_fee_cents, "Dispute fee")
    _post(core, dispute, -amount, "dispute", [fee])
    emit(core, "charge.dispute.funds_withdrawn", dispute)
    return dispute


def decide(core: Core, dispute: Body, *, won: bool) -> Body:
    """The bank's ruling. Won, the amount comes back; the fee does not."""
    if dispute["status"] not in OPEN:
        raise invalid_request(f"{dispute['id']} is already {dispute['status']}.")
    former = before(dispute)
    dispute["status"] = "won" if won else "lost"
    core.objects.save(dispute)
    emit(core, "charge.dispute.updated", dispute, previously=former)
    emit(core, "charge.dispute.closed", dispute)
    if won:
        _post(core, dispute, dispute["amount"], "dispute_reversal", [])
        emit(core, "charge.dispute.funds_reinstated", dispute)
    return dispute


def update(core: Core, params: dict[str, Any], dispute_id: str) -> Body:
    """POST /v1/disputes/{dispute}: evidence is staged, and goes to the bank with `submit`."""
    dispute = fetch(core, "dispute", dispute_id, param="dispute")
    former = before(dispute)
    change(dispute, params, "metadata")
    if "evidence" in params:
        if dispute["status"] not in OPEN:
            raise invalid_request("This dispute is already closed.")
        dispute["evidence"] |= {name: text or None for name, text in params["evidence"].items()}
        dispute["evidence_details"]["has_evidence"] = True
        if params.get("submit", True):
            dispute["evidence_details"]["submission_count"] += 1
            dispute["status"] = "under_review"
    core.objects.save(dispute)
    emit(core, "charge.dispute.updated", dispute, previously=former)
    return dispute


def close(core: Core, params: dict[str, Any], dispute_id: str) -> Body:
    """POST /v1/disputes/{dispute}/close: the platform accepts the loss."""
    dispute = fetch(core, "dispute", dispute_id, param="dispute")
    if dispute["status"] not in OPEN:
        raise invalid_request("This dispute is already closed.")
    return decide(core, dispute, won=False)


def _post(core: Core, dispute: Body, amount: int, category: str, fee_details: list[Body]) -> None:
    transaction = ledger.post(
        core,
        account=dispute["_"]["account"],
        kind="adjustment",
        reporting_category=category,
        source=dispute["id"],
        amount=amount,
        fee_details=fee_details,
        description=f"Chargeback {'withdrawal' if amount < 0 else 'reversal'} for {dispute['charge']}",
    )
    dispute["balance_transactions"].append(public(transaction))
    core.objects.save(dispute)
