"""What must hold after every step, whatever has happened."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from instainstru import clock
from instainstru.local.simulation.looks import NOTHING, Look
from payments.ledger import books
from payments.models import Payment
from payments.policy.states import CASE_OF, Action, PaymentStatus

# By what alone a settled payment still moves: a refund, a dispute, a chargeback.
MOVES_WHAT_IS_SETTLED = {Action.STAFF_REFUND, *CASE_OF} - {Action.RULE_NO_SHOW}


def broken(before: Look | None, now: Look) -> list[str]:
    """Return a line for each invariant that does not hold; what it is stands before the colon."""
    wrong = [str(finding) for finding in books.findings()]
    for invariant in _OF_A_MOMENT:
        wrong += invariant(now)
    if before is not None:
        for rule in _OF_A_STEP:
            wrong += rule(before, now)
    return wrong


def _one_at_a_time(now: Look) -> Iterator[str]:
    for payment_id, count in now.open_operations.items():
        if count > 1:
            yield f"one open operation: {now.payments[payment_id].reference} has {count}"
    for payment in _told(now):
        if now.holds[payment.reference] > 1:
            yield f"one live hold: {payment.reference} has {now.holds[payment.reference]}"


def _stripe_and_we_agree(now: Look) -> Iterator[str]:
    """Per booking captured = refunded + charged back + paid out + what we keep, and each of them is Stripe's figure."""
    for payment in _told(now):
        group = now.at_stripe.get(payment.reference, NOTHING)
        theirs = (*now.moved(payment), group["disputed"])
        ours = (
            payment.captured_cents,
            payment.refunded_to_card_cents,
            payment.instructor_payout_cents,
            payment.charged_back_cents,
        )
        if theirs != ours:
            yield f"Stripe agrees on captured, refunded, paid out, charged back: {payment.reference} {theirs} {ours}"
        held = group["held"]
        lapsed = not held and payment.capture_before is not None and payment.capture_before <= clock.now()
        if held != payment.authorized_cents and not lapsed and payment.pk not in now.given_up:
            yield f"Stripe agrees on the hold: {payment.reference} {held}, not {payment.authorized_cents}"
    if not now.unanswered and not now.untold and now.owned != now.owned_at_stripe:
        off = {name: (cents, now.owned_at_stripe.get(name)) for name, cents in now.owned.items()}
        off = {name: both for name, both in off.items() if both[0] != both[1]}
        yield f"Stripe agrees on balances: {sorted(off.values())}"


def _nobody_is_paid_twice(now: Look) -> Iterator[str]:
    """No card gets back more than it paid, by refunds and by its bank together."""
    for reference, group in now.at_stripe.items():
        back = group["refunded"] + group["disputed"]
        if back > group["captured"]:
            yield f"a cardholder is paid back once: {reference} paid {group['captured']} and got {back}"


def _settled_is_final(before: Look, now: Look) -> Iterator[str]:
    """A settled payment moves by nothing but a refund, a dispute or a chargeback."""
    answered = {
        (sent.payment_id, sent.kind)
        for pk, sent in now.sent.items()
        if pk not in before.sent or before.sent[pk] != sent
    }
    for payment in before.payments.values():
        settled = payment.status == PaymentStatus.SETTLED and not before.open_operations[payment.pk]
        if not settled or payment.pk in now.changed_at_stripe or payment.reference in now.untold | before.untold:
            continue
        moved = before.moved(payment), now.moved(payment)
        by = {kind for payment_id, kind in answered if payment_id == payment.pk}
        if moved[0] != moved[1] and not by & MOVES_WHAT_IS_SETTLED:
            yield f"settled is final: {payment.reference} {moved[0]} {moved[1]} by {sorted(by)}"


def _under_review_nothing_is_sent(before: Look, now: Look) -> Iterator[str]:
    """While a case is open nothing further is sent but by a case's own operation (P8.1); nothing is captured."""
    for pk, sent in now.sent.items():
        still_open = before.freezes.get(sent.payment_id, set()) & now.freezes.get(sent.payment_id, set())
        if pk not in before.sent and still_open and sent.kind not in CASE_OF:
            reference = now.payments[sent.payment_id].reference
            yield f"under review nothing is sent: {reference} {sent.call} of {sent.kind}"


def _told(now: Look) -> Iterator[Payment]:
    """Payments about which Stripe and we should know the same."""
    unanswered = now.unanswered
    return (
        payment
        for payment in now.payments.values()
        if payment.pk not in unanswered and payment.reference not in now.untold
    )


_OF_A_MOMENT: tuple[Callable[[Look], Iterator[str]], ...] = (
    _one_at_a_time,
    _stripe_and_we_agree,
    _nobody_is_paid_twice,
)
_OF_A_STEP: tuple[Callable[[Look, Look], Iterator[str]], ...] = (_settled_is_final, _under_review_nothing_is_sent)
