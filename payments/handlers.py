"""One handler per Stripe call: what it is sent with, and what its answer changes on the payment and in the books."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.db.models import F
from django.urls import reverse

from payments.gateway import Answer
from payments.models import Payment, PayoutTransfer, Step
from payments.policy.accounts import Account, Line
from payments.policy.states import Call, Fault, Verdict

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Handler:
    """`parameters` are filled in when the step is first sent; `succeeded` returns the ledger's lines."""

    parameters: Callable[[Payment, Step], Json]
    succeeded: Callable[[Payment, Step, Answer], tuple[Line, ...]]
    description: str


def parameters_of(payment: Payment, step: Step) -> Json:
    """Return exactly what a step is to be sent with; ids of earlier answers are on the payment by now (P2.4)."""
    return HANDLERS[Call(step.call)].parameters(payment, step)


def take_in(payment: Payment, step: Step, answer: Answer) -> tuple[Line, ...]:
    """Change a locked payment by an answer and return the lines to book. The caller saves the payment."""
    if answer.verdict == Verdict.SUCCEEDED:
        return HANDLERS[Call(step.call)].succeeded(payment, step, answer)
    if answer.verdict == Verdict.ACTION_REQUIRED:
        payment.pending_intent_id = answer.object_id
        payment.pending_intent_url = answer.details.get("url", "")
    elif answer.fault == Fault.HOLD_GONE:
        if step.call == Call.INSPECT:
            payment.forget_pending()
        else:
            payment.forget_hold()
    return ()


def _planned(step: Step) -> Json:
    return step.operation.plan["steps"][step.ordinal - 1]


def _labels(payment: Payment, step: Step) -> Json:
    return {"key": step.idempotency_key, "payment": payment.reference}


def _authorize(payment: Payment, step: Step) -> Json:
    on_session = _planned(step)["on_session"]
    presence: Json = (
        {"return_url": settings.SITE_URL + reverse("booking-paid", args=[payment.reference])}
        if on_session
        else {"off_session": True}
    )
    return {
        "body": {
            "amount": step.amount_cents,
            "currency": "usd",
            "customer": payment.payer.customer_id,
            "payment_method": payment.payer.payment_method_id,
            "payment_method_types": ["card"],
            "capture_method": "manual",
            "confirm": True,
            "transfer_data": {"destination": payment.payee.account_id, "amount": step.transfer_cents},
            "transfer_group": payment.reference,
            "metadata": _labels(payment, step),
            "expand": ["latest_charge"],
            **presence,
        }
    }


def _authorized(payment: Payment, step: Step, answer: Answer) -> tuple[Line, ...]:
    payment.intent_id = answer.object_id
    payment.charge_id = answer.details["charge"]
    payment.authorized_cents = step.amount_cents
    payment.capture_before = datetime.fromtimestamp(answer.details["capture_before"], UTC)
    payment.forget_pending()
    return ()


def _inspect(payment: Payment, step: Step) -> Json:
    return {
        "of": payment.pending_intent_id,
        "body": {"expand": ["latest_charge.balance_transaction", "latest_charge.transfer"]},
    }


def _capture(payment: Payment, step: Step) -> Json:
    return {
        "of": payment.intent_id,
        "body": {"expand": ["latest_charge.balance_transaction", "latest_charge.transfer"]},
    }


def _captured(payment: Payment, step: Step, answer: Answer) -> tuple[Line, ...]:
    received, fee, transferred = (answer.details[key] for key in ("received", "fee", "transferred"))
    payment.captured_cents = received
    payment.charge_id = answer.details["charge"]
    payment.transfer_id = answer.details["transfer"]
    payment.charge_transfer_cents = transferred
    payment.forget_hold()
    return (
        Line(Account.PLATFORM, received - fee),
        Line(Account.STRIPE_FEES, fee),
        Line(Account.HELD, -received),
        Line(Account.CONNECTED, transferred),
        Line(Account.PLATFORM, -transferred),
    )


def _void(payment: Payment, step: Step) -> Json:
    # A pending intent is always planned, and so sent, before the live hold.
    return {"of": payment.pending_intent_id or payment.intent_id, "body": {"cancellation_reason": "abandoned"}}


def _voided(payment: Payment, step: Step, answer: Answer) -> tuple[Line, ...]:
    if step.parameters["of"] == payment.pending_intent_id:
        payment.forget_pending()
    else:
        payment.forget_hold()
    return ()


def _reverse(payment: Payment, step: Step) -> Json:
    return {"of": payment.transfer_id, "body": {"amount": step.amount_cents, "metadata": _labels(payment, step)}}


def _reversed(payment: Payment, step: Step, answer: Answer) -> tuple[Line, ...]:
    payment.charge_transfer_reversed_cents += step.amount_cents
    return (Line(Account.PLATFORM, step.amount_cents), Line(Account.CONNECTED, -step.amount_cents))


def _pay(payment: Payment, step: Step) -> Json:
    return {
        "body": {
            "amount": step.amount_cents,
            "currency": "usd",
            "destination": payment.payee.account_id,
            "transfer_group": payment.reference,
            "metadata": _labels(payment, step),
        }
    }


def _paid(payment: Payment, step: Step, answer: Answer) -> tuple[Line, ...]:
    PayoutTransfer.objects.create(
        payment=payment, step=step, transfer_id=answer.object_id, amount_cents=step.amount_cents
    )
    payment.paid_cents += step.amount_cents
    return (Line(Account.CONNECTED, step.amount_cents), Line(Account.PLATFORM, -step.amount_cents))


def _take_back(payment: Payment, step: Step) -> Json:
    return {
        "of": _planned(step)["of"],
        "body": {"amount": step.amount_cents, "metadata": _labels(payment, step)},
    }


def _taken_back(payment: Payment, step: Step, answer: Answer) -> tuple[Line, ...]:
    PayoutTransfer.objects.filter(transfer_id=step.parameters["of"]).update(
        reversed_cents=F("reversed_cents") + step.amount_cents
    )
    payment.paid_cents -= step.amount_cents
    return (Line(Account.PLATFORM, step.amount_cents), Line(Account.CONNECTED, -step.amount_cents))


def _refund(payment: Payment, step: Step) -> Json:
    return {
        "body": {
            "payment_intent": payment.intent_id,
            "amount": step.amount_cents,
            "metadata": _labels(payment, step),
        }
    }


def _refunded(payment: Payment, step: Step, answer: Answer) -> tuple[Line, ...]:
    payment.refunded_to_card_cents += step.amount_cents
    return (Line(Account.HELD, step.amount_cents), Line(Account.PLATFORM, -step.amount_cents))


def _charge(payment: Payment, step: Step) -> Json:
    return {
        "body": {
            "amount": step.amount_cents,
            "currency": "usd",
            "customer": payment.payer.customer_id,
            "payment_method": payment.payer.payment_method_id,
            "payment_method_types": ["card"],
            "capture_method": "automatic",  # with Stripe's default the fee isn't known yet when the answer comes
            "confirm": True,
            "return_url": settings.SITE_URL + reverse("booking-paid", args=[payment.reference]),
            "transfer_group": payment.reference,
            "metadata": _labels(payment, step),
            "expand": ["latest_charge.balance_transaction"],
        }
    }


def _charged(payment: Payment, step: Step, answer: Answer) -> tuple[Line, ...]:
    received, fee = answer.details["received"], answer.details["fee"]
    payment.intent_id = answer.object_id
    payment.charge_id = answer.details["charge"]
    payment.captured_cents = received
    payment.owed_cents -= received
    payment.forget_pending()
    return (
        Line(Account.PLATFORM, received - fee),
        Line(Account.STRIPE_FEES, fee),
        Line(Account.RECEIVABLE, -received),
    )


def _inspected(payment: Payment, step: Step, answer: Answer) -> tuple[Line, ...]:
    """The intent that waited was to hold the card for a lesson, or to charge what is owed."""
    return (_charged if payment.owed_cents else _authorized)(payment, step, answer)


HANDLERS: dict[Call, Handler] = {
    Call.AUTHORIZE: Handler(parameters=_authorize, succeeded=_authorized, description="Card authorized"),
    Call.INSPECT: Handler(parameters=_inspect, succeeded=_inspected, description="Payment confirmed"),
    Call.CAPTURE: Handler(parameters=_capture, succeeded=_captured, description="Card charged"),
    Call.VOID: Handler(parameters=_void, succeeded=_voided, description="Hold released"),
    Call.REVERSE: Handler(parameters=_reverse, succeeded=_reversed, description="Transfer reversed"),
    Call.PAY: Handler(parameters=_pay, succeeded=_paid, description="Instructor paid"),
    Call.TAKE_BACK: Handler(parameters=_take_back, succeeded=_taken_back, description="Payout taken back"),
    Call.REFUND: Handler(parameters=_refund, succeeded=_refunded, description="Card refunded"),
    Call.CHARGE: Handler(parameters=_charge, succeeded=_charged, description="Debt paid by card"),
}
