"""Staff refund what a card has paid: how much, who bears it, once on purpose, and what Stripe may refuse (P8.6)."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from bookings.models import Booking
from bookings.operations import cancel_booking, reschedule_booking
from instainstru import clock
from instainstru.accounts.models import User
from payments import operations as payments
from payments.ledger import books
from payments.models import Operation, Payment
from payments.policy.accounts import Account
from payments.policy.states import Action, Bearer
from tests.money import assert_balances
from tests.rules.standing import payment_of, refused, stands
from tests.stage import Stage

pytestmark = pytest.mark.usefixtures("books_stay_right")

HOUR = timedelta(hours=1)
PI, P, TOP = 8_440, 10_560, 2_120  # of a lesson for 120.00 with 50.00 of credit; Stripe takes 2.75 of the charge
REFUNDED = ("completed", "settled", "admin_refund")
COMPLETED = ("completed", "settled", "lesson_completed_full_payout")

Refund = Callable[..., Operation]


@pytest.fixture
def completed(stage: Stage) -> Booking:
    """A lesson with 50.00 of credit, settled: the charge's transfer of 84.40 and a top-up of 21.20."""
    stage.give_credit(5_000)
    booking = stage.book(hours_ahead=72, credits=5_000)
    stage.travel_to(booking.ends_at + 24 * HOUR, run_what_is_due_then=True)
    assert_balances(stage, card=PI, instructor=P, platform=-2_395, fees=275)
    return booking


@pytest.fixture
def refund(staff: User) -> Refund:
    """Refund a booking; all that is left and at the platform's cost, unless told otherwise."""

    def by_staff(booking: Booking, cents: int | None = None, *, borne_by: str = "platform", **how: object) -> Operation:
        return payments.refund_by_staff(
            payment_id=booking.payment_id,
            actor=staff,
            cents=cents,
            bearer=Bearer(borne_by),
            reason="The lesson was cut short.",
            now=clock.now(),
            **how,
        )

    return by_staff


def retry(booking: Booking, staff: User) -> None:
    payments.perform(payments.retry_stuck(payment_id=booking.payment_id, actor=staff, now=clock.now()))


def give_up(booking: Booking, staff: User) -> None:
    ended = payments.resolve_stuck(payment_id=booking.payment_id, actor=staff, note="It will not.", now=clock.now())
    payments.perform(ended)


def asked(stage: Stage, call: str) -> list[tuple[str, int]]:
    """Return the keys of the POSTs of a kind, with their status."""
    return [
        (entry["idempotency_key"], entry["status"]) for entry in stage.simulator.requests() if entry["call"] == call
    ]


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
