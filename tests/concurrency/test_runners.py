"""Several run what one would: sweeps, completers, and a runner that has lost its lease (design 4)."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from functools import partial

import pytest
from django.test import override_settings

from bookings.models import Booking
from instainstru import clock
from instainstru.celery import app
from payments import operations as payments
from payments import tasks
from payments.models import Operation, Payment
from payments.policy.plan import CreditMoves
from payments.policy.states import Action, Call, Party
from tests.concurrency.meeting import at_once, effects_at_stripe, meet_at_stripe
from tests.rules.standing import Money, credits_of, money_of, stands
from tests.stage import Stage

RUNNERS = 4
DUE = 12


@pytest.fixture
def eagerly() -> Iterator[None]:
    """Let a sweep run the tasks that it starts, in its own thread; their errors are its own."""
    app.conf.task_always_eager = app.conf.task_eager_propagates = True
    yield
    app.conf.task_always_eager = app.conf.task_eager_propagates = False


@pytest.fixture
def late_cancellation(stage: Stage) -> Operation:
    """Begun and left by a worker that died at once, a lease ago: capture, reverse and half a payout (P7.3)."""
    booking = stage.book(hours_ahead=18)
    stage.stand_at(booking.starts_at - timedelta(hours=6))
    with override_settings(OPERATION_LEASE=timedelta(minutes=-1)):
        begun = payments.begin(
            kind=Action.STUDENT_CANCEL,
            payment_id=booking.payment_id,
            party=Party.STUDENT,
            actor=stage.student,
            now=clock.now(),
        )
    return Operation.objects.get(pk=begun.pk)


def is_carried_out_once(stage: Stage, operation: Operation) -> bool:
    booking = Booking.objects.get(payment=operation.payment)
    assert stands(booking) == ("cancelled", "settled", "student_cancel_lt12_split_50_50")
    assert money_of(booking) == Money(charged=13_440, instructor=5_280)
    assert credits_of(booking) == CreditMoves(issued=6_000)
    assert effects_at_stripe(stage.simulator, booking) == {"authorize": 1, "capture": 1, "reverse": 1, "payout": 1}
    return True


@pytest.mark.rule("P5.5")
def test_sweeps_at_once_settle_each_payment_once(stage: Stage, eagerly: None) -> None:
    lessons = [stage.book(hours_ahead=20 - hour) for hour in range(DUE)]
    stage.stand_at(lessons[0].ends_at + timedelta(hours=24))

    at_once([tasks.sweep_settlements_due] * RUNNERS)

    assert Counter(Payment.objects.values_list("status", "claimed_until")) == {("settled", None): DUE}
    assert Operation.objects.filter(kind=Action.SETTLE).count() == DUE
    for lesson in lessons:
        assert effects_at_stripe(stage.simulator, lesson) == {"authorize": 1, "capture": 1}


@pytest.mark.rule("P10.4")
def test_two_completers_carry_an_operation_out_once(stage: Stage, late_cancellation: Operation) -> None:
    at_once([partial(tasks.continue_operation, operation_id=late_cancellation.pk)] * RUNNERS)

    assert is_carried_out_once(stage, late_cancellation)


@pytest.mark.rule("P10.4")
def test_completers_and_sweeps_and_a_client_meet(stage: Stage, late_cancellation: Operation, eagerly: None) -> None:
    at_once(
        [tasks.sweep_unfinished_operations] * RUNNERS
        + [lambda: payments.perform(Operation.objects.get(pk=late_cancellation.pk))] * RUNNERS
    )

    assert is_carried_out_once(stage, late_cancellation)


@pytest.mark.rule("P2.3")
@pytest.mark.rule("P10.4")
@pytest.mark.parametrize(
    ("call", "fault_of"), [(Call.CAPTURE, "capture"), (Call.REVERSE, "reverse"), (Call.PAY, "payout")]
)
def test_runners_that_lost_their_lease_send_one_key_and_record_one_answer(
    stage: Stage, late_cancellation: Operation, monkeypatch: pytest.MonkeyPatch, call: Call, fault_of: str
) -> None:
    """The lease only spares work: with one that is over when it begins, both come to the call that had no answer."""
    stage.simulator.order_fault(fault_of, "timeout_before")
    assert not payments.perform(late_cancellation).is_done
    stage.stand_at(clock.now() + timedelta(minutes=1))  # its repeat is due
    meet_at_stripe(monkeypatch, call, parties=2)

    with override_settings(OPERATION_LEASE=timedelta(minutes=-1)):
        at_once([partial(tasks.continue_operation, operation_id=late_cancellation.pk)] * 2)

    assert is_carried_out_once(stage, late_cancellation)
