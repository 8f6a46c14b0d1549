"""Stripe's test cards: what each number does, and the names that stand for numbers.

Two groups are the simulator's reading of what Stripe's own test mode leaves vague, or an addition to it:

- the `…CustomerFail…` cards save well and are refused at every payment; Stripe has one (generic decline), and the one
  with `insufficient_funds` is ours;
- `authenticationRequired` wants 3-D Secure for every payment, on session and off, and saves without.

All other declining cards are refused when they are saved, too, as at Stripe.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum


class Authentication(Enum):
    """When a card wants 3-D Secure."""

    NEVER = "never"
    PAYMENTS = "payments"  # at every payment
    UNLESS_SET_UP = "unless_set_up"  # when saved and on session; not off session once saved


@dataclass(frozen=True, slots=True)
class Decline:
    """A refusal by the issuer, as the error body tells it."""

    code: str
    decline_code: str | None
    message: str


GENERIC = Decline("card_declined", "generic_decline", "Your card was declined.")
INSUFFICIENT_FUNDS = Decline("card_declined", "insufficient_funds", "Your card has insufficient funds.")
LOST = Decline("card_declined", "lost_card", "Your card was declined.")
STOLEN = Decline("card_declined", "stolen_card", "Your card was declined.")
FRAUDULENT = Decline("card_declined", "fraudulent", "Your card was declined.")
VELOCITY = Decline(
    "card_declined",
    "card_velocity_exceeded",
    "Your card was declined for making repeated attempts too frequently or exceeding its amount limit.",
)
EXPIRED = Decline("expired_card", None, "Your card has expired.")
INCORRECT_CVC = Decline("incorrect_cvc", None, "Your card's security code is incorrect.")
PROCESSING = Decline(
    "processing_error", None, "An error occurred while processing your card. Try again in a little bit."
)
AUTHENTICATION_REQUIRED = Decline(
    "authentication_required",
    "authentication_required",
    "Your card was declined. This transaction requires authentication.",
)


@dataclass(frozen=True, slots=True)
class Card:
    """What is on the card, and how its issuer behaves."""

    number: str
    brand: str = "visa"
    funding: str = "credit"
    on_payment: Decline | None = None
    on_saving: Decline | None = None
    authentication: Authentication = Authentication.NEVER
    dispute_reason: str | None = None  # a payment is disputed as soon as it is captured
    refund_fails: bool = False  # refunds are accepted, then fail

    @property
    def last4(self) -> str:
        return self.number[-4:]


def _refusing(number: str, decline: Decline, *, saves: bool = False) -> Card:
    return Card(number, on_payment=decline, on_saving=None if saves else decline)


_NAMED = {
    "visa": Card("4242424242424242"),
    "visa_debit": Card("4000056655665556", funding="debit"),
    "mastercard": Card("5555555555554444", brand="mastercard"),
    "mastercard_debit": Card("5200828282828210", brand="mastercard", funding="debit"),
    "mastercard_prepaid": Card("5105105105105100", brand="mastercard", funding="prepaid"),
    "amex": Card("378282246310005", brand="amex"),
    "discover": Card("6011111111111117", brand="discover"),
    "diners": Card("3056930009020004", brand="diners"),
    "jcb": Card("3566002020360505", brand="jcb"),
    "unionpay": Card("6200000000000005", brand="unionpay"),
    "us": Card("4242424242424242"),
    "bypassPending": Card("4000000000000077"),
    "chargeCustomerFail": _refusing("4000000000000341", GENERIC, saves=True),
    "chargeCustomerFailInsufficientFunds": _refusing("4000000000009341", INSUFFICIENT_FUNDS, saves=True),
    "chargeDeclined": _refusing("4000000000000002", GENERIC),
    "chargeDeclinedInsufficientFunds": _refusing("4000000000009995", INSUFFICIENT_FUNDS),
    "chargeDeclinedLostCard": _refusing("4000000000009987", LOST),
    "chargeDeclinedStolenCard": _refusing("4000000000009979", STOLEN),
    "chargeDeclinedFraudulent": _refusing("4100000000000019", FRAUDULENT),
    "chargeDeclinedExpiredCard": _refusing("4000000000000069", EXPIRED),
    "chargeDeclinedIncorrectCvc": _refusing("4000000000000127", INCORRECT_CVC),
    "chargeDeclinedProcessingError": _refusing("4000000000000119", PROCESSING),
    "chargeDeclinedVelocityLimitExceeded": _refusing("4000000000006975", VELOCITY),
    "authenticationRequired": Card("4000002760003184", authentication=Authentication.PAYMENTS),
    "threeDSecure2Required": Card("4000000000003220", authentication=Authentication.PAYMENTS),
    "authenticationRequiredOnSetup": Card("4000002500003155", authentication=Authentication.UNLESS_SET_UP),
    "authenticationRequiredSetupForOffSession": Card("4000003800000446", authentication=Authentication.UNLESS_SET_UP),
    "authenticationRequiredChargeDeclinedInsufficientFunds": replace(
        _refusing("4000008260003178", INSUFFICIENT_FUNDS, saves=True), authentication=Authentication.PAYMENTS
    ),
    "createDispute": Card("4000000000000259", dispute_reason="fraudulent"),
    "createDisputeProductNotReceived": Card("4000000000002685", dispute_reason="product_not_received"),
    "refundFail": Card("4000000000005126", refund_fails=True),
}
_ALIASES = {
    "radarBlock": "chargeDeclinedFraudulent",
    "threeDSecureRequired": "threeDSecure2Required",
    **{f"visa_{name}": name for name in _NAMED if name.startswith("chargeDeclined")},
}
_BY_NAME = _NAMED | {alias: _NAMED[name] for alias, name in _ALIASES.items()}
_BY_NUMBER = {card.number: card for card in reversed(_NAMED.values())}


def named(shared_id: str, prefix: str) -> Card | None:
    """The test card that a shared id stands for: `pm_card_visa` with `pm_card_`, `tok_visa` with `tok_`."""
    return _BY_NAME.get(shared_id.removeprefix(prefix)) if shared_id.startswith(prefix) else None


def numbered(number: str) -> Card | None:
    """The test card of that number; any other number does not exist in test mode."""
    return _BY_NUMBER.get(number.replace(" ", "").replace("-", ""))
