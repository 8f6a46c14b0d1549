"""What happens next to a booking, and when; and who has to do something about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter

from bookings.admin.story.records import Records
from instainstru.money import dollars
from payments.admin.words import ACTIONS, CALLS, in_words
from payments.models import Operation, Step
from payments.policy.states import BookingStatus, PaymentStatus
from payments.rules import rules_of_version

CLOCKWORK_IS_BEHIND = "overdue: the clockwork is behind"


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """Something with an instant. `late` says whose delay it is that it has not happened yet."""

    at: datetime
    what: str
    late: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ahead:
    """What is due by itself, in order, and what waits for somebody."""

    due: tuple[Due, ...]
    waits: tuple[str, ...]


def ahead_of(records: Records, *, now: datetime) -> Ahead:
    due = [Due(at=at, what=what, late=CLOCKWORK_IS_BEHIND if at < now else "") for at, what in _due(records, now=now)]
    due += [Due(at=at, what=what, late="overdue" if at < now else "") for at, what in records.cases.due]
    return Ahead(due=tuple(sorted(due, key=attrgetter("at"))), waits=(*records.cases.waits, *_waits(records)))


def _due(records: Records, *, now: datetime) -> Iterator[tuple[datetime, str]]:
    booking, payment = records.booking, records.booking.payment
    terms = payment.terms
    if booking.status in (BookingStatus.PENDING, BookingStatus.CONFIRMED):
        if booking.starts_at > now:
            yield booking.starts_at, "The lesson starts."
        elif booking.ends_at > now:
            yield booking.ends_at, "The lesson ends."
    if payment.authorize_at:
        tried = f", for the {payment.authorization_refusals + 1}. time" if payment.authorization_refusals else ""
        yield payment.authorize_at, f"{dollars(terms.card_total)} is held on the card{tried}."
    if payment.expire_at:
        yield payment.expire_at, "Still unpaid, it is cancelled by the clockwork."
    if payment.settle_at:
        yield payment.settle_at, _settlement(records)
    if payment.collection_refused_at and payment.status == PaymentStatus.PAYMENT_METHOD_REQUIRED:
        given_up_at = payment.collection_refused_at + rules_of_version(payment.policy_version).collection_time
        paid, owed = dollars(terms.payout), dollars(terms.card_total)
        yield given_up_at, f"Still refused, the platform pays the instructor {paid} and the student owes {owed}."
    if payment.capture_before:
        yield payment.capture_before, "The hold on the card lapses at Stripe."
    for operation in records.operations:
        if operation.state == Operation.State.OPEN and operation.resume_at:
            yield operation.resume_at, f"Stripe is asked again: {_unanswered(operation)}."


def _settlement(records: Records) -> str:
    payment = records.booking.payment
    paid = f"the instructor is paid {dollars(payment.terms.payout)}"
    if payment.captured_cents:
        return f"The lesson is settled: {paid}."
    return f"The lesson is settled: the card is charged {dollars(payment.terms.card_total)}, {paid}."


def _unanswered(operation: Operation) -> str:
    sent = next((step for step in operation.steps.all() if step.state == Step.State.SENT), None)
    return in_words(sent.call, CALLS).lower() if sent else in_words(operation.kind, ACTIONS).lower()


def _waits(records: Records) -> Iterator[str]:
    payment = records.booking.payment
    for operation in records.operations:
        what = in_words(operation.kind, ACTIONS)
        match operation.state:
            case Operation.State.OPEN:
                yield f"{what} is being carried out: {_unanswered(operation)}."
            case Operation.State.WAITING:
                yield f"{what} was accepted and waits for the end of what is under way (P7.11)."
            case Operation.State.HALTED:
                yield f"{what} was begun and is halted: nothing further is sent until the case has ended (P8.1)."
            case Operation.State.STUCK:
                yield f"{what} was stopped by a definite no and waits for staff (P10.3)."
    if payment.pending_intent_id:
        yield "The bank waits for the student to confirm the payment."
    elif payment.status == PaymentStatus.PAYMENT_METHOD_REQUIRED:
        yield "The student has to give another card, or try this one again."
    for lock in records.account_locks:
        if lock.lifted_at is None:
            yield f"The student can book nothing new: {lock.get_reason_display().lower()}."
