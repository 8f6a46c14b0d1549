"""Staff cancel a booking whose payment is not settled, from whatever it has come to, with refund and without (P8.7)."""

from collections.abc import Callable
from datetime import timedelta
from typing import NamedTuple

import pytest

from bookings.models import Booking, OccupiedTime
from bookings.operations import cancel_booking, checkout, mark_complete, reschedule_booking
from credits.models import CreditLot
from instainstru import clock
from instainstru.accounts.models import User
from payments import operations as payments
from payments.ledger import books
from payments.models import AccountLock, Operation, Payment
from payments.policy.accounts import Account
from payments.policy.plan import CreditMoves
from tests.money import assert_balances, balances_of
from tests.payments.staff import give_up, retry
from tests.rules.standing import Money, credits_of, money_of, payment_of, refused, stands
from tests.stage import Stage

pytestmark = [pytest.mark.usefixtures("books_stay_right"), pytest.mark.rule("P8.7")]

HOUR = timedelta(hours=1)
PI, TR, P, FEE = 8_440, 8_440, 10_560, 275  # of a lesson for 120.00 with 50.00 of credit

Cancel = Callable[..., Operation]
Story = Callable[[Stage], Booking]


def scheduled(stage: Stage) -> Booking:
    return stage.book(hours_ahead=72, credits=5_000)


def authorized(stage: Stage) -> Booking:
    return stage.book(hours_ahead=18, credits=5_000)


def marked_complete(stage: Stage) -> Booking:
    booking = scheduled(stage)
    stage.travel_to(booking.ends_at + HOUR)
    mark_complete(booking=booking, now=clock.now())
    return booking


def locked(stage: Stage) -> Booking:
    booking = scheduled(stage)
    stage.travel_to(booking.starts_at - 18 * HOUR)
    reschedule_booking(
        booking=booking, actor=stage.student, new_starts_at=booking.starts_at + 72 * HOUR, now=clock.now()
    )
    return booking


def unpaid_checkout(stage: Stage) -> Booking:
    stage.use_card("declined")
    return stage.book(hours_ahead=18, credits=5_000)


def refused_at_a_day(stage: Stage) -> Booking:
    booking = scheduled(stage)
    stage.simulator.order_fault("authorize", "refuse")
    stage.travel_to(booking.starts_at - 24 * HOUR, run_what_is_due_then=True)
    return booking


def waiting_at_the_bank(stage: Stage) -> Booking:
    stage.use_card("requires_3ds")
    return stage.book(hours_ahead=18, credits=5_000)


def being_collected(stage: Stage) -> Booking:
    booking = scheduled(stage)
    stage.travel_to(booking.ends_at)
    stage.simulator.order_fault("capture", "refuse", times="always")
    stage.travel_to(booking.ends_at + 25 * HOUR)
    stage.simulator.order_fault("capture", "none")
    return booking


def advanced(stage: Stage) -> Booking:
    booking = scheduled(stage)
    stage.travel_to(booking.ends_at)
    for call in ("capture", "authorize"):
        stage.simulator.order_fault(call, "refuse", times="always")
    stage.travel_to(booking.ends_at + 24 * HOUR, run_what_is_due_then=True)
    stage.stand_at(booking.ends_at + 96 * HOUR)  # spares the test three days of tries
    stage.travel(minutes=1)
    for call in ("capture", "authorize"):
        stage.simulator.order_fault(call, "none")
    return booking


def stopped_lock(stage: Stage) -> Booking:
    stage.simulator.order_fault("reverse", "refuse")
    return locked(stage)


def stopped_payout(stage: Stage) -> Booking:
    booking = scheduled(stage)
    stage.simulator.order_fault("payout", "refuse")
    stage.travel_to(booking.ends_at + 24 * HOUR, run_what_is_due_then=True)
    return booking


class State(NamedTuple):
    """How a payment stands before staff cancel, what has moved by then, and what has moved after."""

    comes_to_be: Story
    before: tuple[str, str]
    moved: Money
    refunded: Money
    kept: Money
    credits: CreditMoves


RELEASED, GIVEN_BACK = CreditMoves(released=5_000), CreditMoves(consumed=5_000, issued=5_000)
NONE = Money()
STATES = {
    "scheduled": State(scheduled, ("scheduled", ""), NONE, NONE, NONE, RELEASED),
    "authorized": State(authorized, ("authorized", ""), Money(held=PI), NONE, NONE, RELEASED),
    "marked complete": State(marked_complete, ("authorized", ""), Money(held=PI), NONE, NONE, RELEASED),
    "locked": State(
        locked, ("locked", ""), Money(charged=PI), Money(charged=PI, refunded=PI), Money(charged=PI), RELEASED
    ),
    "unpaid checkout": State(unpaid_checkout, ("payment_method_required", ""), NONE, NONE, NONE, RELEASED),
    "refused at a day": State(refused_at_a_day, ("payment_method_required", ""), NONE, NONE, NONE, RELEASED),
    "waiting at the bank": State(waiting_at_the_bank, ("payment_method_required", ""), NONE, NONE, NONE, RELEASED),
    "being collected": State(
        being_collected, ("payment_method_required", ""), Money(held=PI), NONE, NONE, RELEASED
    ),
    "advanced": State(
        advanced, ("manual_review", "collection_failed"), Money(instructor=P), NONE, NONE, GIVEN_BACK
    ),
    "stopped LOCK": State(
        stopped_lock,
        ("manual_review", "reversal_refused"),
        Money(charged=PI, instructor=TR),
        Money(charged=PI, refunded=PI),
        Money(charged=PI),
        RELEASED,
    ),
    "stopped payout": State(
        stopped_payout,
        ("manual_review", "payout_refused"),
        Money(charged=PI, instructor=TR),
        Money(charged=PI, refunded=PI),
        Money(charged=PI),
        GIVEN_BACK,
    ),
}  # fmt: skip
every_state = pytest.mark.parametrize("state", STATES.values(), ids=STATES)


@pytest.fixture
def cancel(staff: User) -> Cancel:
    """Cancel a booking by staff; with refund, unless told otherwise."""

    def by_staff(booking: Booking, *, with_refund: bool = True, **how: object) -> Operation:
        return payments.cancel_by_staff(
            payment_id=booking.payment_id,
            actor=staff,
            with_refund=with_refund,
            reason="The instructor has fallen ill.",
            now=clock.now(),
            **how,
        )

    return by_staff


@every_state
@pytest.mark.parametrize("with_refund", [True, False], ids=["with refund", "without"])
def test_it_ends_whatever_the_payment_has_come_to(
    stage: Stage, cancel: Cancel, state: State, with_refund: bool
) -> None:
    stage.give_credit(5_000)
    booking = state.comes_to_be(stage)
    assert (stands(booking)[1:], money_of(booking)) == (state.before, state.moved)

    operation = cancel(booking, with_refund=with_refund)

    assert operation.is_done
    assert stands(booking) == ("cancelled", "settled", "admin_refund" if with_refund else "admin_no_refund")
    assert money_of(booking) == (state.refunded if with_refund else state.kept)
    assert credits_of(booking) == state.credits
    assert balances_of(stage).student_credit == 5_000
    assert not OccupiedTime.objects.filter(booking=booking).exists()
    assert operation.inputs["reason"] == "The instructor has fallen ill."
    assert (booking.cancelled_by, booking.cancellation_reason) == ("staff", "")  # the sides read the second
    stage.travel(days=10)  # and nothing more happens
    assert stands(booking)[1:] == ("settled", "admin_refund" if with_refund else "admin_no_refund")


@pytest.mark.parametrize("with_refund", [True, False], ids=["with refund", "without"])
def test_what_was_captured_goes_back_or_is_the_platforms(stage: Stage, cancel: Cancel, with_refund: bool) -> None:
    stage.give_credit(5_000)
    booking = locked(stage)

    cancel(booking, with_refund=with_refund)

    assert books.balance(Account.FEE_INCOME) == (0 if with_refund else -PI)
    assert_balances(
        stage,
        card=0 if with_refund else PI,
        student_credit=5_000,
        platform=-FEE if with_refund else PI - FEE,
        fees=FEE,
    )


def test_what_a_stopped_settlement_had_booked_is_undone(stage: Stage, cancel: Cancel) -> None:
    stage.give_credit(5_000)
    booking = stopped_payout(stage)
    assert books.balance(Account.FEE_INCOME) == -2_880

    cancel(booking)

    assert books.balance(Account.FEE_INCOME) == 0
    assert books.balance(Account.EARNINGS) == 0
    assert_balances(stage, student_credit=5_000, platform=-FEE, fees=FEE)


@pytest.mark.rule("P10.2")
def test_a_debt_for_the_booking_is_cancelled_and_its_lock_lifted(stage: Stage, cancel: Cancel) -> None:
    stage.give_credit(5_000)
    booking = advanced(stage)
    assert books.balance(Account.RECEIVABLE) == payment_of(booking).owed_cents == PI
    with refused("account_locked"):
        stage.book(hours_ahead=72)

    cancel(booking)

    assert books.balance(Account.RECEIVABLE) == payment_of(booking).owed_cents == 0
    assert AccountLock.objects.get().lifted_at == clock.now()
    assert stage.book(hours_ahead=72).status == "confirmed"
    back = CreditLot.objects.get(source_key__startswith="operation:")
    assert (back.available_cents, back.expires_at) == (5_000, clock.now() + timedelta(days=365))


@pytest.mark.parametrize("story", [stopped_lock, stopped_payout])
def test_it_ends_a_stop(stage: Stage, cancel: Cancel, staff: User, story: Story) -> None:
    stage.give_credit(5_000)
    booking = story(stage)

    cancel(booking)

    assert not Operation.objects.stuck().exists()
    payment = payment_of(booking)
    assert (payment.review_reason, payment.former_status, payment.review_since) == ("", "", None)
    with refused("already_settled"):
        retry(booking, staff)


def test_a_lock_is_resolved_by_it(stage: Stage, cancel: Cancel) -> None:
    stage.give_credit(5_000)
    booking = locked(stage)
    stage.travel(hours=1)

    cancel(booking, with_refund=False)

    assert (payment_of(booking).lock_resolved_at, payment_of(booking).lock_resolution) == (
        clock.now(),
        "admin_no_refund",
    )


# --- Once ---------------------------------------------------------------------------------------------------------


@pytest.mark.rule("P7.10")
def test_cancelling_twice_is_one_cancellation(stage: Stage, cancel: Cancel) -> None:
    booking = stage.book(hours_ahead=18)

    first = cancel(booking, with_refund=False)

    assert cancel(booking, with_refund=True) == first
    assert stands(booking) == ("cancelled", "settled", "admin_no_refund")


def test_a_booking_already_cancelled_is_not_cancelled_again(stage: Stage, cancel: Cancel) -> None:
    booking = stage.book(hours_ahead=18)
    students = cancel_booking(booking=booking, actor=stage.student, now=clock.now())

    assert cancel(booking) == students

    assert stands(booking)[2] == "student_cancel_12_24_full_credit"


def test_what_is_settled_is_not_cancelled(stage: Stage, cancel: Cancel) -> None:
    booking = stage.book(hours_ahead=72)
    stage.travel_to(booking.ends_at + 24 * HOUR, run_what_is_due_then=True)

    with refused("already_settled"):
        cancel(booking)


def test_an_unpaid_lesson_that_the_system_cancelled_is_settled(stage: Stage, cancel: Cancel) -> None:
    booking = refused_at_a_day_given_up(stage)

    with refused("already_settled"):
        cancel(booking)


def refused_at_a_day_given_up(stage: Stage) -> Booking:
    stage.use_card("declined")
    booking = stage.book(hours_ahead=72)
    stage.travel_to(booking.starts_at - 12 * HOUR, run_what_is_due_then=True)
    return booking


@pytest.mark.rule("P8.1")
@pytest.mark.parametrize("reason", ["no_show_reported", "dispute_open", "chargeback_open"])
def test_while_a_case_is_open_staff_rule_and_do_not_cancel(stage: Stage, cancel: Cancel, reason: str) -> None:
    booking = stage.book(hours_ahead=18)
    before = Payment.objects.filter(pk=booking.payment_id)
    before.update(
        status="manual_review", former_status="authorized", review_reason=reason, review_since=clock.now()
    )  # fmt: skip

    with refused("under_review"):
        cancel(booking)


def test_a_stale_preview_is_shown_anew(stage: Stage, cancel: Cancel) -> None:
    booking = stage.book(hours_ahead=18)

    with refused("preview_stale"):
        cancel(booking, preview="something else")

    assert stands(booking)[0] == "confirmed"


def test_the_time_is_free_at_once_and_somebody_else_may_have_it(stage: Stage, cancel: Cancel) -> None:
    booking = stage.book(hours_ahead=18)
    stage.simulator.order_fault("void", "timeout_before", times="always")

    operation = cancel(booking)

    assert operation.state == "open"
    other = checkout(
        student=stage.student,
        service=stage.service,
        starts_at=booking.starts_at,
        minutes=60,
        credits=0,
        now=clock.now(),
    )
    assert Booking.objects.get(payment_id=other.payment_id).status == "confirmed"
    stage.simulator.order_fault("void", "none")
    stage.travel(minutes=2)
    assert stands(booking) == ("cancelled", "settled", "admin_refund")


# --- When Stripe says no ------------------------------------------------------------------------------------------

REFUSALS: dict[str, tuple[Story, str, str]] = {
    "void": (authorized, "void", "void_refused"),
    "refund": (locked, "refund", "refund_refused"),
    "reversal": (stopped_lock, "reverse", "reversal_refused"),
    "reversal of what was paid": (stopped_payout, "reverse", "reversal_refused"),
    "refund after a reversal": (stopped_payout, "refund", "refund_refused"),
    "reversal of an advance": (advanced, "reverse", "reversal_refused"),
}
every_refusal = pytest.mark.parametrize(("story", "call", "reason"), REFUSALS.values(), ids=REFUSALS)


@pytest.mark.rule("P10.3")
@every_refusal
@pytest.mark.parametrize("then", [retry, give_up])
def test_a_refusal_waits_for_staff_with_the_lesson_cancelled(
    stage: Stage, cancel: Cancel, staff: User, story: Story, call: str, reason: str,
    then: Callable[[Booking, User], None],
) -> None:  # fmt: skip
    stage.give_credit(5_000)
    booking = story(stage)
    stage.simulator.order_fault(call, "refuse")

    cancel(booking)
    assert stands(booking) == ("cancelled", "manual_review", reason)
    if call == "reverse":
        assert money_of(booking).refunded == 0  # nothing is refunded before
    then(booking, staff)

    cancelled, status, outcome = stands(booking)
    assert (cancelled, status) == ("cancelled", "settled")
    if then is retry:
        assert outcome == "admin_refund"
        assert money_of(booking).instructor == money_of(booking).charged - money_of(booking).refunded == 0
        assert balances_of(stage).student_credit == 5_000
    elif call == "void":
        assert outcome == "payment_failed_no_charge"
        stage.travel(days=8)  # the hold lapses (P2.6)
    assert not Operation.objects.stuck().exists()  # what it met is not to be retried either
