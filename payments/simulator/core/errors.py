"""Answers that are not a success, in Stripe's terms."""

from __future__ import annotations

from typing import Any

from payments.simulator.core.objects import public

Body = dict[str, Any]


class StripeError(Exception):
    """A request ends with an error body.

    `keeps_effects`: what was written before stands, as with a declined payment, which leaves its intent behind.
    `stored`: the answer is replayed to later requests with the same idempotency key. Stripe does so for everything
    that happened once execution had begun, and not for validation, rate limits and conflicts.
    """

    def __init__(
        self,
        status: int,
        error_type: str,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        decline_code: str | None = None,
        keeps_effects: bool = False,
        stored: bool = True,
        headers: dict[str, str] | None = None,
        **objects: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.keeps_effects = keeps_effects
        self.stored = stored
        self.headers = headers or {}
        self.error = error_object(error_type, message, code=code, param=param, decline_code=decline_code, **objects)


def error_object(error_type: str, message: str, *, code: str | None = None, **details: Any) -> Body:
    """The inner object of an error body; intents carry the same form as their last error.

    Whatever is None is left out. Stripe objects among the details are copied as they are at this moment.
    """
    error: Body = {"type": error_type, "message": message}
    if code:
        error["code"] = code
        error["doc_url"] = f"https://stripe.com/docs/error-codes/{code.replace('_', '-')}"
    for name, value in details.items():
        if value is not None:
            error[name] = public(value) if isinstance(value, dict) else value
    return error


def invalid_request(message: str, *, status: int = 400, **details: Any) -> StripeError:
    """A request that Stripe understood and refuses; 400 unless told otherwise."""
    return StripeError(status, "invalid_request_error", message, **details)


def missing(label: str, object_id: str, *, param: str, status: int = 404) -> StripeError:
    """No such object. 404 when the path names it, 400 when a parameter does."""
    return invalid_request(f"No such {label}: '{object_id}'", status=status, code="resource_missing", param=param)


def unexpected_state(message: str, intent: Body) -> StripeError:
    """The intent is not in a state that allows this; the answer shows the intent."""
    shown: dict[str, Any] = {intent["object"]: intent}
    return invalid_request(message, code=f"{intent['object']}_unexpected_state", **shown)


def insufficient_balance(message: str) -> StripeError:
    """There is not enough money where it would be taken from."""
    return invalid_request(message, code="balance_insufficient")


def dollars(cents: int) -> str:
    """An amount as Stripe's messages write it."""
    return f"${cents // 100:,}.{cents % 100:02d}"
