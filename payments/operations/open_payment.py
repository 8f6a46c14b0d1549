"""A payment comes into being: its terms are frozen and its credits reserved (P1.2, P9.2)."""

from datetime import datetime

from django.db import transaction

from credits import operations as credits
from payments.models import Payee, Payer, Payment
from payments.policy.pricing import Terms
from payments.policy.rules import Rules
from payments.policy.states import PaymentStatus, Tier


def open_payment(
    *,
    reference: str,
    payer: Payer,
    payee: Payee,
    terms: Terms,
    tier: Tier,
    rules: Rules,
    starts_at: datetime,
    ends_at: datetime,
    now: datetime,
) -> Payment:
    """Write a new payment and reserve its credits; the caller's transaction goes on to accept the checkout.

    Until the card was held or the booking confirmed it waits for the student (P5.2).
    Raises Refused("credits_unavailable").
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("A payment is opened in the transaction that accepts its checkout.")
    if terms.credits:
        credits.reserve(student_id=payer.user_id, reference=reference, cents=terms.credits, now=now)
    payment = Payment(
        reference=reference,
        payer=payer,
        payee=payee,
        made_at=now,
        starts_at=starts_at,
        ends_at=ends_at,
        policy_version=rules.version,
        tier=tier,
        student_fee_rate=rules.student_fee_rate,
        instructor_fee_rate=rules.tier_rates[tier],
        lesson_price_cents=terms.lesson_price,
        student_fee_cents=terms.student_fee,
        instructor_fee_cents=terms.instructor_fee,
        credits_cents=terms.credits,
        status=PaymentStatus.PAYMENT_METHOD_REQUIRED,
    )
    payment.save_changes()
    return payment
