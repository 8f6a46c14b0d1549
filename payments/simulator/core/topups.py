"""Top-ups: the platform adds to its own balance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from payments.simulator.core import ledger
from payments.simulator.core.events import emit
from payments.simulator.core.lookup import merged, only_usd, positive
from payments.simulator.core.objects import Body

if TYPE_CHECKING:
    from payments.simulator.core.core import Core


def create(core: Core, params: dict[str, Any]) -> Body:
    """POST /v1/topups: there at once."""
    only_usd(params)
    amount, topup_id = positive(params["amount"]), core.ids.new("tu_1", 23)
    topup = core.objects.add(
        {
            "id": topup_id,
            "object": "topup",
            "amount": amount,
            "balance_transaction": None,
            "created": core.clock.stamp(),
            "currency": "usd",
            "description": params.get("description"),
            "expected_availability_date": core.clock.stamp(),
            "failure_code": None,
            "failure_message": None,
            "livemode": False,
            "metadata": merged({}, params.get("metadata", {})),
            "source": None,
            "statement_descriptor": params.get("statement_descriptor"),
            "status": "pending",
            "transfer_group": params.get("transfer_group"),
        },
        account=core.platform,
    )
    emit(core, "topup.created", topup)
    transaction = ledger.post(
        core,
        account=core.platform,
        kind="topup",
        reporting_category="topup",
        source=topup_id,
        amount=amount,
        description=params.get("description"),
    )
    topup["balance_transaction"] = transaction["id"]
    topup["status"] = "succeeded"
    core.objects.save(topup)
    emit(core, "topup.succeeded", topup)
    return topup
