"""What Stripe's books say, added up: to compare with the platform's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from payments.simulator.core import Core
from payments.simulator.core.objects import Body

_NOTHING = {
    "held": 0,  # live holds
    "captured": 0,
    "refunded": 0,  # of what was captured, less refunds that failed
    "transferred": 0,
    "reversed": 0,
    "disputed": 0,  # withdrawn by disputes that are open or lost
    "fees": 0,
}


def summary(core: Core, given: dict[str, Any]) -> Body:
    """GET /_control/summary. Cents.

    `groups` by transfer group; what has none stands under the id of its intent or transfer. `totals` adds them up.
    """
    groups: dict[str, Body] = {}
    for intent in _wanted(core, "payment_intent", given):
        _add_intent(core, _group(groups, intent), intent)
    for transfer in _wanted_transfers(core, given, groups):
        group = _group(groups, transfer)
        group["transferred"] += transfer["amount"]
        group["reversed"] += transfer["amount_reversed"]
        group["transfers"].append(transfer["id"])
    totals = {name: sum(group[name] for group in groups.values()) for name in _NOTHING}
    return {"groups": groups, "totals": totals, "balances": balances(core)}


def balances(core: Core) -> Body:
    """Available and pending cents of the platform and of every connected account."""
    rows = core.database.execute("SELECT account, available, pending FROM balances").fetchall()
    known = {account: {"available": available, "pending": pending} for account, available, pending in rows}
    nothing = {"available": 0, "pending": 0}
    connected = {
        account["id"]: known.get(account["id"], nothing)
        for account in core.objects.find("account")
        if account["id"] != core.platform
    }
    return {"platform": known.get(core.platform, nothing), "accounts": connected}


def live_holds(core: Core, given: dict[str, Any]) -> list[Body]:
    """GET /_control/live_holds: intents that hold money now, newest first."""
    return [
        {
            "payment_intent": intent["id"],
            "cents": intent["amount_capturable"],
            "customer": intent["customer"],
            "capture_before": core.objects.must_get(intent["latest_charge"])["_"]["hold_until"],
            "transfer_group": intent["transfer_group"],
            "metadata": intent["metadata"],
        }
        for intent in core.objects.find("payment_intent", status="requires_capture")
    ]


def _wanted(core: Core, kind: str, given: dict[str, Any]) -> Iterator[Body]:
    equal = {"transfer_group": given["transfer_group"]} if "transfer_group" in given else {}
    for body in core.objects.find(kind, account=core.platform, **equal):
        if all(body["metadata"].get(name) == value for name, value in given.get("metadata", {}).items()):
            yield body


def _wanted_transfers(core: Core, given: dict[str, Any], groups: dict[str, Body]) -> list[Body]:
    """Those asked for, and those that the charges of the intents asked for made or fed."""
    found = {transfer["id"]: transfer for transfer in _wanted(core, "transfer", given)}
    for group in list(groups):
        found |= {transfer["id"]: transfer for transfer in core.objects.find("transfer", transfer_group=group)}
    return list(found.values())


def _group(groups: dict[str, Body], body: Body) -> Body:
    name = body["transfer_group"] or body["id"]
    return groups.setdefault(name, {**_NOTHING, "payment_intents": [], "transfers": []})


def _add_intent(core: Core, group: Body, intent: Body) -> None:
    group["payment_intents"].append(intent["id"])
    group["held"] += intent["amount_capturable"]
    group["captured"] += intent["amount_received"]
    if not intent["amount_received"]:
        return
    charge = core.objects.must_get(intent["latest_charge"])
    group["refunded"] += charge["amount_refunded"]
    if charge["balance_transaction"]:
        group["fees"] += core.objects.must_get(charge["balance_transaction"])["fee"]
    for dispute in core.objects.find("dispute", charge=charge["id"]):
        group["disputed"] += 0 if dispute["status"] == "won" else dispute["amount"]
        group["fees"] += sum(transaction["fee"] for transaction in dispute["balance_transactions"])
