"""The calls that plans are made of: send one, or find out what became of it (P2.2)."""

from collections.abc import Callable
from typing import Any

import stripe

from payments.gateway import client
from payments.gateway.answers import Answer, action_required, answer_of_error, refused, succeeded
from payments.policy.states import Call, Fault, Verdict

Json = dict[str, Any]
_WHOLE_CHARGE = ["latest_charge.balance_transaction", "latest_charge.transfer"]


def send(call: Call, parameters: Json, *, key: str) -> Answer:
    """Make one call under its idempotency key and return the answer; "unknown" is an answer, not an error (P10.4).

    `parameters` are `{"of": id of the object that is acted on, "body": form fields}`. No transaction may be open.
    """
    path, read = _CALLS[call]
    path = path.format(of=parameters.get("of", ""))
    body = parameters.get("body", {})
    try:
        stripe_object = client.get(path, **body) if call == Call.INSPECT else client.post(path, body, key=key)
    except stripe.StripeError as error:
        return _or_what_it_is_now(call, answer_of_error(error), parameters)
    return read(stripe_object)


def look_up(call: Call, parameters: Json, *, key: str) -> Answer | None:
    """Find out what became of a call whose key can't tell any more; None if it provably had no effect (design 4).

    Every create carries its key in the object's metadata, and that is what is looked for.
    """
    try:
        match call:
            case Call.AUTHORIZE | Call.CHARGE:
                found = _created_with(
                    key,
                    client.get("/v1/payment_intents", customer=parameters["body"]["customer"], limit=100),
                )
                return None if found is None else _intent(_intent_now(found["id"]))
            case Call.PAY:
                group = parameters["body"]["transfer_group"]
                found = _created_with(key, client.get("/v1/transfers", transfer_group=group, limit=100))
                return None if found is None else _transfer(found)
            case Call.REVERSE | Call.TAKE_BACK:
                found = _created_with(key, client.get(f"/v1/transfers/{parameters['of']}/reversals", limit=100))
                return None if found is None else _reversal(found)
            case Call.REFUND:
                intent = parameters["body"]["payment_intent"]
                found = _created_with(key, client.get("/v1/refunds", payment_intent=intent, limit=100))
                return None if found is None else _refund(found)
            case Call.CAPTURE | Call.VOID | Call.INSPECT:
                intent = _intent_now(parameters["of"])
                done = {Call.CAPTURE: "succeeded", Call.VOID: "canceled", Call.INSPECT: intent["status"]}[call]
                return _CALLS[call][1](intent) if intent["status"] == done else None
    except stripe.StripeError as error:
        return answer_of_error(error)


def _or_what_it_is_now(call: Call, answer: Answer, parameters: Json) -> Answer:
    """A state that is already what the call wanted is a success: a void of what is gone, a capture done elsewhere."""
    if answer.verdict != Verdict.REFUSED or call not in (Call.VOID, Call.CAPTURE):
        return answer
    if answer.fault == Fault.HOLD_GONE and call == Call.VOID:
        return succeeded(parameters["of"])
    if answer.code == "payment_intent_unexpected_state":
        return look_up(call, parameters, key="") or answer
    return answer


def _intent_now(intent_id: str) -> Json:
    return client.get(f"/v1/payment_intents/{intent_id}", expand=_WHOLE_CHARGE)


def _created_with(key: str, listed: Json) -> Json | None:
    return next((item for item in listed["data"] if item.get("metadata", {}).get("key") == key), None)


def _intent(intent: Json) -> Answer:
    """Read an intent that was to hold the card."""
    match intent["status"]:
        case "requires_capture":
            charge = intent["latest_charge"]
            return succeeded(intent["id"], charge=charge["id"], capture_before=_card_of(charge)["capture_before"])
        case "requires_action" | "requires_confirmation" | "processing":
            redirect = (intent.get("next_action") or {}).get("redirect_to_url") or {}
            return action_required(intent["id"], url=redirect.get("url") or "")
        case "canceled":
            return refused(Fault.HOLD_GONE, code="canceled", message="The intent was canceled.", object_id=intent["id"])
        case "requires_payment_method":
            error = intent.get("last_payment_error") or {}
            code = error.get("decline_code") or error.get("code") or "card_declined"
            if code == "authentication_required":
                return action_required(intent["id"], message=error.get("message", ""))
            return refused(Fault.CARD, code=code, message=error.get("message", ""), object_id=intent["id"])
        case _:
            return _captured(intent)


def _captured(intent: Json) -> Answer:
    charge = intent["latest_charge"]
    transfer = charge.get("transfer")
    return succeeded(
        intent["id"],
        charge=charge["id"],
        capture_before=_card_of(charge).get("capture_before"),  # it was a hold, charged outside, if we look for one
        fee=charge["balance_transaction"]["fee"],
        received=intent["amount_received"],
        transfer=transfer["id"] if transfer else "",
        transferred=transfer["amount"] if transfer else 0,
    )


def _card_of(charge: Json) -> Json:
    card: Json = charge["payment_method_details"]["card"]
    return card


def _voided(intent: Json) -> Answer:
    return succeeded(intent["id"])


def _transfer(transfer: Json) -> Answer:
    return succeeded(transfer["id"], destination_payment=transfer.get("destination_payment") or "")


def _reversal(reversal: Json) -> Answer:
    return succeeded(reversal["id"])


def _refund(refund: Json) -> Answer:
    if refund["status"] in ("failed", "canceled"):
        return refused(Fault.OTHER, code=refund.get("failure_reason") or "refund_failed", message="The refund failed.")
    return succeeded(refund["id"])


_CALLS: dict[Call, tuple[str, Callable[[Json], Answer]]] = {
    Call.AUTHORIZE: ("/v1/payment_intents", _intent),
    Call.CHARGE: ("/v1/payment_intents", _intent),
    Call.INSPECT: ("/v1/payment_intents/{of}", _intent),
    Call.CAPTURE: ("/v1/payment_intents/{of}/capture", _captured),
    Call.VOID: ("/v1/payment_intents/{of}/cancel", _voided),
    Call.REVERSE: ("/v1/transfers/{of}/reversals", _reversal),
    Call.TAKE_BACK: ("/v1/transfers/{of}/reversals", _reversal),
    Call.PAY: ("/v1/transfers", _transfer),
    Call.REFUND: ("/v1/refunds", _refund),
}
