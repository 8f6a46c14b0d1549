"""When an account's balance goes on to its owner's bank: `settings.payouts.schedule`, and what happens by it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from payments.simulator.core import ledger, payouts
from payments.simulator.core.errors import invalid_request
from payments.simulator.core.objects import Body

if TYPE_CHECKING:
    from payments.simulator.core.core import Core

BY_DEFAULT = {"delay_days": 2, "interval": "daily"}  # of a new connected account in the US
MANUAL = {"delay_days": 2, "interval": "manual"}
_SHORTEST_DELAY = 2  # days, in the US
_INTERVALS = ("daily", "manual", "monthly", "weekly")  # Stripe's description leaves the list open
_ANCHORS = {"weekly": "weekly_anchor", "monthly": "monthly_anchor"}


def change_schedule(account: Body, given: dict[str, Any]) -> None:
    """Set an account's schedule by the parameters of a request; what is not given stays."""
    wanted = given.get("payouts", {}).get("schedule")
    if not wanted:
        return
    if account["type"] == "standard":
        raise invalid_request(
            f"This application does not have the required permissions for this parameter on account '{account['id']}'.",
            param=_name("interval"),
        )
    settings = account["settings"]["payouts"]
    settings["schedule"] = _changed(settings["schedule"], wanted)


def pay_out(core: Core) -> list[Body]:
    """What Stripe does by itself on a day of payouts: every balance whose schedule is not manual goes to the bank.

    Here it happens when the control API says so, so that nobody's balance moves unasked.
    """
    accounts = [
        account
        for account in core.objects.find("account")
        if account["id"] != core.platform and not account["_"].get("deleted") and account["payouts_enabled"]
    ]
    return [
        payouts.make(core, account["id"], ledger.available(core, account["id"]), automatic=True)
        for account in accounts
        if account["settings"]["payouts"]["schedule"]["interval"] != "manual"
        and ledger.available(core, account["id"]) > 0
    ]


def _changed(schedule: Body, wanted: Body) -> Body:
    together = schedule | wanted
    interval = together["interval"]
    if interval not in _INTERVALS:
        message = f"Invalid {_name('interval')}: must be one of daily, manual, monthly, or weekly"
        raise invalid_request(message, code="parameter_invalid", param=_name("interval"))
    changed = {"delay_days": _delay(together["delay_days"]), "interval": interval}
    for of_interval, anchor in _ANCHORS.items():
        if anchor in wanted and interval != of_interval:
            raise invalid_request(f"You cannot set {anchor} unless the interval is {of_interval}.", param=_name(anchor))
        if interval == of_interval:
            if anchor not in together:
                raise invalid_request(
                    f"Missing required param: {_name(anchor)}.", code="parameter_missing", param=_name(anchor)
                )
            changed[anchor] = together[anchor]
    if not 1 <= changed.get("monthly_anchor", 1) <= 31:
        raise invalid_request("monthly_anchor must be between 1 and 31.", param=_name("monthly_anchor"))
    return changed


def _delay(asked: int | str) -> int:
    if asked == "minimum":
        return _SHORTEST_DELAY
    if int(asked) < _SHORTEST_DELAY:
        raise invalid_request(
            f"You cannot lower this account's delay below {_SHORTEST_DELAY} days.", param=_name("delay_days")
        )
    return int(asked)


def _name(parameter: str) -> str:
    return f"settings[payouts][schedule][{parameter}]"
