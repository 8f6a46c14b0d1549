"""While a case is open no sweep moves the money, whatever the payment was doing before (P8.1, P4.3)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from django.forms.models import model_to_dict

from bookings.models import Booking
from bookings.operations.subject import BookingSubject
from instainstru.accounts.models import User
from instainstru.refusals import Refused
from payments import freezes, tasks
from payments.models import Payment
from payments.policy.states import Action, Party
from tests.crash.happenings import (
    HOUR,
    Given,
    Happening,
    at_the_cardholders_bank,
    booked,
    card,
    clockwork,
    disputed,
    fault,
    heard_from_the_bank,
    moves,
    reported,
    student_cancels,
    then,
    until,
    without_clockwork_until,
)
from tests.rules.standing import money_of, stands
from tests.stage import Stage

SHORTLY = timedelta(minutes=10)
AFTER_THE_START = {"before_start": -SHORTLY}  # while a report can still be made
LOCK = then(booked(credits=5_000), until(before_start=18 * HOUR), moves(72 * HOUR))

LIVES: dict[str, Given] = {
    "scheduled": then(booked(credits=5_000), without_clockwork_until(**AFTER_THE_START)),
    "authorized": then(booked(credits=12_000), until(**AFTER_THE_START)),
    "payment_method_required": then(
        booked(), card("declined"), without_clockwork_until(before_start=-SHORTLY / 2), clockwork
    ),
    "locked": then(LOCK, until(**AFTER_THE_START)),
    "stopped": then(booked(), until(before_start=18 * HOUR), fault("reverse", "refuse"), moves(72 * HOUR)),
    "collecting": then(booked(), until(before_start=20 * HOUR), card("declined"), fault("capture", "refuse", "always"),
                       until(after_end=25 * HOUR)),
    "advanced": then(booked(), until(before_start=20 * HOUR), card("declined"), fault("capture", "refuse", "always"),
                     until(after_end=100 * HOUR)),
    "settled": then(booked(credits=12_000), until(after_end=25 * HOUR)),
    "cancelled late": then(booked(), until(before_start=6 * HOUR), student_cancels),
}  # fmt: skip


def charged_back(stage: Stage, booking: Booking) -> None:
    at_the_cardholders_bank("opened")(stage, booking)
    heard_from_the_bank(stage, booking)


CASES: dict[str, tuple[Happening, list[str]]] = {
    "report": (reported(by=Party.STUDENT), ["scheduled", "authorized", "payment_method_required", "locked"]),
    "dispute": (disputed, [life for life in LIVES if life != "stopped"]),  # that lesson was moved and lies ahead
    "chargeback": (charged_back, ["locked", "stopped", "settled", "cancelled late"]),
}


@pytest.mark.rule("P8.1")
@pytest.mark.parametrize(
    ("life", "happens"),
    [pytest.param(life, happens, id=f"{case}, {life}") for case, (happens, lives) in CASES.items() for life in lives],
)
def test_no_sweep_sends_anything_while_a_case_is_open(
    stage: Stage, staff: User, life: str, happens: Callable[[Stage, Booking], object]
) -> None:
    booking = LIVES[life](stage)
    assert booking is not None
    beneath = Payment.objects.get(pk=booking.payment_id)
    happens(stage, booking)
    before = stands(booking), replace(money_of(booking), held=0)  # a hold lapses by itself (P2.6)
    stage.simulator.forget_requests()

    stage.travel(days=40)  # hopping from one sweep's instant to the next
    for kind in (Action.AUTHORIZE, Action.EXPIRE, Action.SETTLE):  # workers that had claimed it just before
        tasks.begin_due(payment_id=booking.payment_id, kind=kind)

    payment = Payment.objects.get(pk=booking.payment_id)
    assert stage.simulator.requests() == []
    assert (stands(booking), money_of(booking)) == before
    assert (payment.status, payment.kept_status) == ("manual_review", beneath.status)
    assert payment.former_status == (beneath.former_status or beneath.status)
    assert [payment.authorize_at, payment.expire_at, payment.warn_at, payment.settle_at] == [None] * 4


@pytest.mark.rule("P4.3")
def test_a_refused_decision_leaves_the_freeze_as_it_lay(stage: Stage) -> None:
    booking = LIVES["authorized"](stage)
    assert booking is not None
    reported(by=Party.STUDENT)(stage, booking)
    subject = BookingSubject(Booking.objects.get(pk=booking.pk))
    as_it_lay = model_to_dict(subject.payment)
    assert subject.payment.is_frozen

    with pytest.raises(Refused), freezes.lifted(subject.payment):
        assert not subject.payment.is_frozen
        raise Refused("lesson_started")

    assert model_to_dict(subject.payment) == as_it_lay
