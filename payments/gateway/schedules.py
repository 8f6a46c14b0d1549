"""When Stripe pays a connected account's balance out to its owner's bank, and whether it does."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

import stripe
from django.conf import settings
from django.core.checks import CheckMessage, Error

from payments.gateway import client
from payments.gateway.answers import Answer, answer_of_error, refused, succeeded
from payments.gateway.errors import said_of
from payments.policy.states import Fault

Json = dict[str, Any]

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_ANCHORS = {"weekly": "weekly_anchor", "monthly": "monthly_anchor"}


@dataclass(frozen=True, slots=True)
class Schedule:
    """How often an account is paid out, written `manual`, `daily`, `weekly:friday` or `monthly:15`."""

    interval: str
    anchor: str = ""  # the weekday, or the day of the month

    def __str__(self) -> str:
        return f"{self.interval}:{self.anchor}" if self.anchor else self.interval

    @classmethod
    def named(cls, name: str) -> Self:
        """Read a schedule as it is written. Raises ValueError if that is none."""
        interval, _, anchor = name.partition(":")
        days: Iterable[str] = {"weekly": WEEKDAYS, "monthly": map(str, range(1, 32))}.get(interval, ("",))
        if interval not in ("manual", "daily", *_ANCHORS) or anchor not in tuple(days):
            raise ValueError(f"{name!r} is no schedule: write manual, daily, weekly:friday or monthly:15.")
        return cls(interval, anchor)

    @classmethod
    def of(cls, account: Json) -> Self:
        """Return the schedule that an account has at Stripe; newer accounts name their days in a list."""
        found = account["settings"]["payouts"]["schedule"]
        interval = found["interval"]
        days = found.get(_ANCHORS.get(interval, "")) or found.get(f"{interval}_payout_days") or ""
        return cls(interval, ",".join(map(str, days)) if isinstance(days, list) else str(days))

    def as_parameters(self) -> Json:
        """Return the form fields that set it on an account."""
        anchor = {_ANCHORS[self.interval]: self.anchor} if self.anchor else {}
        return {"settings": {"payouts": {"schedule": {"interval": self.interval, **anchor}}}}


MANUAL = Schedule("manual")  # nothing goes to the bank by itself: the money stays on the account


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutState:
    """What an account may do as far as being paid out is concerned, as Stripe says it now."""

    schedule: Schedule
    is_onboarded: bool
    is_paid_out: bool  # Stripe lets money go to the bank at all
    transfers: str  # the capability to be paid by us: "active", "inactive", "pending", or nothing
    requirements: tuple[str, ...]


def usual_schedule() -> Schedule:
    """Return the schedule that every account has unless its payouts are held."""
    return Schedule.named(settings.STRIPE_PAYOUT_SCHEDULE)


def payout_state(account_id: str) -> PayoutState:
    """Return how an account stands. Raises GatewayRefused, for one that we may not see any more among others."""
    found = said_of(account_id, lambda: client.get(f"/v1/accounts/{account_id}"))
    return PayoutState(
        schedule=Schedule.of(found),
        is_onboarded=found["details_submitted"],
        is_paid_out=found["payouts_enabled"],
        transfers=found["capabilities"].get("transfers", ""),
        requirements=tuple((found.get("requirements") or {}).get("currently_due") or ()),
    )


def set_schedule(account_id: str, schedule: Schedule, *, key: str) -> Answer:
    """Set an account's schedule under an idempotency key and return the answer; "unknown" is one, too (P10.4)."""
    try:
        found = client.post(f"/v1/accounts/{account_id}", schedule.as_parameters(), key=key)
    except stripe.StripeError as error:
        return answer_of_error(error)
    if (taken := Schedule.of(found)) != schedule:
        message = f"Stripe has set {taken} instead of {schedule}."
        return refused(Fault.OTHER, code="schedule_not_taken", message=message, object_id=account_id)
    return succeeded(account_id)


def check_usual_schedule(**_: object) -> list[CheckMessage]:
    """Wants a usual schedule that pays out: a hold would make no difference otherwise."""
    try:
        found = usual_schedule()
    except ValueError as error:
        return [Error(f"STRIPE_PAYOUT_SCHEDULE: {error}", id="payments.E004")]
    if found == MANUAL:
        return [Error("STRIPE_PAYOUT_SCHEDULE is manual: nobody would ever be paid out.", id="payments.E004")]
    return []
