"""What a question to Stripe comes to if it is not answered as one would wish; the answers of steps are `answers`."""

from collections.abc import Callable
from typing import TypeVar

import stripe

from payments.gateway.answers import is_no_answer

Answered = TypeVar("Answered")


class GatewayTrouble(Exception):
    """A question that moves no money was not answered as one would wish; in one of three ways."""


class GatewayRefused(GatewayTrouble):
    """Stripe said a definite no; `code` is Stripe's, the message is for the person who asked."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


class GatewayUnavailable(GatewayTrouble):
    """Stripe gave no answer. Nothing here moves money, so the person may simply try again."""


class GatewayMisconfigured(GatewayTrouble):
    """Stripe does not take our key, or not for this. Nobody who asks by page or API can do anything about it: a bug."""


def said_of(account_id: str, ask: Callable[[], Answered]) -> Answered:
    """Return what Stripe answers to a question about an account; a connected one we may not see any more.

    Raises GatewayRefused or GatewayUnavailable.
    """

    def asked() -> Answered:
        try:
            return ask()
        except stripe.PermissionError as error:
            if not account_id or is_no_answer(error):
                raise
            raise GatewayRefused(error.code or "no_permission", error.user_message or str(error)) from error

    return said(asked)


def said(ask: Callable[[], Answered]) -> Answered:
    """Return what Stripe answers to a question that moves no money.

    Raises GatewayRefused or GatewayUnavailable, and GatewayMisconfigured, which only commands tell their operator.
    """
    try:
        return ask()
    except stripe.StripeError as error:
        if is_no_answer(error):
            raise GatewayUnavailable(str(error)) from error
        if isinstance(error, stripe.AuthenticationError | stripe.PermissionError):
            why = f"Stripe does not take our key, STRIPE_SECRET_KEY: {error.user_message or error}"
            raise GatewayMisconfigured(why) from error
        raise GatewayRefused(error.code or type(error).__name__, error.user_message or str(error)) from error
