"""What was done at Stripe and not by us: noticed, booked, and shown to staff (P8.8).

An event only says where to look. What is found is compared with what we know, by the ids and keys of Stripe's objects,
under the payment's lock and with nothing under way; so any order, repetition or loss of events ends in one state.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime

from django.db import transaction
from django.db.models import Q, Sum

from instainstru.accounts.models import User
from instainstru.api.idempotency import Receipt
from instainstru.refusals import Refused
from payments import endings, freezes
from payments.endings import Subject
from payments.gateway.movements import Intent, Refund, Reversal
from payments.ledger import journal
from payments.models import ChangeAtStripe, Payment, PayoutTransfer, Posting, Step, StripeEvent
from payments.operations import waiting
from payments.operations.came_back import refund_came_back
from payments.operations.consequences import set_deadlines, unfreeze
from payments.operations.facts import booked_for, earned_of
from payments.operations.succession import go_on
from payments.policy.accounts import Account, Line, balanced
from payments.policy.states import Action, Call, Outcome, PaymentStatus, ReviewReason
from payments.readers import NotYet

Kind = ChangeAtStripe.Kind

REVERSALS = (Call.REVERSE, Call.TAKE_BACK)
CLOSED = (PaymentStatus.SETTLED, PaymentStatus.MANUAL_REVIEW)  # what moves now changes no course any more


def take_in_refunds(payment_id: int, found: list[Refund], *, event: StripeEvent, now: datetime) -> None:
    """Take in what Stripe says of a charge's refunds, oldest first. No transaction may be open.

    One that nobody here made is booked (P8.8). One that came back from the bank is owed again: ours waits for staff
    like a refused one (P10.3). Raises NotYet while something is under way.
    """
    if not any(_is_news(payment_id, refund) for refund in found):
        return
    with _nothing_under_way(payment_id, now=now) as subject:
        payment = subject.payment
        for refund in found:
            ours = _our_step(payment.pk, (Call.REFUND,), object_id=refund.id, key=refund.key)
            if ours is None:
                _take_in_refund(payment, refund, event=event, now=now)
            elif not refund.stands and ours.state == Step.State.SUCCEEDED:
                refund_came_back(payment, ours, refund, event=event, now=now)


def take_in_reversals(
    payment_id: int, transfer_id: str, found: list[Reversal], *, event: StripeEvent, now: datetime
) -> None:
    """Book the reversals of a payment's transfer that nobody here made (P8.8). No transaction may be open.

    Raises NotYet while something is under way.
    """
    if not any(_is_unknown_reversal(payment_id, reversal) for reversal in found):
        return
    with _nothing_under_way(payment_id, now=now) as subject:
        payment = subject.payment
        for reversal in found:
            if _is_unknown_reversal(payment.pk, reversal):
                _take_in_reversal(payment, transfer_id, reversal, event=event, now=now)


def take_in_intent(payment_id: int, found: Intent, *, event: StripeEvent, now: datetime) -> None:
    """Take in what became of a payment's hold: it lapsed or was cancelled (P2.6), or somebody else charged it (P8.8).

    No transaction may be open. Raises NotYet while something is under way.
    """
    holds = Q(pk=payment_id, intent_id=found.id, authorized_cents__gt=0)
    if found.status not in ("canceled", "succeeded") or not Payment.objects.filter(holds).exists():
        return
    with _nothing_under_way(payment_id, now=now) as subject:
        payment = subject.payment
        if payment.intent_id != found.id or not payment.authorized_cents:
            return
        if found.status == "succeeded" and payment.operations.stuck().exists():
            raise NotYet("The payment is stopped for another reason; staff end that one first.")
        payment.forget_hold()
        if found.status == "succeeded":
            _take_in_charge(payment, found, event=event, now=now)


def let_hold_lapse(*, payment_id: int, now: datetime) -> None:
    """Forget a payment's hold if its time is over, as Stripe has said when it was made (P2.6).

    Stripe's event says so, too, if it comes. What is under way finds out by its own call; the next sweep looks again.
    """
    with suppress(NotYet), _nothing_under_way(payment_id, now=now) as subject:
        payment = subject.payment
        if payment.capture_before is not None and payment.capture_before <= now:
            payment.forget_hold()


def see_changes(*, payment_id: int, actor: User, now: datetime, receipt: Receipt | None = None) -> None:
    """Note that staff have seen what was changed at Stripe; a payment that waited for that goes on as before.

    Raises Refused("already_settled") if nothing is to be seen, "operation_in_progress" while something is under way.
    """
    with transaction.atomic(durable=True):
        subject = endings.lock_subject(Action.SETTLE, payment_id)
        payment = subject.payment
        waiting.require_nothing_open(subject)
        unseen = payment.changes_at_stripe.filter(seen_at=None)
        if not unseen.update(seen_at=now, seen_by=actor):
            raise Refused("already_settled")
        with freezes.lifted(payment):
            waited = payment.review_reason == ReviewReason.CHANGED_AT_STRIPE
            if waited:
                unfreeze(payment, payment.former_status)
        if waited:
            set_deadlines(subject, now=now)
            payment.save_changes()
            go_on(subject, now=now)
        if receipt:
            receipt.record(f"payment:{payment.reference}")


@contextmanager
def _nothing_under_way(payment_id: int, *, now: datetime) -> Iterator[Subject]:
    """Lock a payment while nothing that was sent is unanswered, and save what the block changes of it."""
    with transaction.atomic(durable=True):
        subject = endings.lock_subject(Action.SETTLE, payment_id)
        if subject.payment.operations.open().exists():
            raise NotYet("Something is under way on this payment.")
        with freezes.lifted(subject.payment):  # under a case it is taken in all the same, beneath the freeze
            yield subject
        set_deadlines(subject, now=now)
        subject.payment.save_changes()


def _our_step(payment_id: int, calls: tuple[Call, ...], *, object_id: str, key: str) -> Step | None:
    """The step whose call made an object at Stripe: by its answer, or by the key that all that we make carries."""
    made_it = Q(object_id=object_id) | (Q(idempotency_key=key) if key else Q())
    return (
        Step.objects.filter(made_it, operation__payment=payment_id, call__in=calls).select_related("operation").first()
    )


def _is_news(payment_id: int, refund: Refund) -> bool:
    ours = _our_step(payment_id, (Call.REFUND,), object_id=refund.id, key=refund.key)
    if ours is not None:
        # Sent and unanswered, it is the engine's to record; it is locked out by what is under way.
        return not refund.stands and ours.state in (Step.State.SUCCEEDED, Step.State.SENT)
    return not _is_noticed(Kind.REFUNDED if refund.stands else Kind.REFUND_FAILED, refund.id)


def _is_unknown_reversal(payment_id: int, reversal: Reversal) -> bool:
    ours = _our_step(payment_id, REVERSALS, object_id=reversal.id, key=reversal.key)
    return ours is None and not _is_noticed(Kind.REVERSED, reversal.id)


def _is_noticed(kind: ChangeAtStripe.Kind, object_id: str) -> bool:
    return ChangeAtStripe.objects.filter(kind=kind, object_id=object_id).exists()


def _take_in_refund(payment: Payment, refund: Refund, *, event: StripeEvent, now: datetime) -> None:
    """Book a refund made at Stripe, and its failure if it failed, so that it counts the same whichever is seen first.

    What is still held for the payment goes first; what is beyond it is lost, as with a staff refund (P8.6).
    """
    if not _is_noticed(Kind.REFUNDED, refund.id):
        payment.refunded_to_card_cents += refund.amount
        beyond = max(0, refund.amount + min(0, booked_for(payment).get(Account.HELD, 0)))
        lines = balanced(
            Line(Account.HELD, refund.amount - beyond),
            Line(Account.LOSSES, beyond),
            Line(Account.PLATFORM, -refund.amount),
        )
        _notice(payment, Kind.REFUNDED, refund.id, refund.amount, lines, event=event, now=now)
        if payment.status == PaymentStatus.SETTLED:
            payment.settlement_outcome = Outcome.STAFF_REFUND  # staff refunded it, though not here (P4.3)
    if not refund.stands and not _is_noticed(Kind.REFUND_FAILED, refund.id):
        payment.refunded_to_card_cents -= refund.amount
        lost = _lost_to(refund.id) if payment.status != PaymentStatus.SETTLED else refund.amount
        lines = balanced(
            Line(Account.PLATFORM, refund.amount),
            Line(Account.LOSSES, -lost),
            Line(Account.HELD, lost - refund.amount),
        )
        _notice(
            payment,
            Kind.REFUND_FAILED,
            refund.id,
            refund.amount,
            lines,
            came_back_by=refund.came_back_by,
            event=event,
            now=now,
        )


def _take_in_reversal(
    payment: Payment, transfer_id: str, reversal: Reversal, *, event: StripeEvent, now: datetime
) -> None:
    """Book what was taken from the instructor at Stripe; what they had earned of it is the platform's again."""
    if transfer_id == payment.transfer_id:
        payment.charge_transfer_reversed_cents += reversal.amount
    else:
        transfer = PayoutTransfer.objects.get(payment=payment, transfer_id=transfer_id)
        transfer.reversed_cents += reversal.amount
        transfer.save(update_fields=["reversed_cents"])
        payment.paid_cents -= reversal.amount
    unearned = earned_of(reversal.amount, payment)
    lines = balanced(
        Line(Account.PLATFORM, reversal.amount),
        Line(Account.CONNECTED, -reversal.amount),
        Line(Account.EARNINGS, unearned),
        Line(Account.LOSSES, -unearned),
    )
    _notice(payment, Kind.REVERSED, reversal.id, reversal.amount, lines, event=event, now=now)


def _take_in_charge(payment: Payment, found: Intent, *, event: StripeEvent, now: datetime) -> None:
    """Book a hold that was charged at Stripe. The platform keeps the money, as after a LOCK, until staff decide."""
    payment.captured_cents = found.charged
    payment.charge_id, payment.transfer_id = found.charge_id, found.transfer_id
    payment.charge_transfer_cents = found.transferred
    charged = balanced(
        Line(Account.PLATFORM, found.charged - found.fee),
        Line(Account.STRIPE_FEES, found.fee),
        Line(Account.HELD, -found.charged),
    )
    passed_on = balanced(Line(Account.CONNECTED, found.transferred), Line(Account.PLATFORM, -found.transferred))
    if payment.status == PaymentStatus.AUTHORIZED:
        payment.status = PaymentStatus.LOCKED
    _notice(payment, Kind.CHARGED, found.charge_id, found.charged, charged, event=event, now=now)
    _book(payment, passed_on, found.transfer_id, "The charge's transfer", event=event, now=now)


def _notice(
    payment: Payment,
    kind: ChangeAtStripe.Kind,
    object_id: str,
    amount: int,
    lines: tuple[Line, ...],
    *,
    came_back_by: str = "",
    event: StripeEvent,
    now: datetime,
) -> None:
    """Keep and book a change once; what has not ended yet stops until staff have seen it (P4.5)."""
    change = ChangeAtStripe.objects.create(
        payment=payment, kind=kind, object_id=object_id, amount_cents=amount, event=event, noticed_at=now
    )
    _book(
        payment,
        lines,
        object_id,
        f"{change.get_kind_display()} at Stripe, not by us",
        event=event,
        now=now,
        came_back_by=came_back_by,
    )
    if payment.status not in CLOSED:
        payment.former_status = payment.status
        payment.status = PaymentStatus.MANUAL_REVIEW
        payment.review_reason = ReviewReason.CHANGED_AT_STRIPE
        payment.review_since = now
        payment.review_error = change.sentence


def _book(
    payment: Payment,
    lines: tuple[Line, ...],
    object_id: str,
    description: str,
    *,
    event: StripeEvent,
    now: datetime,
    came_back_by: str = "",
) -> None:
    """Book what an object at Stripe moved, or that it came back, by which the reconciliation then knows it."""
    journal.write_for_payment(
        payment,
        lines,
        cause=f"stripe:{object_id}" + (":failed" if came_back_by else ""),
        rule="P8.8",
        description=description,
        now=now,
        event=event,
        stripe_object_id=came_back_by or object_id,
    )


def _lost_to(refund_id: str) -> int:
    """What was booked as a loss when a refund made at Stripe was noticed."""
    booked = Posting.objects.filter(entry__cause=f"stripe:{refund_id}", account=Account.LOSSES)
    return booked.aggregate(sum=Sum("amount_cents"))["sum"] or 0
