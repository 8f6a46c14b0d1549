"""Reading a payment and its subject as the facts that the policy decides by."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from payments.endings import Subject
from payments.policy.facts import Facts
from payments.policy.states import Outcome, PaymentStatus


def facts_of(subject: Subject, *, inputs: Mapping[str, Any] | None = None) -> Facts:
    """Return what is true of a payment and its subject, and what an action asks for beside it."""
    wanted = (inputs or {}).get("new_starts_at")
    payment = subject.payment
    return Facts(
        terms=payment.terms,
        booking_status=subject.status,
        payment_status=PaymentStatus(payment.status),
        outcome=Outcome(payment.settlement_outcome) if payment.settlement_outcome else None,
        made_at=payment.made_at,
        starts_at=payment.starts_at,
        ends_at=payment.ends_at,
        hold=payment.authorized_cents,
        has_pending_intent=bool(payment.pending_intent_id),
        captured=payment.captured_cents,
        refunded=payment.refunded_to_card_cents,
        instructor_holds=payment.instructor_payout_cents,
        authorization_refusals=payment.authorization_refusals,
        collection_refused_at=payment.collection_refused_at,
        owed=payment.owed_cents,
        late_reschedule_used=payment.late_reschedule_used,
        new_starts_at=datetime.fromisoformat(wanted) if wanted else None,
    )
