"""When Stripe refuses a staff refund, or a refund meets what waits for staff already (P8.6, P10.3)."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from bookings.models import Booking
from bookings.operations import cancel_booking, reschedule_booking
from instainstru import clock
from instainstru.accounts.models import User
from payments.ledger import books
from payments.models import Operation
from payments.policy.accounts import Account
from payments.policy.states import Action
from tests.money import assert_balances
from tests.payments.staff import asked, give_up, retry
from tests.rules.standing import payment_of, stands
from tests.stage import Stage

pytestmark = pytest.mark.usefixtures("books_stay_right")

HOUR = timedelta(hours=1)
PI, P, TOP = 8_440, 10_560, 2_120  # of a lesson for 120.00 with 50.00 of credit; Stripe takes 2.75 of the charge
REFUNDED = ("completed", "settled", "admin_refund")
COMPLETED = ("completed", "settled", "lesson_completed_full_payout")

Refund = Callable[..., Operation]


# --- When Stripe says no ------------------------------------------------------------------------------------------


@pytest.fixture
def stopped(stage: Stage, completed: Booking, refund: Refund) -> Booking:
    """A refund of 10.00 at the instructor's cost: 12.51 were taken back, and then the refund was refused."""
    stage.simulator.order_fault("refund", "refuse")
    refund(completed, 1_000, borne_by="instructor")
    assert stands(completed) == ("completed", "manual_review", "refund_refused")
    return completed


@pytest.mark.rule("P10.3")
@pytest.mark.rule("P8.6")
def test_a_refused_refund_stops_and_goes_on_where_it_stopped(
    stage: Stage, stopped: Booking, refund: Refund, staff: User
) -> None:
    assert payment_of(stopped).settlement_outcome == "lesson_completed_full_payout"
    assert_balances(stage, card=PI, instructor=P - 1_251, platform=-2_395 + 1_251, fees=275)

    retry(stopped, staff)

    assert stands(stopped) == REFUNDED
    key = f"admin_refund_{stopped.ref}_1000"
    assert asked(stage, "refund") == [(key, 400), (f"{key}/2", 200)]
    assert_balances(stage, card=PI - 1_000, instructor=P - 1_251, platform=-2_395 + 251, fees=275)


@pytest.mark.rule("P10.3")
def test_a_refund_that_is_given_up_returns_to_what_was_before(
    stage: Stage, stopped: Booking, refund: Refund, staff: User
) -> None:
    settled_at = payment_of(stopped).settled_at
    stage.travel(hours=1)

    give_up(stopped, staff)

    assert stands(stopped) == COMPLETED
    assert payment_of(stopped).settled_at == settled_at
    assert_balances(stage, card=PI, instructor=P - 1_251, platform=-2_395 + 1_251, fees=275)
    assert books.balance(Account.LOSSES) == 5_000 - 1_251  # the goodwill credit, less what the instructor gave


@pytest.mark.rule("P8.6")
def test_what_a_given_up_refund_took_back_counts_towards_the_next(
    stage: Stage, stopped: Booking, refund: Refund, staff: User
) -> None:
    give_up(stopped, staff)

    refund(stopped, borne_by="instructor")

    assert_balances(stage, card=0, instructor=0, platform=-275, fees=275)


@pytest.mark.rule("P8.6")
def test_after_stripes_no_the_same_amount_is_tried_again_on_purpose(
    stage: Stage, completed: Booking, refund: Refund, staff: User
) -> None:
    stage.simulator.order_fault("refund", "refuse")
    first = refund(completed, 1_000)
    assert refund(completed, 1_000) == first  # asking again is not trying again

    refund(completed, 1_000, again=True)

    key = f"admin_refund_{completed.ref}_1000"
    assert asked(stage, "refund") == [(key, 400), (f"{key}_2", 200)]
    assert payment_of(completed).refunded_to_card_cents == 1_000
    give_up(completed, staff)  # the first one
    assert stands(completed) == REFUNDED


@pytest.mark.rule("P8.6")
@pytest.mark.parametrize("then", [retry, give_up])
def test_a_refused_reversal_refunds_nothing(
    stage: Stage, completed: Booking, refund: Refund, staff: User, then: Callable[[Booking, User], None]
) -> None:
    stage.simulator.order_fault("reverse", "refuse")

    operation = refund(completed, 4_220, borne_by="instructor")

    assert stands(completed) == ("completed", "manual_review", "reversal_refused")
    assert asked(stage, "refund") == []
    assert [step.state for step in operation.steps.order_by("ordinal")] == ["refused", "skipped", "skipped"]
    then(completed, staff)
    assert stands(completed) == (REFUNDED if then is retry else COMPLETED)
    assert payment_of(completed).refunded_to_card_cents == (4_220 if then is retry else 0)


@pytest.mark.rule("P8.6")
def test_a_second_reversal_that_is_refused_is_taken_up_without_the_first(
    stage: Stage, completed: Booking, refund: Refund, staff: User
) -> None:
    """21.20 of the top-up are back already: they are not taken twice."""
    transfer = payment_of(completed).transfer_id
    stage.simulator.order_fault("reverse", "refuse", match={"id": transfer})
    operation = refund(completed, 4_220, borne_by="instructor")
    assert [step.state for step in operation.steps.order_by("ordinal")] == ["succeeded", "refused", "skipped"]

    retry(completed, staff)

    assert stands(completed) == REFUNDED
    assert_balances(stage, card=PI - 4_220, instructor=P // 2, platform=-2_395 - 4_220 + P // 2, fees=275)


# --- While something else waits for staff -------------------------------------------------------------------------


def unpaid_instructor(stage: Stage) -> Booking:
    booking = stage.book(hours_ahead=72, credits=5_000)
    stage.simulator.order_fault("payout", "refuse")
    stage.travel_to(booking.ends_at + 24 * HOUR, run_what_is_due_then=True)
    return booking


def unreversed_lock(stage: Stage) -> Booking:
    booking = stage.book(hours_ahead=72, credits=5_000)
    stage.travel_to(booking.starts_at - 18 * HOUR)
    stage.simulator.order_fault("reverse", "refuse")
    reschedule_booking(
        booking=booking, actor=stage.student, new_starts_at=booking.starts_at + 72 * HOUR, now=clock.now()
    )
    return booking


def unrefunded_lock(stage: Stage) -> Booking:
    booking = stage.book(hours_ahead=72, credits=5_000)
    stage.travel_to(booking.starts_at - 18 * HOUR)
    reschedule_booking(
        booking=booking, actor=stage.student, new_starts_at=booking.starts_at + 72 * HOUR, now=clock.now()
    )
    stage.simulator.order_fault("refund", "refuse")
    cancel_booking(booking=booking, actor=stage.instructor, now=clock.now())
    return booking


STOPS: dict[str, tuple[Callable[[Stage], Booking], str, str, int]] = {
    # what stopped, how it says so, how it ends once retried, and what the card has back then
    "payout": (unpaid_instructor, "payout_refused", "lesson_completed_full_payout", 1_000),
    "reversal": (unreversed_lock, "reversal_refused", "", 1_000),
    "refund": (unrefunded_lock, "refund_refused", "instructor_cancel_full_refund", PI),
}
every_stop = pytest.mark.parametrize(("stop", "reason", "outcome", "back"), STOPS.values(), ids=STOPS)


@pytest.mark.rule("P8.6")
@every_stop
def test_a_refund_does_not_end_what_waits_for_staff(
    stage: Stage, refund: Refund, staff: User, stop: Callable[[Stage], Booking], reason: str, outcome: str, back: int
) -> None:
    stage.give_credit(5_000)
    booking = stop(stage)

    refund(booking, 1_000)
    assert stands(booking)[1:] == ("manual_review", reason)
    assert payment_of(booking).refunded_to_card_cents == 1_000

    retry(booking, staff)
    assert payment_of(booking).status == ("settled" if outcome else "locked")
    assert payment_of(booking).settlement_outcome == outcome
    assert payment_of(booking).refunded_to_card_cents == back
    stage.travel(days=10)  # a locked lesson is settled in the end
    assert payment_of(booking).status == "settled"


@pytest.mark.rule("P8.6")
@pytest.mark.rule("P10.3")
@pytest.mark.parametrize("then", [retry, give_up])
@every_stop
def test_a_refund_that_is_refused_meanwhile_leaves_the_other_to_be_ended(
    stage: Stage, refund: Refund, staff: User, then: Callable[[Booking, User], None],
    stop: Callable[[Stage], Booking], reason: str, outcome: str, back: int,
) -> None:  # fmt: skip
    stage.give_credit(5_000)
    booking = stop(stage)
    stage.simulator.order_fault("refund", "refuse")
    refund(booking, 1_000)
    assert stands(booking)[1:] == ("manual_review", "refund_refused")

    then(booking, staff)
    assert stands(booking)[1:] == ("manual_review", reason)
    assert Operation.objects.stuck().exclude(kind=Action.STAFF_REFUND).count() == Operation.objects.stuck().count() == 1

    retry(booking, staff)
    assert payment_of(booking).settlement_outcome == outcome
    stage.travel(days=10)
    assert payment_of(booking).status == "settled"
