"""What a case expects, compared with what is: in the platform's own records, in its books, and at Stripe."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.db.models import Sum

from bookings.models import Booking
from credits.models import CreditLot
from credits.queries import balance_of
from instainstru import clock
from instainstru.local.scenarios.stage import Stage
from instainstru.local.scenarios.times import read_time
from payments.ledger import books
from payments.models import JournalEntry, Operation, Payment, Step
from payments.policy.accounts import Account
from payments.policy.states import Call

Json = dict[str, Any]
_Look = Callable[[Stage, Payment], object]
INTENTS = ("intent_id", "charge_id", "pending_intent_id", "pending_intent_url")


def differences(expected: Mapping[str, object], stage: Stage) -> list[str]:
    """Return a line for each expectation that does not hold exactly."""
    stage.booking.refresh_from_db()
    payment = Payment.objects.get(pk=stage.booking.payment_id)
    found = []
    for key, wanted in expected.items():
        if key not in _LOOKS:
            found.append(f"{key}: nobody can look at this yet")
            continue
        if key == "starts_at":
            wanted = read_time(str(wanted), stage.anchors | {"newstart": stage.starts_at, "newend": stage.ends_at})
        if (actual := _LOOKS[key](stage, payment)) != wanted:
            found.append(f"{key}: expected {wanted}, is {actual}")
    return found


def disorder(stage: Stage) -> list[str]:
    """Return what is wrong with the books, compared with Stripe to the cent; only while no call is unanswered."""
    if Operation.objects.open().exists():
        return []
    wrong = [str(finding) for finding in books.findings(ask_stripe=True)]
    # A hold whose void was refused, and given up by staff, is left to lapse (P10.3).
    refused = Step.objects.filter(call=Call.VOID, state=Step.State.REFUSED, operation__resolved_by__isnull=False)
    given_up = set(refused.values_list("operation__payment__reference", flat=True))
    at_stripe = {group: cents for group, cents in _holds_at_stripe(stage).items() if cents and group not in given_up}
    payments = Payment.objects.filter(authorized_cents__gt=0).exclude(reference__in=given_up)
    ours = {payment.reference: held for payment in payments if (held := _held(payment))}
    if at_stripe != ours:
        wrong.append(f"holds: Stripe has {at_stripe}, we have {ours}")
    return wrong


def snapshot(*, of_a_move: bool = False) -> object:
    """Return everything that a refused action must leave as it is; that it was tried may be written down.

    A move may have tried the card before it is refused, on an intent that is cancelled then (P6.2).
    """
    tried = {"refusal_code", *(INTENTS if of_a_move else ())}
    payments = Payment.objects.order_by("id").values()
    return (
        list(Booking.objects.order_by("id").values()),
        [{key: value for key, value in payment.items() if key not in tried} for payment in payments],
        list(CreditLot.objects.order_by("id").values()),
        JournalEntry.objects.count(),
    )


def _held(payment: Payment) -> int:
    """What is held on the card now: nothing once it has lapsed (P2.6), be it noted or not: clockwork may be down."""
    lapsed = payment.capture_before is not None and payment.capture_before <= clock.now()
    return 0 if lapsed else payment.authorized_cents


def _holds_at_stripe(stage: Stage) -> dict[str, int]:
    held: dict[str, int] = {}
    for hold in stage.simulator.live_holds():
        held[hold["transfer_group"]] = held.get(hold["transfer_group"], 0) + hold["cents"]
    return held


def _issued(payment: Payment, state: str) -> int:
    """What the credits issued for the booking have become."""
    return CreditLot.objects.filter(reference=payment.reference).aggregate(sum=Sum(state, default=0))["sum"]


def _available(stage: Stage, payment: Payment) -> int:
    return balance_of(student_id=stage.student.pk, at=clock.now()).available


def _receivable(stage: Stage, payment: Payment) -> int:
    return books.balance(Account.RECEIVABLE, owner_id=stage.student.pk)


_LOOKS: dict[str, _Look] = {
    "booking_status": lambda stage, payment: stage.booking.status,
    "payment_status": lambda stage, payment: payment.status,
    "settlement_outcome": lambda stage, payment: payment.settlement_outcome,
    "manual_review_reason": lambda stage, payment: payment.review_reason,
    "starts_at": lambda stage, payment: stage.booking.starts_at,
    "card_authorized_cents": lambda stage, payment: _held(payment),
    "card_captured_cents": lambda stage, payment: payment.captured_cents,
    "card_refunded_cents": lambda stage, payment: payment.refunded_to_card_cents,
    "instructor_net_cents": lambda stage, payment: payment.instructor_payout_cents,
    "credits_released_cents": lambda stage, payment: payment.credits_released_cents,
    "credits_issued_cents": lambda stage, payment: payment.student_credit_cents,
    "credits_forfeited_cents": lambda stage, payment: payment.credits_forfeited_cents,
    "credits_consumed_cents": lambda stage, payment: payment.credits_consumed_cents,
    "credits_frozen_cents": lambda stage, payment: _issued(payment, "frozen_cents"),
    "credits_revoked_cents": lambda stage, payment: _issued(payment, "revoked_cents"),
    "credit_available_cents": _available,
    "receivable_cents": _receivable,
    "student_locked": lambda stage, payment: payment.payer.is_locked,
}
