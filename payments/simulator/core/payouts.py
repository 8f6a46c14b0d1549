"""Payouts: money leaves an account for its owner's bank."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from payments.simulator.core import ledger
from payments.simulator.core.errors import insufficient_balance, invalid_request
from payments.simulator.core.events import emit
from payments.simulator.core.lookup import merged, only_usd, positive
from payments.simulator.core.objects import Body

if TYPE_CHECKING:
    from payments.simulator.core.core import Core

_TO_ARRIVE = 2 * 24 * 60 * 60


def create(core: Core, params: dict[str, Any]) -> Body:
    """POST /v1/payouts, for the account that the request speaks for."""
    only_usd(params)
    return make(core, core.request.account, positive(params["amount"]), params)


def make(
    core: Core, account: str, amount: int, params: dict[str, Any] | None = None, *, automatic: bool = False
) -> Body:
    """Pay an amount of an account's balance out to its bank, as a request asks or by the account's schedule."""
    params = params or {}
    if ledger.available(core, account) < amount:
        raise insufficient_balance(
            "You have insufficient funds in your Stripe account for this transfer. Your card balance is too low.  You"
            " can use the /v1/balance endpoint to view your Stripe balance (for more details, see"
            " stripe.com/docs/api#balance)."
        )
    payout_id = core.ids.new("po_1", 23)
    transaction = ledger.post(
        core,
        account=account,
        kind="payout",
        reporting_category="payout",
        source=payout_id,
        amount=-amount,
        description=params.get("description", "STRIPE PAYOUT"),
    )
    payout = core.objects.add(
        {
            "id": payout_id,
            "object": "payout",
            "amount": amount,
            "application_fee": None,
            "application_fee_amount": None,
            "arrival_date": core.clock.stamp() + _TO_ARRIVE,
            "automatic": automatic,
            "balance_transaction": transaction["id"],
            "created": core.clock.stamp(),
            "currency": "usd",
            "description": params.get("description", "STRIPE PAYOUT"),
            "destination": _bank(core, account),
            "failure_balance_transaction": None,
            "failure_code": None,
            "failure_message": None,
            "livemode": False,
            "metadata": merged({}, params.get("metadata", {})),
            "method": params.get("method", "standard"),
            "original_payout": None,
            "payout_method": None,
            "reconciliation_status": "not_applicable",
            "reversed_by": None,
            "source_type": "card",
            "statement_descriptor": params.get("statement_descriptor"),
            "status": "pending",
            "trace_id": None,
            "type": "bank_account",
        },
        account=account,
    )
    core.schedule.add("payout_arrives", payout_id, at=payout["arrival_date"])
    emit(core, "payout.created", payout)
    return payout


def arrive(core: Core, payout_id: str) -> None:
    """The money reaches the bank."""
    payout = core.objects.must_get(payout_id)
    if payout["status"] != "pending":
        return  # it came back before
    payout["status"] = "paid"
    core.objects.save(payout)
    emit(core, "payout.paid", payout)


def fail(core: Core, payout_id: str) -> None:
    """The bank sends a payout back, on its way or later: the money returns to the account's balance."""
    payout = core.objects.must_get(payout_id)
    if payout["status"] not in ("pending", "paid"):
        raise invalid_request(f"{payout_id} cannot fail: it is {payout['status']}.")
    account = payout["_"]["account"]
    transaction = ledger.post(
        core,
        account=account,
        kind="payout_failure",
        reporting_category="payout_reversal",
        source=payout_id,
        amount=payout["amount"],
    )
    payout["status"] = "failed"
    payout["failure_code"] = "account_closed"
    payout["failure_message"] = "The bank account has been closed."
    payout["failure_balance_transaction"] = transaction["id"]
    core.objects.save(payout)
    emit(core, "payout.failed", payout)


def _bank(core: Core, account: str) -> str | None:
    if account == core.platform:
        return None
    banks = core.objects.must_get(account)["external_accounts"]["data"]
    if not banks:
        raise invalid_request("Sorry, you don't have any external accounts in that currency (usd).")
    return banks[0]["id"]
