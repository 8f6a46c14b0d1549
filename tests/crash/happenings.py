"""What people, the clockwork, the bank and Stripe do in the scenes of the crash tests."""

import contextlib
from collections.abc import Callable
from datetime import datetime, timedelta

from bookings import operations as bookings
from bookings.models import Booking
from disputes import operations as cases
from instainstru import clock
from instainstru.accounts.models import Role, User
from instainstru.refusals import Refused
from payments import operations as payments
from payments import tasks
from payments.gateway import client
from payments.models import Payment
from payments.policy.states import Action, Bearer, DisputeRuling, NoShowRuling, Party
from tests.factories import UserFactory
from tests.stage import Stage

HOUR = timedelta(hours=1)

Given = Callable[[Stage], Booking | None]
Happening = Callable[[Stage, Booking], object]


# --- What is given --------------------------------------------------------------------------------------------------


def nothing(stage: Stage) -> None:
    """Nothing is booked yet."""


def some_credit(stage: Stage) -> None:
    stage.give_credit(3_000, lasts=timedelta(days=20))
    stage.give_credit(9_000, lasts=timedelta(days=90))


def credit_on_its_last_day(stage: Stage) -> None:
    some_credit(stage)
    stage.travel(days=20)


def booked(*, hours_ahead: float = 72, credits: int = 0, card: str = "ok") -> Given:
    """A lesson is booked, with a card that may turn out not to be good."""

    def arrange(stage: Stage) -> Booking:
        if credits:
            some_credit(stage)
        if card != "ok":
            stage.use_card(card)
        return stage.book(hours_ahead=hours_ahead, credits=credits)

    return arrange


def then(given: Given, *later: Happening) -> Given:
    """After that, other things happened."""

    def arranged(stage: Stage) -> Booking:
        booking = given(stage)
        assert booking is not None
        for happen in later:
            happen(stage, booking)
        return booking

    return arranged


def until(*, before_start: timedelta | None = None, after_end: timedelta | None = None) -> Happening:
    """Time passes, and the clockwork does what falls due on the way, but not what is due at the very instant."""

    def travel(stage: Stage, booking: Booking) -> None:
        booking.refresh_from_db()
        stage.travel_to(_instant(booking, before_start, after_end))

    return travel


def without_clockwork_until(*, before_start: timedelta | None = None, after_end: timedelta | None = None) -> Happening:
    """Time passes while our clockwork stands still."""

    def stand(stage: Stage, booking: Booking) -> None:
        stage.stand_at(_instant(booking, before_start, after_end))

    return stand


def _instant(booking: Booking, before_start: timedelta | None, after_end: timedelta | None) -> datetime:
    return booking.starts_at - before_start if before_start is not None else booking.ends_at + (after_end or 0 * HOUR)


def card(name: str) -> Happening:
    return lambda stage, booking: stage.use_card(name)


def fault(call: str, kind: str, times: int | str = 1) -> Happening:
    return lambda stage, booking: stage.simulator.order_fault(call, kind, times=times)


def at_the_bank(stage: Stage, booking: Booking) -> None:
    """The student confirms on the bank's page, and does not come back yet."""
    stage.simulator.finish_3ds(Payment.objects.get(pk=booking.payment_id).pending_intent_id)


def somebody_else_takes_the_time(stage: Stage, booking: Booking) -> None:
    rival: User = UserFactory(email="rival@example.com")
    mine, stage.student = stage.student, rival
    stage.use_card("ok")
    stage.student = mine
    bookings.checkout(
        student=rival, service=stage.service, starts_at=booking.starts_at, minutes=60, credits=0, now=clock.now()
    )


def reported(*, by: Party, contested: bool = True) -> Happening:
    """One side reports the other one absent, who contests it."""

    def report(stage: Stage, booking: Booking) -> None:
        sides = {Party.STUDENT: stage.student, Party.INSTRUCTOR: stage.instructor}
        absent = Party.INSTRUCTOR if by == Party.STUDENT else Party.STUDENT
        made = cases.report_no_show(booking=booking, actor=sides[by], by=by, absent=absent, now=clock.now())
        if contested:
            cases.contest_no_show(report=made, actor=sides[absent], now=clock.now())

    return report


def disputed(stage: Stage, booking: Booking) -> None:
    """Staff open a dispute on behalf of the student."""
    cases.open_dispute(booking=booking, actor=_staff(), by=Party.STAFF, on_behalf_of=Party.STUDENT, now=clock.now())


def at_the_cardholders_bank(phase: str) -> Happening:
    """The bank takes the payment back, or decides; we have not heard of it yet."""

    def act(stage: Stage, booking: Booking) -> None:
        intent = Payment.objects.get(pk=booking.payment_id).intent_id
        if phase == "opened":
            stage.simulator.dispute(intent)
        else:
            stage.simulator.decide_dispute(intent, won=phase == "won")

    return act


# --- What is interrupted ----------------------------------------------------------------------------------------------


def book(*, hours_ahead: float, credits: int = 0) -> Happening:
    return lambda stage, booking: stage.book(hours_ahead=hours_ahead, credits=credits)


def clockwork(stage: Stage, booking: Booking | None) -> None:
    """The sweeps run what is due at this very instant."""
    stage.travel_to(clock.now(), run_what_is_due_then=True)


def a_worker_settles(stage: Stage, booking: Booking) -> None:
    """A worker that had claimed it, before any other sweep has looked at it."""
    tasks.begin_due(payment_id=booking.payment_id, kind=Action.SETTLE)


def student_cancels(stage: Stage, booking: Booking) -> None:
    bookings.cancel_booking(booking=booking, actor=stage.student, now=clock.now())


def instructor_cancels(stage: Stage, booking: Booking) -> None:
    bookings.cancel_booking(booking=booking, actor=stage.instructor, now=clock.now())


def moves(by: timedelta) -> Happening:
    """The student moves the lesson, or is refused."""

    def reschedule(stage: Stage, booking: Booking) -> None:
        booking.refresh_from_db()
        with contextlib.suppress(Refused):  # the outcome tells
            bookings.reschedule_booking(
                booking=booking, actor=stage.student, new_starts_at=booking.starts_at + by, now=clock.now()
            )

    return reschedule


def pays(stage: Stage, booking: Booking) -> None:
    booking.payment.refresh_from_db()
    bookings.pay_now(booking=booking, actor=stage.student, now=clock.now())


def comes_back_from_the_bank(stage: Stage, booking: Booking) -> None:
    with contextlib.suppress(Refused):  # the outcome tells
        bookings.confirm_payment(booking=booking, actor=stage.student, now=clock.now())


def marks_complete(stage: Stage, booking: Booking) -> None:
    bookings.mark_complete(booking=booking, now=clock.now())


def staff_refund(cents: int, *, bearer: Bearer) -> Happening:
    return lambda stage, booking: payments.refund_by_staff(
        payment_id=booking.payment_id, actor=_staff(), cents=cents, bearer=bearer, reason="Late start.", now=clock.now()
    )


def staff_cancel(*, with_refund: bool) -> Happening:
    return lambda stage, booking: payments.cancel_by_staff(
        payment_id=booking.payment_id, actor=_staff(), with_refund=with_refund, reason="Snow.", now=clock.now()
    )


def staff_retry(stage: Stage, booking: Booking) -> None:
    operation = payments.retry_stuck(payment_id=booking.payment_id, actor=_staff(), now=clock.now())
    payments.perform(operation)


def staff_give_up(stage: Stage, booking: Booking) -> None:
    payments.resolve_stuck(payment_id=booking.payment_id, actor=_staff(), note="Given up.", now=clock.now())


def staff_rule_no_show(ruling: NoShowRuling) -> Happening:
    return lambda stage, booking: cases.rule_no_show(
        booking=booking, ruling=ruling, actor=_staff(), reason="Both were heard.", now=clock.now()
    )


def staff_rule_dispute(ruling: DisputeRuling) -> Happening:
    return lambda stage, booking: cases.rule_dispute(
        booking=booking, ruling=ruling, actor=_staff(), reason="Both were heard.", now=clock.now()
    )


def reporter_withdraws(stage: Stage, booking: Booking) -> None:
    cases.withdraw_no_show(report=booking.no_show_reports.get(), now=clock.now())


def heard_from_the_bank(stage: Stage, booking: Booking) -> None:
    """Stripe tells us of the bank's dispute, as it stands now."""
    found = client.get("/v1/disputes", payment_intent=Payment.objects.get(pk=booking.payment_id).intent_id)
    cases.take_in_from_bank(dispute_id=found["data"][0]["id"], now=clock.now())


def _staff() -> User:
    return User.objects.get(role=Role.STAFF)
