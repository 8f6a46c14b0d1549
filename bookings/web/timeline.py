"""What has happened to a booking and its money, told to one side."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter

from django.db.models import Prefetch

from bookings.models import Booking
from instainstru.money import dollars
from instainstru.templatetags.times import in_zone
from payments.models import Operation, Step
from payments.policy.states import Call, Party, PaymentStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened."""

    at: datetime
    what: str


def timeline_of(booking: Booking, *, side: Party) -> list[Event]:
    """Return what has happened so far, in order, in three statements."""
    answered = Step.objects.filter(answered_at__isnull=False).order_by("ordinal", "attempt")
    operations = booking.payment.operations.order_by("number").prefetch_related(
        Prefetch("steps", queryset=answered, to_attr="answered_steps")
    )
    told = _student_hears_of if side == Party.STUDENT else _instructor_hears_of
    events = [*_of_the_lesson(booking, side=side), *_of_moves(booking)]
    for operation in operations:
        events += told(operation)
    return sorted(events, key=attrgetter("at"))


def _of_the_lesson(booking: Booking, *, side: Party) -> Iterator[Event]:
    you_are_student = side == Party.STUDENT
    if booking.confirmed_at != booking.made_at and you_are_student:
        yield Event(at=booking.made_at, what="You asked for this lesson.")
    if booking.confirmed_at:
        yield Event(at=booking.confirmed_at, what="The lesson was booked.")
    if booking.marked_complete_at:
        who = "Your instructor" if you_are_student else "You"
        yield Event(at=booking.marked_complete_at, what=f"{who} marked it complete.")
    elif booking.completed_at:
        yield Event(at=booking.completed_at, what="The lesson was completed.")
    if booking.cancelled_at:
        yield Event(at=booking.cancelled_at, what=cancelled_by(booking, side=side))


def _of_moves(booking: Booking) -> Iterator[Event]:
    for move in booking.moves.order_by("moved_at", "id"):
        was, became = (in_zone(start, booking.time_zone) for start in (move.from_start, move.to_start))
        yield Event(at=move.moved_at, what=f"The lesson was moved from {was} to {became}.")


def _student_hears_of(operation: Operation) -> Iterator[Event]:
    for step in operation.answered_steps:  # type: ignore[attr-defined]  # prefetched
        if what := _step_in_words(step, operation):
            yield Event(at=step.answered_at, what=what)
    if operation.finished_at and operation.conclusion:
        for moved, what in _CREDITS_IN_WORDS.items():
            if cents := operation.conclusion["credits"][moved]:
                yield Event(at=operation.finished_at, what=what.format(dollars(cents)))


def _instructor_hears_of(operation: Operation) -> Iterator[Event]:
    """An instructor sees what reached the account, not each transfer on its way there and back."""
    net = 0
    for step in operation.answered_steps:  # type: ignore[attr-defined]
        if step.state == Step.State.SUCCEEDED:
            match step.call:
                case Call.CAPTURE:
                    net += step.transfer_cents
                case Call.PAY:
                    net += step.amount_cents
                case Call.REVERSE | Call.TAKE_BACK:
                    net -= step.amount_cents
    if net and operation.finished_at:
        moved = f"{dollars(net)} was paid to you." if net > 0 else f"{dollars(-net)} was taken back from you."
        yield Event(at=operation.finished_at, what=moved)


def _step_in_words(step: Step, operation: Operation) -> str:
    pays_a_debt = (
        operation.plan["ending"]["payment_status"] == PaymentStatus.SETTLED
    )  # the bank was asked about a charge
    match step.state, step.call:
        case Step.State.SUCCEEDED, Call.INSPECT if pays_a_debt:
            return f"{dollars(step.amount_cents)} was charged to your card."
        case Step.State.SUCCEEDED, Call.AUTHORIZE | Call.INSPECT:
            return f"{dollars(step.amount_cents)} was held on your card."
        case Step.State.SUCCEEDED, Call.CAPTURE | Call.CHARGE:
            return f"{dollars(step.amount_cents)} was charged to your card."
        case Step.State.SUCCEEDED, Call.REFUND:
            return f"{dollars(step.amount_cents)} was refunded to your card."
        case Step.State.SUCCEEDED, Call.VOID if step.amount_cents:
            return f"The hold of {dollars(step.amount_cents)} on your card was released."
        case Step.State.REFUSED, Call.AUTHORIZE | Call.CAPTURE | Call.CHARGE | Call.INSPECT:
            return "Your card was refused."
        case Step.State.ACTION_REQUIRED, Call.AUTHORIZE | Call.CHARGE:
            return "Your bank wanted you to confirm the payment."
    return ""


_CREDITS_IN_WORDS = {
    "released": "{} of credits came back to you.",
    "issued": "You got {} as new credit.",
    "forfeited": "{} of the credits you used was lost.",
}


def cancelled_by(booking: Booking, *, side: Party) -> str:
    """Say who cancelled a cancelled booking, to one side of it."""
    match Party(booking.cancelled_by):
        case Party.SYSTEM:
            return "It was cancelled because it was not paid for in time."
        case Party.STAFF:
            return "Our staff cancelled it."
        case party if party == side:
            return "You cancelled it."
        case Party.STUDENT:
            return "The student cancelled it."
        case _:
            return "Your instructor cancelled it."
