"""When the card is refused after the lesson: 72 hours, the advance, the debt, and paying later (P10.2)."""

from datetime import timedelta

import pytest

from bookings.models import Booking
from bookings.operations import confirm_payment, pay_now
from instainstru import clock
from instainstru.notifications.models import Message
from payments import operations as payments
from payments.ledger import books
from payments.models import Operation
from payments.policy.accounts import Account
from payments.policy.plan import CreditMoves
from payments.policy.states import Action
from tests.rules.standing import Money, credits_of, money_of, payment_of, refused, stands
from tests.stage import Stage

HOUR = timedelta(hours=1)
PI, P = 8_440, 10_560  # of a lesson for 120.00 with 50.00 of credit
ADVANCED = ("completed", "manual_review", "collection_failed")


@pytest.fixture
def booking(stage: Stage) -> Booking:
    """A lesson with 50.00 of credit whose capture and every new hold will be refused; the clock is at its end."""
    stage.give_credit(5_000)
    booked = stage.book(hours_ahead=72, credits=5_000)
    stage.travel_to(booked.ends_at)
    stage.simulator.order_fault("capture", "refuse", times="always")
    stage.simulator.order_fault("authorize", "refuse", times="always")
    return booked


@pytest.fixture
def advanced(stage: Stage, booking: Booking) -> Booking:
    stage.travel_to(booking.ends_at + 96 * HOUR, run_what_is_due_then=True)
    assert stands(booking) == ADVANCED
    return booking


def relent(stage: Stage) -> None:
    """Let Stripe say yes again."""
    stage.simulator.order_fault("capture", "none")
    stage.simulator.order_fault("authorize", "none")


def debt(stage: Stage) -> int:
    return books.balance(Account.RECEIVABLE, owner_id=stage.student.pk)


def tries(booking: Booking) -> list[float]:
    """Return how many hours after the end our clockwork tried to collect."""
    asked = Operation.objects.filter(payment_id=booking.payment_id, kind=Action.SETTLE).order_by("number")
    return [(operation.accepted_at - booking.ends_at) / HOUR for operation in asked]


@pytest.mark.rule("P10.2")
def test_it_is_tried_every_4_hours_for_72(stage: Stage, booking: Booking) -> None:
    stage.travel_to(booking.ends_at + 96 * HOUR)
    assert stands(booking) == ("completed", "payment_method_required", "")
    assert money_of(booking).instructor == 0

    stage.travel_to(booking.ends_at + 96 * HOUR, run_what_is_due_then=True)

    assert tries(booking) == list(range(24, 97, 4))
    assert Message.objects.filter(key="authorization_failed", reference=booking.ref).count() == len(tries(booking))


@pytest.mark.rule("P10.2")
def test_then_the_platform_pays_the_instructor_and_the_student_owes(
    stage: Stage, advanced: Booking, staff: object
) -> None:
    payment = payment_of(advanced)

    assert payment.settlement_outcome == "capture_failure_instructor_paid"
    assert money_of(advanced) == Money(instructor=P)
    assert credits_of(advanced) == CreditMoves(consumed=5_000)
    assert (payment.owed_cents, debt(stage)) == (PI, PI)
    assert Message.objects.filter(recipient=stage.student, key="account_locked").exists()
    with refused("account_locked"):
        stage.book(hours_ahead=72)
    stage.travel(days=9)
    assert stands(advanced) == ADVANCED  # nothing more is tried by itself


@pytest.mark.rule("P10.2")
def test_paying_later_is_a_plain_charge_that_clears_everything(stage: Stage, advanced: Booking) -> None:
    stage.travel(days=30)
    relent(stage)
    stage.simulator.forget_requests()

    payments.retry_unpaid(student=stage.student, now=clock.now())

    (charge,) = stage.simulator.requests()
    assert charge["path"] == "/v1/payment_intents"
    assert "transfer_data" not in charge["request"]
    assert stands(advanced) == ("completed", "settled", "capture_failure_instructor_paid")
    assert money_of(advanced) == Money(charged=PI, instructor=P)
    assert debt(stage) == 0
    assert stage.book(hours_ahead=72).status == "confirmed"
    with refused("already_settled"):
        pay_now(booking=Booking.objects.get(pk=advanced.pk), actor=stage.student, now=clock.now())


@pytest.mark.rule("P10.2")
def test_another_debt_keeps_the_account_locked(stage: Stage, advanced: Booking) -> None:
    relent(stage)
    payments.retry_unpaid(student=stage.student, now=clock.now())
    other = Booking.objects.get(pk=stage.book(hours_ahead=30, credits=0).pk)
    stage.travel_to(other.ends_at)
    stage.simulator.order_fault("capture", "refuse", times="always")
    stage.travel_to(other.ends_at + 96 * HOUR, run_what_is_due_then=True)

    assert payment_of(advanced).payer.is_locked
    assert debt(stage) == 13_440
    pay_now(booking=Booking.objects.get(pk=other.pk), actor=stage.student, now=clock.now())
    assert not payment_of(advanced).payer.is_locked


@pytest.mark.rule("P10.2")
def test_a_card_that_still_refuses_leaves_the_debt(stage: Stage, advanced: Booking) -> None:
    relent(stage)
    stage.use_card("declined")

    operation = pay_now(booking=Booking.objects.get(pk=advanced.pk), actor=stage.student, now=clock.now())

    assert operation.refusal_code == "card_declined"
    assert stands(advanced) == ADVANCED
    assert debt(stage) == PI


@pytest.mark.rule("P10.2")
def test_a_card_given_while_another_is_being_tried_pays_the_debt(stage: Stage, advanced: Booking) -> None:
    """Found by the simulation, seed 20267: the new card waited for its turn, which never came."""
    relent(stage)
    stage.use_card("declined")
    stage.simulator.order_fault("authorize", "timeout_before", times=2)
    payments.retry_unpaid(student=stage.student, now=clock.now())
    stage.use_card("ok")
    payments.retry_unpaid(student=stage.student, now=clock.now())
    assert stands(advanced) == ADVANCED

    stage.travel(minutes=6)

    assert stands(advanced) == ("completed", "settled", "capture_failure_instructor_paid")
    assert debt(stage) == 0
    assert not Operation.objects.in_flight().exists()
    assert stage.disorder() == []


@pytest.mark.rule("P10.2")
def test_a_debt_may_be_confirmed_at_the_bank(stage: Stage, advanced: Booking) -> None:
    relent(stage)
    stage.use_card("requires_3ds")

    operation = pay_now(booking=Booking.objects.get(pk=advanced.pk), actor=stage.student, now=clock.now())
    assert operation.refusal_code == "authentication_required"
    assert debt(stage) == PI
    stage.simulator.finish_3ds(payment_of(advanced).pending_intent_id)
    confirm_payment(booking=Booking.objects.get(pk=advanced.pk), actor=stage.student, now=clock.now())

    assert stands(advanced) == ("completed", "settled", "capture_failure_instructor_paid")
    assert debt(stage) == 0


@pytest.mark.rule("P10.2")
def test_a_new_card_within_the_72_hours_settles_at_once(stage: Stage, booking: Booking) -> None:
    stage.travel_to(booking.ends_at + 30 * HOUR)
    relent(stage)

    payments.retry_unpaid(student=stage.student, now=clock.now())

    assert stands(booking) == ("completed", "settled", "lesson_completed_full_payout")
    assert money_of(booking) == Money(charged=PI, instructor=P)


@pytest.mark.rule("P10.2")
def test_a_collection_may_be_confirmed_at_the_bank(stage: Stage) -> None:
    booking = stage.book(hours_ahead=72)
    stage.use_card("requires_3ds")
    stage.stand_at(booking.starts_at + HOUR / 2)  # our clockwork was down until the lesson
    stage.travel_to(booking.ends_at + 25 * HOUR)
    assert stands(booking) == ("completed", "payment_method_required", "")

    operation = pay_now(booking=Booking.objects.get(pk=booking.pk), actor=stage.student, now=clock.now())
    assert operation.refusal_code == "authentication_required"
    stage.simulator.finish_3ds(payment_of(booking).pending_intent_id)
    confirm_payment(booking=Booking.objects.get(pk=booking.pk), actor=stage.student, now=clock.now())
    stage.travel(minutes=1)

    assert stands(booking) == ("completed", "settled", "lesson_completed_full_payout")


@pytest.mark.rule("P10.2")
@pytest.mark.rule("P2.6")
def test_a_hold_that_has_lapsed_is_replaced(stage: Stage) -> None:
    booking = stage.book(hours_ahead=72)
    stage.travel_to(booking.starts_at - 1 * HOUR)
    assert payment_of(booking).capture_before > booking.ends_at + 24 * HOUR

    stage.stand_at(payment_of(booking).capture_before + HOUR)  # our clockwork was down until Stripe let it go
    stage.travel_to(clock.now(), run_what_is_due_then=True)

    assert stands(booking) == ("completed", "settled", "lesson_completed_full_payout")
    assert money_of(booking) == Money(charged=13_440, instructor=10_560)


@pytest.mark.rule("P10.2")
@pytest.mark.rule("P4.5")
def test_what_the_instructors_account_caused_is_never_the_students_fault(stage: Stage) -> None:
    booking = stage.book(hours_ahead=72)
    account = payment_of(booking).payee.account_id
    stage.simulator.make_unpayable(account)

    stage.travel_to(booking.starts_at - 23 * HOUR)

    assert stands(booking) == ("confirmed", "manual_review", "payee_unpayable")
    assert not Message.objects.filter(recipient=stage.student, key="authorization_failed").exists()
    assert not payment_of(booking).payer.is_locked
    stage.simulator.make_payable(account)
    payments.perform(payments.retry_stuck(payment_id=booking.payment_id, actor=stage.instructor, now=clock.now()))
    assert stands(booking) == ("confirmed", "authorized", "")


@pytest.mark.rule("P10.2")
def test_a_checkout_with_an_unpayable_instructor_is_given_up(stage: Stage) -> None:
    booking = stage.book(hours_ahead=72)
    stage.simulator.make_unpayable(payment_of(booking).payee.account_id)

    with refused("slot_unavailable"):
        stage.book(hours_ahead=20)

    given_up = Booking.objects.exclude(pk=booking.pk).get()
    assert stands(given_up) == ("cancelled", "settled", "payment_failed_no_charge")
    stage.simulator.make_payable(payment_of(booking).payee.account_id)
