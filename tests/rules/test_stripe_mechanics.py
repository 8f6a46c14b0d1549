"""How money is asked of Stripe: destination charges, deterministic keys, ids kept, cards saved (P2)."""

import re
from datetime import timedelta
from typing import Any

import pytest

from bookings.models import Booking
from bookings.operations import cancel_booking, reschedule_booking
from instainstru import clock
from payments import operations as payments
from payments.gateway import client
from payments.models import Payer, Step
from tests.factories import UserFactory
from tests.rules.standing import payment_of, refused
from tests.stage import Stage

HOUR = timedelta(hours=1)
MOVES_MONEY = re.compile(r"/v1/(payment_intents|transfers|refunds)")


def money_calls(stage: Stage) -> list[dict[str, Any]]:
    """Return the calls that moved money, or could have, in order."""
    return [request for request in stage.simulator.requests() if MOVES_MONEY.match(request["path"])]


def at_stripe(path: str) -> dict[str, Any]:
    return client.get(path)


def everything_that_may_happen(stage: Stage) -> list[Booking]:
    """A lesson taken, one cancelled late, one moved late and cancelled by its instructor; the first two on credit."""
    stage.give_credit(20_000)
    taken = stage.book(hours_ahead=72, credits=9_000)
    late = stage.book(hours_ahead=74, credits=9_000)
    moved = stage.book(hours_ahead=76)
    stage.travel_to(moved.starts_at - 14 * HOUR)
    reschedule_booking(booking=moved, actor=stage.student, new_starts_at=moved.starts_at + 48 * HOUR, now=clock.now())
    cancel_booking(booking=moved, actor=stage.instructor, now=clock.now())
    stage.travel_to(late.starts_at - 6 * HOUR)
    cancel_booking(booking=late, actor=stage.student, now=clock.now())
    stage.travel_to(taken.ends_at + 24 * HOUR, run_what_is_due_then=True)
    return [taken, late, moved]


@pytest.mark.rule("P2.1")
def test_a_charge_carries_the_payout_to_the_instructor_and_no_more(stage: Stage) -> None:
    booking = stage.book(hours_ahead=20)

    payment = payment_of(booking)
    intent = at_stripe(f"/v1/payment_intents/{payment.intent_id}")
    assert (intent["amount"], intent["capture_method"]) == (13_440, "manual")
    assert intent["transfer_data"] == {"destination": payment.payee.account_id, "amount": 10_560}  # TR = min(PI, P)
    assert (intent["on_behalf_of"], intent["application_fee_amount"]) == (None, None)


@pytest.mark.rule("P2.1")
@pytest.mark.rule("P5.5")
def test_with_credits_the_charge_carries_what_there_is_and_a_transfer_the_rest(stage: Stage) -> None:
    stage.give_credit(12_000)
    booking = stage.book(hours_ahead=20, credits=12_000)
    stage.travel_to(booking.ends_at + 24 * HOUR, run_what_is_due_then=True)

    payment = payment_of(booking)
    intent = at_stripe(f"/v1/payment_intents/{payment.intent_id}")
    assert (intent["amount_received"], intent["transfer_data"]["amount"]) == (1_440, 1_440)
    transfers = at_stripe(f"/v1/transfers?transfer_group={booking.ref}")["data"]
    assert [transfer["amount"] for transfer in transfers] == [9_120, 1_440]  # the latest first


@pytest.mark.rule("P2.2")
def test_a_late_move_authorizes_captures_and_reverses(stage: Stage) -> None:
    booking = stage.book(hours_ahead=72)
    stage.stand_at(booking.starts_at - 18 * HOUR)
    reschedule_booking(
        booking=booking, actor=stage.student, new_starts_at=booking.starts_at + 48 * HOUR, now=clock.now()
    )
    cancel_booking(booking=booking, actor=stage.instructor, now=clock.now())

    payment = payment_of(booking)
    assert [request["path"] for request in money_calls(stage)] == [
        "/v1/payment_intents",
        f"/v1/payment_intents/{payment.intent_id}/capture",
        f"/v1/transfers/{payment.transfer_id}/reversals",
        "/v1/refunds",
    ]


@pytest.mark.rule("P2.3")
def test_every_call_that_moves_money_has_a_key_made_of_booking_operation_and_attempt(stage: Stage) -> None:
    first = everything_that_may_happen(stage)
    keys = [request["idempotency_key"] for request in money_calls(stage)]
    assert len(keys) == len(set(keys))
    stage.simulator.forget_requests()

    again = everything_that_may_happen(stage)

    names = {booking.ref: str(number) for number, booking in enumerate(first)}
    names_again = {booking.ref: str(number) for number, booking in enumerate(again)}

    def with_numbers(key: str, names: dict[str, str]) -> str:
        booking, rest = key.split("/", maxsplit=1)
        return f"{names[booking]}/{rest}"

    # The same story has the same keys, but for the bookings' own names: no clock, nothing random.
    keys_again = [request["idempotency_key"] for request in money_calls(stage)]
    assert [with_numbers(key, names) for key in keys] == [with_numbers(key, names_again) for key in keys_again]


@pytest.mark.rule("P2.3")
@pytest.mark.rule("P10.4")
def test_a_call_without_an_answer_is_repeated_with_its_key_and_has_effect_once(stage: Stage) -> None:
    booking = stage.book(hours_ahead=72)
    stage.travel_to(booking.starts_at - 25 * HOUR)
    stage.simulator.order_fault("authorize", "lost_answer", times=3)
    stage.travel_to(booking.starts_at - 23 * HOUR)

    calls = money_calls(stage)
    assert len(calls) == 4
    assert len({call["idempotency_key"] for call in calls}) == 1
    assert [call["effect"] for call in calls].count(True) == 1


@pytest.mark.rule("P2.3")
def test_after_a_definite_no_the_next_attempt_has_a_key_of_its_own(stage: Stage, staff: object) -> None:
    booking = stage.book(hours_ahead=72)
    stage.travel_to(booking.starts_at - 6 * HOUR)
    stage.simulator.order_fault("payout", "refuse")
    cancel_booking(booking=booking, actor=stage.student, now=clock.now())
    payments.perform(payments.retry_stuck(payment_id=booking.payment_id, actor=stage.student, now=clock.now()))

    refused_key, paid_key = [call["idempotency_key"] for call in money_calls(stage) if call["path"] == "/v1/transfers"]
    assert refused_key.removesuffix("/1") == paid_key.removesuffix("/2")


@pytest.mark.rule("P2.4")
def test_every_success_keeps_the_id_of_its_object(stage: Stage) -> None:
    taken, late, _ = everything_that_may_happen(stage)

    succeeded = Step.objects.filter(state=Step.State.SUCCEEDED)
    prefix = {"authorize": "pi_", "capture": "pi_", "reverse": "trr_", "pay": "tr_", "refund": "re_"}
    assert {step.call for step in succeeded} == prefix.keys()
    assert all(step.object_id.startswith(prefix[step.call]) for step in succeeded)
    for booking in (taken, late):
        payment = payment_of(booking)
        assert (payment.intent_id[:3], payment.charge_id[:3], payment.transfer_id[:3]) == ("pi_", "ch_", "tr_")


@pytest.mark.rule("P2.5")
def test_without_a_saved_card_nothing_can_be_booked(stage: Stage) -> None:
    newcomer = UserFactory()

    with refused("payment_method_required"):
        stage.book(hours_ahead=72, student=newcomer)
    setup = payments.begin_card_setup(student=newcomer)
    with refused("payment_method_required"):  # begun is not saved
        stage.book(hours_ahead=72, student=newcomer)
    with refused("payment_method_required"):  # nobody saves somebody else's setup
        payments.save_card(student=stage.student, setup_id=setup.id, now=clock.now())


@pytest.mark.rule("P2.5")
def test_a_card_is_saved_for_charges_off_session(stage: Stage) -> None:
    newcomer = UserFactory()
    setup = payments.begin_card_setup(student=newcomer)
    payments.confirm_card_setup(
        student=newcomer, setup_id=setup.id, payment_method="pm_card_visa", return_url="http://127.0.0.1/"
    )
    payer: Payer = payments.save_card(student=newcomer, setup_id=setup.id, now=clock.now())

    assert at_stripe(f"/v1/setup_intents/{setup.id}")["usage"] == "off_session"
    assert payer.has_card
    assert payer.card_last4 == "4242"


@pytest.mark.rule("P2.6")
def test_what_stripe_says_of_a_holds_end_is_kept(stage: Stage) -> None:
    booking = stage.book(hours_ahead=20)

    (hold,) = stage.simulator.live_holds()

    lapses_at = payment_of(booking).capture_before
    assert lapses_at is not None
    assert lapses_at.timestamp() == hold["capture_before"]
