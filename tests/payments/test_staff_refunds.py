"""Staff refund what a card has paid: how much, who bears it, once or on purpose (P8.6)."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from bookings.models import Booking
from bookings.operations import cancel_booking
from instainstru import clock
from instainstru.accounts.models import User
from payments.ledger import books
from payments.models import Operation, Payment
from payments.policy.accounts import Account
from tests.money import assert_balances
from tests.payments.staff import asked
from tests.rules.standing import payment_of, refused, stands
from tests.stage import Stage

pytestmark = pytest.mark.usefixtures("books_stay_right")

HOUR = timedelta(hours=1)
PI, P, TOP = 8_440, 10_560, 2_120  # of a lesson for 120.00 with 50.00 of credit; Stripe takes 2.75 of the charge
REFUNDED = ("completed", "settled", "admin_refund")
COMPLETED = ("completed", "settled", "lesson_completed_full_payout")

Refund = Callable[..., Operation]


# --- How much -----------------------------------------------------------------------------------------------------


@pytest.mark.rule("P8.6")
@pytest.mark.rule("P2.3")
@pytest.mark.parametrize(("cents", "amount", "word"), [(None, PI, "full"), (PI, PI, "8440"), (1_000, 1_000, "1000")])
def test_a_refund_goes_to_the_card_and_the_platform_bears_it(
    stage: Stage, completed: Booking, refund: Refund, cents: int | None, amount: int, word: str
) -> None:
    operation = refund(completed, cents)

    assert operation.is_done
    assert stands(completed) == REFUNDED
    assert asked(stage, "refund") == [(f"admin_refund_{completed.ref}_{word}", 200)]
    assert books.balance(Account.LOSSES) == 5_000 + amount  # beside the goodwill credit
    assert_balances(stage, card=PI - amount, instructor=P, platform=-2_395 - amount, fees=275)


@pytest.mark.rule("P8.6")
def test_full_means_all_that_is_left(stage: Stage, completed: Booking, refund: Refund) -> None:
    refund(completed, 1_000)

    refund(completed)

    assert payment_of(completed).refunded_to_card_cents == PI
    assert_balances(stage, card=0, instructor=P, platform=-2_395 - PI, fees=275)


@pytest.mark.rule("P8.6")
def test_a_refund_leaves_credits_and_the_instant_of_settlement(
    stage: Stage, completed: Booking, refund: Refund, staff: User
) -> None:
    before = payment_of(completed)
    stage.travel(hours=5)

    operation = refund(completed)

    after = payment_of(completed)
    assert (after.credits_consumed_cents, after.student_credit_cents) == (5_000, 0)
    assert after.settled_at == before.settled_at
    assert (operation.actor, operation.party, operation.rule) == (staff, "staff", "P8.6")
    assert operation.inputs["reason"] == "The lesson was cut short."


@pytest.mark.rule("P8.6")
@pytest.mark.parametrize("cents", [PI + 1, 0, -1])
def test_no_more_is_refunded_than_was_captured(stage: Stage, completed: Booking, refund: Refund, cents: int) -> None:
    with refused("refund_exceeds_captured"):
        refund(completed, cents)

    assert stands(completed) == COMPLETED


@pytest.mark.rule("P8.6")
def test_nor_than_is_left_by_earlier_refunds(stage: Stage, completed: Booking, refund: Refund) -> None:
    refund(completed, 8_000)

    with refused("refund_exceeds_captured"):
        refund(completed, 441)
    refund(completed, 440)
    with refused("refund_exceeds_captured"):
        refund(completed)


@pytest.mark.rule("P8.6")
def test_one_refund_at_a_time(stage: Stage, completed: Booking, refund: Refund) -> None:
    stage.simulator.order_fault("refund", "lost_answer")
    first = refund(completed, 8_000)
    assert first.state == "open"

    with refused("operation_in_progress"):
        refund(completed, 5_000)
    assert refund(completed, 8_000) == first
    stage.travel(minutes=2)

    with refused("refund_exceeds_captured"):
        refund(completed, 5_000)
    assert payment_of(completed).refunded_to_card_cents == 8_000


# --- Once, or once more on purpose --------------------------------------------------------------------------------


@pytest.mark.rule("P8.6")
@pytest.mark.parametrize("cents", [None, 1_000])
def test_the_same_amount_asked_twice_is_one_refund(
    stage: Stage, completed: Booking, refund: Refund, cents: int | None
) -> None:
    first = refund(completed, cents)
    stage.travel(days=3)

    assert refund(completed, cents, borne_by="instructor") == first

    assert len(asked(stage, "refund")) == 1


@pytest.mark.rule("P8.6")
@pytest.mark.rule("P2.3")
def test_once_more_on_purpose_gets_an_ordinal(stage: Stage, completed: Booking, refund: Refund) -> None:
    refund(completed, 1_000)

    refund(completed, 1_000, again=True)
    refund(completed, 1_000, again=True)

    key = f"admin_refund_{completed.ref}_1000"
    assert asked(stage, "refund") == [(key, 200), (f"{key}_2", 200), (f"{key}_3", 200)]
    assert payment_of(completed).refunded_to_card_cents == 3_000


@pytest.mark.rule("P8.6")
def test_a_stale_preview_is_shown_anew(stage: Stage, completed: Booking, refund: Refund, staff: User) -> None:
    with refused("preview_stale"):
        refund(completed, 1_000, preview="something else")

    assert asked(stage, "refund") == []


# --- Borne by the instructor --------------------------------------------------------------------------------------


@pytest.mark.rule("P8.6")
def test_what_the_instructor_bears_comes_from_the_top_up_first(
    stage: Stage, completed: Booking, refund: Refund
) -> None:
    operation = refund(completed, PI // 2, borne_by="instructor")

    assert list(operation.steps.order_by("ordinal").values_list("call", "amount_cents", "state")) == [
        ("take_back", TOP, "succeeded"),
        ("reverse", P // 2 - TOP, "succeeded"),
        ("refund", PI // 2, "succeeded"),
    ]
    assert books.balance(Account.EARNINGS, owner_id=stage.instructor.pk) == -P // 2
    assert_balances(stage, card=PI // 2, instructor=P // 2, platform=-2_395 - PI // 2 + P // 2, fees=275)


@pytest.mark.rule("P8.6")
def test_a_small_refund_leaves_the_charges_transfer_alone(stage: Stage, completed: Booking, refund: Refund) -> None:
    operation = refund(completed, 1_000, borne_by="instructor")

    assert list(operation.steps.order_by("ordinal").values_list("call", "amount_cents")) == [
        ("take_back", 1_251),  # 105.60 × 10.00 / 84.40, half up
        ("refund", 1_000),
    ]
    assert payment_of(completed).instructor_payout_cents == P - 1_251


@pytest.mark.rule("P8.6")
@pytest.mark.rule("P1.1")
def test_cents_are_rounded_on_the_sum_of_refunds_and_the_last_takes_the_rest(
    stage: Stage, completed: Booking, refund: Refund
) -> None:
    taken = []
    for cents in (1, 1, 1, 3_000, 2_000):
        before = payment_of(completed).instructor_payout_cents
        refund(completed, cents, borne_by="instructor", again=True)
        taken.append(before - payment_of(completed).instructor_payout_cents)
    assert taken == [1, 2, 1, 3_753, 2_503]

    refund(completed, borne_by="instructor")

    assert_balances(stage, card=0, instructor=0, platform=-275, fees=275)


@pytest.mark.rule("P8.6")
def test_refunds_at_the_platforms_cost_are_not_the_instructors(
    stage: Stage, completed: Booking, refund: Refund
) -> None:
    refund(completed, 4_220)

    refund(completed, borne_by="instructor")

    assert payment_of(completed).instructor_payout_cents == P // 2


@pytest.mark.rule("P8.6")
def test_what_a_cancellation_reversed_was_never_paid(stage: Stage, refund: Refund) -> None:
    booking = stage.book(hours_ahead=72)
    stage.travel_to(booking.starts_at - 6 * HOUR)
    cancel_booking(booking=booking, actor=stage.student, now=clock.now())

    operation = refund(booking, 6_720, borne_by="instructor")  # half of the charge, so half of the half payout

    assert list(operation.steps.order_by("ordinal").values_list("call", "amount_cents")) == [
        ("take_back", 2_640),
        ("refund", 6_720),
    ]
    assert_balances(stage, card=6_720, student_credit=6_000, instructor=2_640, platform=7_740 - 6_720 + 2_640, fees=420)


# --- When there is nothing to refund ------------------------------------------------------------------------------


@pytest.mark.rule("P8.6")
@pytest.mark.parametrize("hours_ahead", [72, 18])
def test_before_settlement_staff_cancel_instead(stage: Stage, refund: Refund, hours_ahead: int) -> None:
    booking = stage.book(hours_ahead=hours_ahead)

    with refused("cancel_instead"):
        refund(booking)


@pytest.mark.rule("P8.6")
def test_what_was_never_charged_is_not_refunded(stage: Stage, refund: Refund) -> None:
    booking = stage.book(hours_ahead=72)
    cancel_booking(booking=booking, actor=stage.student, now=clock.now())

    with refused("nothing_captured"):
        refund(booking)


@pytest.mark.rule("P8.1")
@pytest.mark.parametrize("reason", ["no_show_reported", "dispute_open", "chargeback_open"])
def test_while_a_case_is_open_nothing_is_refunded(
    stage: Stage, completed: Booking, refund: Refund, reason: str
) -> None:
    Payment.objects.filter(pk=completed.payment_id).update(
        status="manual_review", former_status="settled", review_reason=reason, review_since=clock.now()
    )

    with refused("under_review"):
        refund(completed)
