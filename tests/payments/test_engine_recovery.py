"""When Stripe's answer is missing, too old to be repeated, or overtakes the plan (P10.4, design 4)."""

from datetime import timedelta

import pytest

from bookings.models import Booking
from bookings.operations import cancel_booking
from instainstru import clock
from payments import engine, tasks
from payments.models import Operation, Payment, Step
from payments.operations import lifecycle
from payments.policy.states import Action, Call
from payments.simulator import Server
from tests.money import assert_balances
from tests.stage import Stage

HOUR, MINUTE, DAY = timedelta(hours=1), timedelta(minutes=1), timedelta(days=1)
COMPLETED = {"card": 13_440, "instructor": 10_560, "platform": 2_460, "fees": 420}


class Died(BaseException):
    """The process ends here; nothing may catch it."""


def open_settlement(stage: Stage, booking: Booking) -> Operation:
    """Travel to the settlement, whose capture gets no answer."""
    stage.travel_to(booking.ends_at + 24 * HOUR, run_what_is_due_then=True)
    return Operation.objects.open().get(payment_id=booking.payment_id)


def keys_asked(stage: Stage, call: str) -> list[str]:
    return [entry["idempotency_key"] for entry in stage.simulator.requests() if entry["call"] == call]


def steps_of(operation: Operation, call: Call) -> list[tuple[int, str]]:
    return list(operation.steps.filter(call=call).order_by("attempt").values_list("attempt", "state"))


def let_the_key_age(operation: Operation) -> None:
    """More than 23 hours of the machine's time have passed since the open step was first sent."""
    sent = operation.steps.filter(state=Step.State.SENT)
    assert sent.update(first_sent_at=clock.wall() - engine.KEYS_AGE_AFTER - MINUTE) == 1


# --- No answer ----------------------------------------------------------------------------------------------------


@pytest.mark.rule("P10.4")
def test_a_call_without_an_answer_is_repeated_after_1_5_and_15_minutes_with_the_same_key(stage: Stage) -> None:
    booking = stage.book(hours_ahead=72)
    stage.simulator.order_fault("capture", "timeout_before", times=6)
    open_settlement(stage, booking)

    sent_at, repeated = clock.now(), []
    while operation := Operation.objects.open().first():
        step = operation.steps.get(state=Step.State.SENT)
        assert (step.times_sent, step.unknown_because[:9]) == (len(repeated) + 1, "no answer")
        assert Payment.objects.get(pk=booking.payment_id).status == "authorized"  # until an answer is known
        repeated.append(operation.resume_at - sent_at)
        stage.travel_to(operation.resume_at, run_what_is_due_then=True)

    assert repeated == [minutes * MINUTE for minutes in (1, 5, 15, 30, 45, 60)]
    (key,) = set(keys_asked(stage, "capture"))
    assert key.endswith("/1-capture/1")
    assert Step.objects.get(idempotency_key=key).times_sent == 7
    assert_balances(stage, **COMPLETED)


@pytest.mark.rule("P10.4")
@pytest.mark.parametrize("silence", ["lost_answer", "error_500", "error_429", "timeout_before"])
@pytest.mark.parametrize("call", ["authorize", "capture", "reverse", "payout"])
def test_whatever_the_silence_each_call_takes_effect_once(stage: Stage, call: str, silence: str) -> None:
    booking = stage.book(hours_ahead=72)
    stage.stand_at(booking.starts_at - 6 * HOUR)
    stage.simulator.order_fault(call, silence)

    operation = cancel_booking(booking=booking, actor=stage.student, now=clock.now())  # authorizes first (P7.8)
    assert operation.state == "open"
    stage.travel(minutes=1)
    assert Operation.objects.open().exists()
    stage.travel(minutes=1)

    assert_balances(stage, card=13_440, student_credit=6_000, instructor=5_280, platform=7_740, fees=420)
    effects = [entry["call"] for entry in stage.simulator.requests() if entry["effect"]]
    assert effects[-4:] == ["authorize", "capture", "reverse", "payout"]
    assert {step.attempt for step in operation.steps.all()} == {1}


# --- An answer that will never come -------------------------------------------------------------------------------


@pytest.mark.rule("P10.4")
@pytest.mark.parametrize("call", ["authorize", "capture", "reverse", "payout"])
def test_a_500_from_a_keys_memory_is_looked_up_and_the_call_made_anew(stage: Stage, call: str) -> None:
    booking = stage.book(hours_ahead=72)
    stage.stand_at(booking.starts_at - 6 * HOUR)
    stage.simulator.order_fault(call, "stored_500")
    operation = cancel_booking(booking=booking, actor=stage.student, now=clock.now())
    ours = Call.PAY if call == "payout" else Call(call)
    assert steps_of(operation, ours) == [(1, "sent")]  # the first 500 may yet have been a yes

    stage.travel(minutes=2)

    assert steps_of(operation, ours) == [(1, "absent"), (2, "succeeded")]
    first, again, anew = keys_asked(stage, call)
    assert first == again
    assert anew == first.removesuffix("/1") + "/2"
    assert_balances(stage, card=13_440, student_credit=6_000, instructor=5_280, platform=7_740, fees=420)


@pytest.mark.rule("P10.4")
def test_an_aged_key_is_not_repeated_where_the_effect_is_found(stage: Stage) -> None:
    booking = stage.book(hours_ahead=72)
    stage.simulator.order_fault("capture", "lost_answer")
    operation = open_settlement(stage, booking)
    let_the_key_age(operation)

    stage.travel(minutes=2)

    assert steps_of(operation, Call.CAPTURE) == [(1, "succeeded")]
    assert len(keys_asked(stage, "capture")) == 1
    assert_balances(stage, **COMPLETED)


@pytest.mark.rule("P10.4")
def test_an_aged_key_whose_call_had_no_effect_gives_way_to_another(stage: Stage) -> None:
    booking = stage.book(hours_ahead=72)
    stage.simulator.order_fault("capture", "timeout_before")
    operation = open_settlement(stage, booking)
    let_the_key_age(operation)

    stage.travel(minutes=2)

    assert steps_of(operation, Call.CAPTURE) == [(1, "absent"), (2, "succeeded")]
    assert [key[-2:] for key in keys_asked(stage, "capture")] == ["/1", "/2"]
    assert_balances(stage, **COMPLETED)


@pytest.mark.rule("P10.4")
def test_a_look_up_without_an_answer_waits_like_any_other_call(stage: Stage) -> None:
    booking = stage.book(hours_ahead=72)
    stage.simulator.order_fault("capture", "lost_answer")
    operation = open_settlement(stage, booking)
    let_the_key_age(operation)
    stage.simulator.order_fault("read", "error_500")

    stage.travel(minutes=2)
    assert steps_of(operation, Call.CAPTURE) == [(1, "sent")]
    stage.travel(minutes=10)

    assert steps_of(operation, Call.CAPTURE) == [(1, "succeeded")]
    assert_balances(stage, **COMPLETED)


# --- An answer that overtakes the plan ----------------------------------------------------------------------------


def let_the_hold_lapse_unseen(stage: Stage, booking: Booking) -> None:
    """Eight days without clockwork, and then a worker settles before the sweep has looked for lapsed holds."""
    stage.travel_to(booking.starts_at - 24 * HOUR, run_what_is_due_then=True)
    stage.stand_at(clock.now() + 8 * DAY)
    assert stage.simulator.live_holds() == []


@pytest.mark.rule("P2.6")
@pytest.mark.rule("P10.2")
def test_a_hold_that_lapsed_is_known_to_have_and_the_card_is_held_anew(stage: Stage, simulator: Server) -> None:
    with simulator.core.unit():
        simulator.core.settings.change({"hold_seconds": 24 * 60 * 60})
    booking = stage.book(hours_ahead=72)

    stage.travel_to(booking.starts_at, run_what_is_due_then=True)
    payment = Payment.objects.get(pk=booking.payment_id)
    assert (payment.status, payment.authorized_cents, payment.capture_before) == ("authorized", 0, None)
    stage.travel_to(booking.ends_at + 24 * HOUR, run_what_is_due_then=True)

    settlement = Operation.objects.get(kind=Action.SETTLE)
    assert list(settlement.steps.order_by("ordinal").values_list("call", "state")) == [
        ("authorize", "succeeded"),
        ("capture", "succeeded"),
    ]
    assert_balances(stage, **COMPLETED)


@pytest.mark.rule("P2.6")
@pytest.mark.rule("P10.2")
def test_a_hold_that_is_found_lapsed_is_replaced_by_the_operation_that_goes_on(stage: Stage) -> None:
    booking = stage.book(hours_ahead=72)
    let_the_hold_lapse_unseen(stage, booking)

    tasks.begin_due(payment_id=booking.payment_id, kind=Action.SETTLE)

    lapsed, anew = Operation.objects.filter(kind=Action.SETTLE).order_by("number")
    assert steps_of(lapsed, Call.CAPTURE) == [(1, "refused")]
    assert list(anew.steps.order_by("ordinal").values_list("call", "state")) == [
        ("authorize", "succeeded"),
        ("capture", "succeeded"),
    ]
    assert anew.succeeds == lapsed
    assert anew.accepted_at == lapsed.accepted_at  # decided as of the same instant
    assert_balances(stage, **COMPLETED)


def test_a_successor_is_written_in_the_commit_that_ends_the_first(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    booking = stage.book(hours_ahead=72)
    let_the_hold_lapse_unseen(stage, booking)
    finish = lifecycle._finish

    def finish_and_die(*args: object, **kwargs: object) -> None:
        finish(*args, **kwargs)
        raise Died

    monkeypatch.setattr(lifecycle, "_finish", finish_and_die)
    with pytest.raises(Died):
        tasks.begin_due(payment_id=booking.payment_id, kind=Action.SETTLE)
    monkeypatch.undo()

    anew = Operation.objects.open().get()
    assert anew.succeeds.is_done
    assert list(anew.steps.order_by("ordinal").values_list("state", flat=True)) == ["sent", "planned"]
    stage.travel(minutes=1)  # nobody holds it, so that the sweep goes on at once
    assert_balances(stage, **COMPLETED)
