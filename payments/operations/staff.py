"""Staff refund a booking (P8.6) or cancel it (P8.7), and what either would do."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from instainstru.accounts.models import User
from instainstru.api.idempotency import Receipt
from instainstru.refusals import Refused
from payments import endings
from payments.endings import Subject
from payments.models import Operation, Payment
from payments.operations import waiting
from payments.operations.facts import facts_of
from payments.operations.lifecycle import begin, perform
from payments.operations.succession import accept
from payments.policy.decide import decide
from payments.policy.plan import Plan
from payments.policy.states import Action, Bearer, Party
from payments.rules import rules_of_version

Inputs = dict[str, Any]


def cancel_by_staff(
    *,
    payment_id: int,
    actor: User,
    with_refund: bool,
    reason: str,
    now: datetime,
    preview: str | None = None,
    receipt: Receipt | None = None,
) -> Operation:
    """Cancel a booking that is not settled, at any time, and carry it out (P8.7). No transaction may be open.

    Asking again returns the first cancellation (P7.10); one that meets another operation waits for its end (P7.11).
    Raises Refused: "already_settled", "already_completed", "under_review", "preview_stale".
    """
    operation = begin(
        kind=Action.STAFF_CANCEL,
        payment_id=payment_id,
        party=Party.STAFF,
        actor=actor,
        preview=preview,
        inputs=_cancellation_inputs(with_refund=with_refund) | {"reason": reason},
        idempotency_key=receipt,
        now=now,
    )
    return perform(operation)


def refund_by_staff(
    *,
    payment_id: int,
    actor: User,
    cents: int | None,
    bearer: Bearer,
    reason: str,
    now: datetime,
    again: bool = False,
    preview: str | None = None,
    receipt: Receipt | None = None,
) -> Operation:
    """Refund to the card, `None` being all that is left, and carry it out (P8.6). No transaction may be open.

    The same amount asked twice is one refund; `again` makes it another one on purpose, or a new try after Stripe's no.
    Raises Refused: "under_review", "cancel_instead", "nothing_captured", "refund_exceeds_captured",
    "operation_in_progress", "preview_stale".
    """
    with transaction.atomic(durable=True):
        subject = endings.lock_subject(Action.STAFF_REFUND, payment_id)
        earlier = _refunds_of(subject.payment, cents)
        operation = None if again else earlier.last()
        if operation is None:
            if subject.payment.is_frozen:
                raise Refused("under_review")
            waiting.require_nothing_open(subject)
            key = _refund_key(subject.payment, cents)
            operation = accept(
                subject,
                Action.STAFF_REFUND,
                party=Party.STAFF,
                actor=actor,
                preview=preview,
                inputs=_refund_inputs(cents=cents, bearer=bearer)
                | {"reason": reason, "refund_key": f"{key}_{earlier.count() + 1}" if earlier.exists() else key},
                now=now,
                runs=True,
            )
        if receipt:
            receipt.record(f"operation:{operation.reference}")
    return perform(operation)


def preview_staff_cancellation(subject: Subject, *, with_refund: bool, now: datetime) -> Plan:
    """Return what cancelling by staff would do now, by the same decision; raises what it would raise."""
    return _preview(subject, Action.STAFF_CANCEL, _cancellation_inputs(with_refund=with_refund), now=now)


def preview_staff_refund(subject: Subject, *, cents: int | None, bearer: Bearer, now: datetime) -> Plan:
    """Return what a staff refund would do now, by the same decision; raises what it would raise."""
    return _preview(subject, Action.STAFF_REFUND, _refund_inputs(cents=cents, bearer=bearer), now=now)


def _preview(subject: Subject, action: Action, inputs: Inputs, *, now: datetime) -> Plan:
    rules = rules_of_version(subject.payment.policy_version)
    return decide(facts_of(subject, inputs=inputs), action, now, rules=rules)


def _cancellation_inputs(*, with_refund: bool) -> Inputs:
    return {"staff": {"with_refund": with_refund}}


def _refund_inputs(*, cents: int | None, bearer: Bearer) -> Inputs:
    return {"staff": {"refund": cents, "bearer": bearer}}


def _refund_key(payment: Payment, cents: int | None) -> str:
    """P2.3: derived from the booking and the amount alone, so that asking twice is one refund."""
    return f"admin_refund_{payment.reference}_{'full' if cents is None else cents}"


def _refunds_of(payment: Payment, cents: int | None) -> Any:
    asked = payment.operations.filter(kind=Action.STAFF_REFUND, inputs__staff__refund=cents)
    return asked.order_by("number")
