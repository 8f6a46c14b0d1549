"""3-D Secure: which card wants it when, what the answer says then, and how the cardholder's answer ends it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from payments.simulator.core.cards import Authentication
from payments.simulator.core.errors import StripeError, error_object, invalid_request
from payments.simulator.core.objects import Body
from payments.simulator.core.payment_methods import card_of

if TYPE_CHECKING:
    from payments.simulator.core.core import Core

FAILED_MESSAGE = (
    "The provided PaymentMethod has failed authentication. You can provide payment_method_data or a new PaymentMethod"
    " to attempt to fulfill this {} again."
)


def payment_wants_it(method: Body, *, off_session: bool, requested: bool) -> bool:
    """Whether this card wants the cardholder's confirmation for a payment, or the platform asked for it."""
    wish = card_of(method).authentication
    if wish is Authentication.UNLESS_SET_UP:
        return not (off_session and method["_"]["set_up"])
    return wish is Authentication.PAYMENTS or (requested and not off_session)


def saving_wants_it(method: Body) -> bool:
    """Whether this card wants the cardholder's confirmation to be saved."""
    return card_of(method).authentication is Authentication.UNLESS_SET_UP


def ask(core: Core, intent: Body, method: Body, return_url: str | None) -> None:
    """Let an intent wait for the cardholder: by redirect if there is a page to return to, else by Stripe's script."""
    page = f"{core.request.base_url}/_pages/3ds/{intent['id']}"
    intent["status"] = "requires_action"
    intent["payment_method"] = method["id"]
    if return_url:
        intent["next_action"] = {
            "type": "redirect_to_url",
            "redirect_to_url": {"return_url": return_url, "url": page},
        }
    else:
        intent["next_action"] = {
            "type": "use_stripe_sdk",
            "use_stripe_sdk": {"type": "three_d_secure_redirect", "stripe_js": page},
        }
    core.objects.save(intent)


def require_waiting(intent: Body) -> None:
    """Raises StripeError unless the intent waits for its cardholder."""
    if intent["status"] != "requires_action":
        raise invalid_request(f"{intent['id']} does not wait for authentication: its status is {intent['status']}.")


def failure(intent: Body, method: Body) -> Body:
    """What an intent says after the cardholder failed or declined to confirm."""
    name, code = (
        ("PaymentIntent", "payment_intent_authentication_failure")
        if intent["object"] == "payment_intent"
        else ("SetupIntent", "setup_intent_authentication_failure")
    )
    return error_object("invalid_request_error", FAILED_MESSAGE.format(name), code=code, payment_method=method)


def require_return_url(intent: Body, return_url: str | None) -> None:
    """A payment page that may redirect needs to know where to return to."""
    automatic = intent["automatic_payment_methods"]
    if automatic and automatic["allow_redirects"] == "always" and not return_url:
        name = "PaymentIntent" if intent["object"] == "payment_intent" else "SetupIntent"
        raise StripeError(
            400,
            "invalid_request_error",
            f"This {name} is configured to accept payment methods enabled in your Dashboard. Because some of these"
            " payment methods might redirect your customer off of your page, you must provide a `return_url`. If you"
            " don't want to accept redirect-based payment methods, set `automatic_payment_methods[enabled]` to `true`"
            " and `automatic_payment_methods[allow_redirects]` to `never` when creating Setup Intents and Payment"
            " Intents.",
            stored=False,
        )


def automatic_methods(params: Body) -> Body | None:
    """How an intent chooses its payment methods when the request names none: by the dashboard's settings."""
    if "payment_method_types" in params:
        return None
    given = params.get("automatic_payment_methods", {})
    if given.get("enabled") is False:
        return None
    return {"allow_redirects": given.get("allow_redirects", "always"), "enabled": True}
