"""Faults on order: the next calls of a kind are refused, fail, or lose their answer.

| fault | effect | kept under its key | strikes a replay |
|---|---|---|---|
| `refuse` | none (an intent may be left that wants another card) | yes | no |
| `lost_answer` | yes; the connection breaks before the answer | yes | yes |
| `stored_500` | none | yes | no |
| `error_500`, `timeout_before`, `error_429` | none | no | yes |
| `latency` | yes, after a while; the key is in use meanwhile | yes | no |

Calls: `authorize` wants money from a card (`charge` means those alone that take it at once), `capture`, `reverse` a
transfer, `payout` any transfer, `refund`, `void`, `account` changes a connected one; `any` is every POST, `read` every
GET. `refuse` and `stored_500` strike only calls that have a name. Faults of one call strike in the order in which they
were asked for, each as often as it says; a delay comes beside the others. They live in memory.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from payments.simulator.core.errors import StripeError
from payments.simulator.core.objects import Body

if TYPE_CHECKING:
    from payments.simulator.core.core import Core

CALLS = ("authorize", "charge", "capture", "reverse", "payout", "refund", "void", "account", "read", "any")
BEFORE = ("error_500", "timeout_before", "error_429")
STRIKE_REPLAYS = (*BEFORE, "lost_answer")
STRIKE_ONCE = (*STRIKE_REPLAYS, "refuse", "stored_500")
DELAYS = ("latency",)  # beside whatever else strikes
KINDS = (*STRIKE_ONCE, *DELAYS, "none")

_REFUSALS = {  # what Stripe would most likely say: code, message
    "authorize": ("card_declined", "Your card was declined."),
    "capture": ("card_declined", "Your card was declined."),
    "reverse": ("balance_insufficient", "The connected account has insufficient funds for this reversal."),
    "payout": ("balance_insufficient", "You have insufficient funds in your Stripe account."),
    "refund": ("balance_insufficient", "Insufficient funds in your Stripe balance to refund this amount."),
    "account": ("payouts_not_allowed", "Payouts cannot be configured on this account."),
    "void": ("processing_error", "The authorization could not be released. Try again later."),
}
CARD_CODES = ("card_declined", "expired_card", "incorrect_cvc", "processing_error", "authentication_required")


@dataclass(slots=True, eq=False)  # two equal orders are two
class Fault:
    """One order. `times` counts down; None is always."""

    call: str
    kind: str
    times: int | None = 1
    code: str | None = None
    decline_code: str | None = None
    error_type: str | None = None
    latency_ms: int = 0
    match: dict[str, Any] = field(default_factory=dict)

    def concerns(self, calls: Iterable[str], subjects: list[Body]) -> bool:
        """Whether it was ordered for a call of these kinds, about these objects and parameters."""
        if self.call not in calls and not (self.call == "any" and "read" not in calls):
            return False
        return all(
            any(_agrees(subject.get(name), wanted) for subject in subjects) for name, wanted in self.match.items()
        )


def _agrees(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, dict):
        return isinstance(value, dict) and all(value.get(name) == part for name, part in wanted.items())
    return value == wanted


class Faults:
    """The orders of one simulator. It has a lock of its own, as it is asked before the core is."""

    def __init__(self) -> None:
        self._orders: list[Fault] = []
        self._lock = threading.Lock()

    def order(self, fault: Fault) -> None:
        """Add one; `none` ends those of its call, or all with `any`."""
        with self._lock:
            if fault.kind == "none":
                self._orders = [old for old in self._orders if fault.call not in (old.call, "any")]
            else:
                self._orders.append(fault)

    def clear(self) -> None:
        with self._lock:
            self._orders.clear()

    def outstanding(self) -> list[Fault]:
        """What is still to strike."""
        with self._lock:
            return list(self._orders)

    def take(self, calls: Iterable[str], subjects: list[Body], kinds: Iterable[str]) -> Fault | None:
        """The first order of these kinds that concerns a call, counted as used; `give_back` what did not strike."""
        with self._lock:
            for fault in self._orders:
                if fault.kind in kinds and fault.concerns(calls, subjects):
                    if fault.times is not None:
                        fault.times -= 1
                        if fault.times <= 0:
                            self._orders.remove(fault)
                    return fault
        return None

    def give_back(self, fault: Fault) -> None:
        """It did not strike after all: the request was invalid in itself."""
        with self._lock:
            if fault.times is not None:
                fault.times += 1
                if fault not in self._orders:
                    self._orders.insert(0, fault)


def strike(core: Core, call: str, **objects: Any) -> None:
    """End the call here if a fault says so: it stands where a valid request would begin to have effect.

    `objects` are shown in the error body.
    """
    fault = core.request.fault
    if fault and fault.kind == "refuse":
        raise refusal(core, fault, call, **objects)
    if fault and fault.kind == "stored_500":
        core.request.fault_struck = True
        raise server_error(stored=True)


def refusal(core: Core, fault: Fault, call: str, **objects: Any) -> StripeError:
    """The definite no of an ordered refusal, which counts as used with this."""
    core.request.fault_struck = True
    code, message = _REFUSALS[call]
    if fault.code and fault.code != code:
        code, message = fault.code, f"The request was refused: {fault.code}."
    declined = fault.error_type or ("card_error" if code in CARD_CODES and call != "void" else "invalid_request_error")
    decline_code = fault.decline_code or ("generic_decline" if code == "card_declined" else None)
    status = 402 if declined == "card_error" else 400
    return StripeError(status, declined, message, code=code, decline_code=decline_code, **objects)


def server_error(*, stored: bool) -> StripeError:
    """Stripe's own failure. Where it will be replayed, Stripe advises against trying again."""
    return StripeError(
        500,
        "api_error",
        "An unknown error occurred.",
        stored=stored,
        headers={"Stripe-Should-Retry": "false"} if stored else {},
    )


def rate_limited() -> StripeError:
    """Too many requests; nothing was looked at."""
    message = (
        "Request rate limit exceeded. You can learn more about rate limits here https://stripe.com/docs/rate-limits."
    )
    return StripeError(429, "invalid_request_error", message, code="rate_limit", stored=False)
