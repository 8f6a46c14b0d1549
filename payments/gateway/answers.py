"""What Stripe's answers mean: yes, a definite no, "the student must act", or nothing known (design 4 and 6)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import stripe

from payments.policy.states import Fault, Verdict

Json = dict[str, Any]

# Refusals that the instructor's account or our own configuration caused: never the student's fault (P10.2).
PAYEE_CODES = frozenset(
    {
        "account_closed",
        "account_invalid",
        "account_number_invalid",
        "insufficient_capabilities_for_transfer",
        "no_account",
        "platform_account_required",
        "transfers_not_allowed",
    }
)
PAYEE_PARAMS = ("destination", "transfer_data")  # an account that is not there any more
HOLD_GONE_CODES = frozenset({"charge_expired_for_capture"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One call's answer. `verdict` is None while nothing is known; then `unknown_because` says why (P10.4).

    `details` hold what the call's kind brings: `charge`, `transfer`, `fee` (cents), `capture_before` (epoch), `url`.
    """

    verdict: Verdict | None
    object_id: str = ""
    details: Json = field(default_factory=dict)
    fault: Fault | None = None
    code: str = ""
    message: str = ""
    unknown_because: str = ""
    is_replayed_failure: bool = False  # a 5xx from the key's memory: no repetition will ever answer it

    @property
    def is_unknown(self) -> bool:
        return self.verdict is None


def succeeded(object_id: str, **details: Any) -> Answer:
    return Answer(verdict=Verdict.SUCCEEDED, object_id=object_id, details=details)


def action_required(object_id: str, *, url: str = "", message: str = "") -> Answer:
    return Answer(
        verdict=Verdict.ACTION_REQUIRED,
        object_id=object_id,
        details={"url": url},
        code="authentication_required",
        message=message,
    )


def refused(fault: Fault, *, code: str, message: str, object_id: str = "") -> Answer:
    return Answer(verdict=Verdict.REFUSED, fault=fault, code=code, message=message, object_id=object_id)


def unknown(because: str, *, is_replayed_failure: bool = False) -> Answer:
    return Answer(verdict=None, unknown_because=because, is_replayed_failure=is_replayed_failure)


def is_no_answer(error: stripe.StripeError) -> bool:
    """Whether an SDK error leaves open what became of a request: nothing came, or nothing of Stripe's own (P10.4).

    A key in use (409) belongs to a request that is still under way; what is not in Stripe's words is of something
    between us and Stripe, whatever its status.
    """
    status = error.http_status or 0
    return (
        isinstance(error, stripe.APIConnectionError | stripe.RateLimitError)
        or not 400 <= status < 500
        or status in (409, 429)
        or _told(error) is None
    )


def answer_of_error(error: stripe.StripeError) -> Answer:
    """Return what an SDK error means. Raises it again where it can only be our bug."""
    told = _told(error)
    if told is None or is_no_answer(error):
        replayed = str((error.headers or {}).get("Idempotent-Replayed", "")).lower() == "true"
        is_replayed_failure = replayed and (error.http_status or 0) >= 500
        because = f"{error.http_status or 'no answer'}: {error.user_message or error}"
        return unknown(because, is_replayed_failure=is_replayed_failure)
    if isinstance(error, stripe.IdempotencyError):
        raise error  # one key with two sets of parameters
    param = told.get("param") or ""
    code, message = error.code or type(error).__name__, error.user_message or str(error)
    intent = told.get("payment_intent") or {}
    if isinstance(error, stripe.AuthenticationError | stripe.PermissionError):
        return refused(Fault.PAYEE, code=code, message=message)  # our key, our configuration
    if code in PAYEE_CODES or param.startswith(PAYEE_PARAMS):
        return refused(Fault.PAYEE, code=code, message=message)
    if code == "authentication_required":
        return action_required(intent.get("id", ""), message=message)
    if code in HOLD_GONE_CODES or (code == "payment_intent_unexpected_state" and intent.get("status") == "canceled"):
        return refused(Fault.HOLD_GONE, code=code, message=message, object_id=intent.get("id", ""))
    if isinstance(error, stripe.CardError) or param == "payment_method":
        return refused(
            Fault.CARD, code=told.get("decline_code") or code, message=message, object_id=intent.get("id", "")
        )
    return refused(Fault.OTHER, code=code, message=message)


def _told(error: stripe.StripeError) -> Json | None:
    """What Stripe says of an error; None if whoever answered does not speak as Stripe does."""
    told = error.json_body.get("error") if isinstance(error.json_body, dict) else None
    return told if isinstance(told, dict) else None
