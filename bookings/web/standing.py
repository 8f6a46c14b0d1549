"""How a booking stands, in the words of the one who reads: what it is, and what happens next."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from bookings.models import Booking
from bookings.web.timeline import cancelled_by
from instainstru.money import dollars
from instainstru.refusals import RefusalCode
from payments.policy.states import BookingStatus, Outcome, Party, PaymentStatus
from payments.policy.windows import settlement_due_at
from payments.rules import rules_of_version


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A booking's state in a word and a sentence. `tone` is one of the states that `{% pill %}` knows."""

    tone: str
    label: str
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """What happens next, and when."""

    at: datetime
    what: str


def standing_of(booking: Booking, *, side: Party, now: datetime) -> Standing:
    """Say in plain words how a booking stands, for its student or its instructor."""
    match booking.status:
        case BookingStatus.PENDING:
            return _not_booked_yet(booking)
        case BookingStatus.CANCELLED:
            return Standing(tone="cancelled", label="Cancelled", sentence=_cancelled(booking, side=side))
        case BookingStatus.NO_SHOW:
            return Standing(tone="no_show", label="No-show", sentence=_missed(booking, side=side))
    if side == Party.STUDENT and booking.payment.owed_cents:
        return Standing(
            tone="payment_method_required",
            label="To be paid",
            sentence=f"Your card was refused again and again after the lesson. You owe "
            f"{dollars(booking.payment.owed_cents)}; until it is paid nothing new can be booked.",
        )
    if booking.payment.status == PaymentStatus.MANUAL_REVIEW:
        return Standing(
            tone="under_review",
            label="Under review",
            sentence="Our staff look at this booking. Its money stays where it is until they are done.",
        )
    if side == Party.STUDENT:
        return _booked_by_student(booking, now=now)
    return _booked_with_instructor(booking, now=now)


def deadlines_of(booking: Booking, *, side: Party, now: datetime) -> list[Deadline]:
    """Return what is still to happen to a booking and its money, in order; only what is sure to be tried."""
    coming = _of_student(booking) if side == Party.STUDENT else _of_instructor(booking)
    return sorted((deadline for deadline in coming if deadline.at > now), key=lambda deadline: deadline.at)


def _not_booked_yet(booking: Booking) -> Standing:
    payment = booking.payment
    if payment.refusal_code == RefusalCode.AUTHENTICATION_REQUIRED:
        return Standing(
            tone="payment_method_required",
            label="Waiting for your bank",
            sentence="Your bank wants you to confirm the payment. Until you have, the time is not kept for you.",
        )
    if payment.refusal_code:
        return Standing(
            tone="payment_method_required",
            label="Not booked yet",
            sentence="Your card was refused. Until it is paid for, the time is not kept for you.",
        )
    return Standing(
        tone="pending",
        label="Not booked yet",
        sentence="Your card is being asked; the lesson is booked once it agrees.",
    )


def _booked_by_student(booking: Booking, *, now: datetime) -> Standing:
    match booking.payment.status:
        case PaymentStatus.PAYMENT_METHOD_REQUIRED if (
            now < booking.starts_at and booking.payment.refusal_code == RefusalCode.AUTHENTICATION_REQUIRED
        ):
            return Standing(
                tone="payment_method_required",
                label="Waiting for your bank",
                sentence="Your lesson is booked, but your bank wants you to confirm the payment.",
            )
        case PaymentStatus.PAYMENT_METHOD_REQUIRED if now < booking.starts_at:
            return Standing(
                tone="payment_method_required",
                label="Card refused",
                sentence="Your lesson is booked, but your card was refused when it was to be held.",
            )
        case PaymentStatus.PAYMENT_METHOD_REQUIRED:
            return Standing(
                tone="payment_method_required", label="To be paid", sentence="The charge for this lesson was refused."
            )
        case PaymentStatus.SETTLED:
            told = _SETTLED_OTHERWISE.get(booking.payment.settlement_outcome)
            sentence = told.to_student if told else "The lesson took place and is paid for."
            return Standing(tone="completed", label="Completed", sentence=sentence)
        case PaymentStatus.LOCKED:
            return Standing(
                tone="confirmed",
                label="Booked",
                sentence="Your lesson is booked and your card has paid for it. It was moved within a day of its start, "
                "so it can't be moved again.",
            )
    if now >= booking.ends_at:
        return Standing(
            tone="confirmed", label="Lesson over", sentence="The lesson is over; your card is charged a day after it."
        )
    return Standing(tone="confirmed", label="Booked", sentence="Your lesson is booked.")


def _booked_with_instructor(booking: Booking, *, now: datetime) -> Standing:
    if booking.payment.status == PaymentStatus.SETTLED:
        told = _SETTLED_OTHERWISE.get(booking.payment.settlement_outcome)
        sentence = told.to_instructor if told else "The lesson took place and you are paid."
        return Standing(tone="completed", label="Completed", sentence=sentence)
    if booking.marked_complete_at is not None:
        return Standing(tone="completed", label="Marked complete", sentence="You marked this lesson complete.")
    if now >= booking.ends_at:
        return Standing(
            tone="confirmed",
            label="Lesson over",
            sentence="If the lesson took place, mark it complete. You are paid a day after its end, marked or not.",
        )
    if booking.payment.status == PaymentStatus.PAYMENT_METHOD_REQUIRED:
        return Standing(
            tone="payment_method_required",
            label="Booked, not paid yet",
            sentence="The student's card was refused. The student has been told; if no card works by 12 hours before "
            "the lesson, it is cancelled.",
        )
    return Standing(tone="confirmed", label="Booked", sentence="This lesson is booked with you.")


def _cancelled(booking: Booking, *, side: Party) -> str:
    by_whom = cancelled_by(booking, side=side)
    if booking.payment.status == PaymentStatus.MANUAL_REVIEW:
        return f"{by_whom} Our staff see to its money."
    return by_whom


def _missed(booking: Booking, *, side: Party) -> str:
    absent = _ABSENT.get(booking.payment.settlement_outcome)
    if absent is None:
        return "Somebody did not come to this lesson."
    if side == absent:
        return "You did not come to this lesson."
    return f"The {absent} did not come to this lesson."


_ABSENT: dict[str, Party] = {
    Outcome.INSTRUCTOR_NO_SHOW: Party.INSTRUCTOR,
    Outcome.STUDENT_NO_SHOW: Party.STUDENT,
}


class _Told(NamedTuple):
    to_student: str
    to_instructor: str


_SETTLED_OTHERWISE: dict[str, _Told] = {  # what became of a lesson that counts as given, but was not simply paid
    Outcome.STUDENT_WINS_DISPUTE: _Told(
        "A dispute about this lesson was decided for you.", "A dispute about this lesson was decided for the student."
    ),
    Outcome.STAFF_REFUND: _Told(
        "Our staff refunded this lesson, wholly or in part.",
        "Our staff refunded this lesson to the student, wholly or in part.",
    ),
    Outcome.CHARGEBACK_LOST: _Told(
        "Your bank took the payment of this lesson back.", "The student’s bank took the payment of this lesson back."
    ),
}


def _of_student(booking: Booking) -> Iterator[Deadline]:
    payment, card = booking.payment, booking.payment.payer.card or "your card"
    total = payment.terms.card_total
    if booking.status == BookingStatus.PENDING and payment.expire_at:
        yield Deadline(at=payment.expire_at, what="The booking is given up if it is not paid for by then.")
    elif booking.status == BookingStatus.CONFIRMED:
        yield Deadline(at=booking.starts_at, what="The lesson starts.")
        if payment.expire_at:
            yield Deadline(at=payment.expire_at, what="The lesson is cancelled if no card has worked by then.")
    if payment.authorize_at:
        again = "tried again" if payment.authorization_refusals else "held"
        yield Deadline(at=payment.authorize_at, what=f"{dollars(total)} is {again} on {card}.")
    if payment.settle_at and booking.status != BookingStatus.PENDING:
        if payment.captured_cents:
            yield Deadline(at=payment.settle_at, what="The lesson is settled; your card pays nothing more.")
        else:
            yield Deadline(at=payment.settle_at, what=f"{card[0].upper()}{card[1:]} is charged {dollars(total)}.")


def _of_instructor(booking: Booking) -> Iterator[Deadline]:
    payment = booking.payment
    if booking.status == BookingStatus.CONFIRMED:
        yield Deadline(at=booking.starts_at, what="The lesson starts.")
        if payment.expire_at:
            yield Deadline(at=payment.expire_at, what="The lesson is cancelled if the student has not paid by then.")
    if payment.settle_at and booking.status in (BookingStatus.CONFIRMED, BookingStatus.COMPLETED):
        due = settlement_due_at(booking.ends_at, rules=rules_of_version(payment.policy_version))
        yield Deadline(at=due, what=f"You are paid {dollars(payment.terms.payout)}.")
