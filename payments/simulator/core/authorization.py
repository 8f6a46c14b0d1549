"""What happens to a card when an intent is confirmed: declined, asked for 3-D Secure, held, or charged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from payments.simulator.core import authentication, captures, charges, faults, payment_methods
from payments.simulator.core.cards import AUTHENTICATION_REQUIRED, Decline
from payments.simulator.core.errors import StripeError, error_object
from payments.simulator.core.events import emit
from payments.simulator.core.objects import Body

if TYPE_CHECKING:
    from payments.simulator.core.core import Core

_NOT_HANDLED = Decline(
    "authentication_required",
    "authentication_not_handled",
    "This payment required an authentication action to complete, but `error_on_requires_action` was set. When you're"
    " ready, you can upgrade your integration to handle actions at"
    " https://stripe.com/docs/payments/payment-intents/upgrade-to-handle-actions.",
)


def authorize(
    core: Core, intent: Body, *, off_session: bool, return_url: str | None, error_on_requires_action: bool
) -> None:
    """Ask the card for the money of an intent that has a payment method.

    Leaves the intent `requires_capture`, `succeeded` or `requires_action`. Raises StripeError when the card is
    declined; the intent then wants another payment method, and stays so.
    """
    method = core.objects.must_get(intent["payment_method"])
    wants_it = authentication.payment_wants_it(
        method,
        off_session=off_session,
        requested=intent["payment_method_options"]["card"]["request_three_d_secure"] != "automatic",
    )
    decline = _ordered_decline(core) or payment_methods.card_of(method).on_payment
    if wants_it and not core.request.fault_struck:
        if not off_session and not error_on_requires_action:
            intent["last_payment_error"] = None
            authentication.ask(core, intent, method, return_url)
            emit(core, "payment_intent.requires_action", intent)
            return
        decline = AUTHENTICATION_REQUIRED if off_session else _NOT_HANDLED
    if decline:
        raise _decline(core, intent, method, decline)
    _take(core, intent, method, off_session=off_session)


def authenticate(core: Core, intent: Body, *, succeeds: bool) -> Body:
    """The cardholder confirms a waiting payment with 3-D Secure, or fails to."""
    authentication.require_waiting(intent)
    method = core.objects.must_get(intent["payment_method"])
    intent["next_action"] = None
    if not succeeds:
        _want_another_method(core, intent, authentication.failure(intent, method))
    elif decline := payment_methods.card_of(method).on_payment:
        _decline(core, intent, method, decline)  # recorded on the intent; nobody waits for an error here
    else:
        _take(core, intent, method, off_session=False, authenticated=True)
    return intent


def _ordered_decline(core: Core) -> Decline | None:
    """The decline that a fault orders. Raises StripeError for an ordered refusal that is not the card's."""
    fault = core.request.fault
    if fault is None or fault.kind != "refuse":
        faults.strike(core, "authorize")
        return None
    refusal = faults.refusal(core, fault, "authorize")
    if refusal.status != 402:
        raise refusal
    error = refusal.error
    return Decline(error["code"], error.get("decline_code"), error["message"])


def _decline(core: Core, intent: Body, method: Body, decline: Decline) -> StripeError:
    charge = charges.record(core, intent, method, decline=decline)
    emit(core, "charge.failed", charge)
    details = {
        "code": decline.code,
        "decline_code": decline.decline_code,
        "charge": charge["id"],
        "payment_method": method,
    }
    intent["latest_charge"] = charge["id"]
    _want_another_method(core, intent, error_object("card_error", decline.message, **details))
    return StripeError(402, "card_error", decline.message, **details, payment_intent=intent, keeps_effects=True)


def _want_another_method(core: Core, intent: Body, error: Body) -> None:
    intent["status"] = "requires_payment_method"
    intent["payment_method"] = None
    intent["next_action"] = None
    intent["last_payment_error"] = error
    core.objects.save(intent)
    emit(core, "payment_intent.payment_failed", intent)


def _take(core: Core, intent: Body, method: Body, *, off_session: bool, authenticated: bool = False) -> None:
    charge = charges.record(core, intent, method, off_session=off_session, authenticated=authenticated)
    intent["latest_charge"] = charge["id"]
    intent["next_action"] = None
    intent["last_payment_error"] = None
    if intent["setup_future_usage"] and intent["customer"]:
        method["_"]["set_up"] = True
        core.objects.save(method)
        payment_methods.keep_for(core, method, intent["customer"])
    if intent["capture_method"] == "manual":
        emit(core, "charge.succeeded", charge)
        intent["status"] = "requires_capture"
        intent["amount_capturable"] = intent["amount"]
        core.objects.save(intent)
        core.schedule.add("hold_lapses", intent["id"], at=charge["_"]["hold_until"])
        emit(core, "payment_intent.amount_capturable_updated", intent)
    else:
        captures.collect(core, intent, charge, amount=intent["amount"], share=None)
