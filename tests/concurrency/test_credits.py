"""Two checkouts never reserve the same cent, whatever else touches the wallet meanwhile (P9.2)."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import transaction
from django.db.models import Sum

from bookings.models import Booking
from bookings.operations import cancel_booking
from credits import operations as wallet
from credits import queries as credits
from credits.models import CreditLot, Reservation
from instainstru import clock
from payments import operations as payments
from payments.models import Operation
from tests.concurrency.boundaries import Boundaries
from tests.concurrency.meeting import at_once, wish
from tests.stage import Stage, make_service

BEFORE_ITS_COMMIT = 1  # of the boundaries of a single transaction, before which there is one


def reserved_and_available(stage: Stage) -> tuple[int, int]:
    """Return what the student has, after a look at the lots: they say the same as the bookings."""
    lots = {lot.pk: lot.reserved_cents for lot in CreditLot.objects.filter(reserved_cents__gt=0)}
    by_lot = Reservation.objects.values_list("lot").annotate(Sum("cents"))
    assert lots == dict(by_lot)
    balance = credits.balance_of(student_id=stage.student.pk, at=clock.now())
    return balance.reserved, balance.available


def refusals(answers: list[Operation | str]) -> Counter[str]:
    return Counter(answer for answer in answers if isinstance(answer, str))


@pytest.mark.rule("P9.2")
@pytest.mark.parametrize("checkouts", [2, 20])
@pytest.mark.parametrize("first_hour", [30, 1], ids=["no-card-asked", "cards-held"])
def test_credit_for_one_lesson_pays_for_one(stage: Stage, checkouts: int, first_hour: float) -> None:
    for cents, days in ((7_000, 20), (4_000, 90), (1_500, 40)):  # one lesson takes all of two lots and some of a third
        stage.give_credit(cents, lasts=timedelta(days=days))
    services = [stage.service, make_service(stage.simulator)]

    answers = at_once(
        [
            wish(services[number % 2], student=stage.student, hours_ahead=first_hour + number, credits=12_000)
            for number in range(checkouts)
        ]
    )

    assert refusals(answers) == {"credits_unavailable": checkouts - 1}
    assert reserved_and_available(stage) == (12_000, 500)
    assert Booking.objects.get().payment.credits_cents == 12_000


@pytest.mark.rule("P9.2")
def test_of_twenty_as_many_are_paid_by_credit_as_there_is_credit_for(stage: Stage) -> None:
    for days in range(1, 8):
        stage.give_credit(3_000, lasts=timedelta(days=days))

    answers = at_once(
        [wish(stage.service, student=stage.student, hours_ahead=30 + n, credits=5_000) for n in range(20)]
    )

    assert refusals(answers) == {"credits_unavailable": 16}
    assert reserved_and_available(stage) == (20_000, 1_000)


@pytest.mark.rule("P9.2")
@pytest.mark.rule("P9.3")
def test_credit_that_expires_while_it_is_reserved_is_either(stage: Stage) -> None:
    """Sweep and checkout both want the wallet and write about its owner: neither may stop the other."""
    for lasts in (1, 1, 500):
        stage.give_credit(2_000, lasts=timedelta(hours=lasts))
    stage.stand_at(clock.now() + timedelta(hours=1))

    answers = at_once(
        [wish(stage.service, student=stage.student, hours_ahead=30 + n, credits=500) for n in range(4)]
        + [lambda: payments.expire_credits(now=clock.now())] * 4
    )
    payments.expire_credits(now=clock.now())  # a wallet that was busy is left for the next sweep

    assert refusals(answers) == {}
    assert reserved_and_available(stage) == (2_000, 0)
    assert CreditLot.objects.aggregate(Sum("expired_cents"))["expired_cents__sum"] == 4_000


@pytest.mark.rule("P9.2")
def test_who_reserves_waits_for_whoever_is_at_the_wallet(stage: Stage) -> None:
    """Whatever else stands before it: seen before the other's commit, the same credit would be taken twice."""
    stage.give_credit(5_000)

    def reserve(reference: str) -> Callable[[], int]:
        @transaction.atomic
        def act() -> int:
            return wallet.reserve(student_id=stage.student.pk, reference=reference, cents=5_000, now=clock.now())

        return act

    answers = Boundaries().interrupt(reserve("bk_first"), reserve("bk_second"), at=BEFORE_ITS_COMMIT)

    assert answers == [5_000, "credits_unavailable"]
    assert reserved_and_available(stage) == (5_000, 0)
    with transaction.atomic():  # no payment stands for it
        wallet.use_reserved(
            student_id=stage.student.pk, reference="bk_first", released=5_000, consumed=0, forfeited=0, now=clock.now()
        )


@pytest.mark.rule("P9.2")
def test_credit_is_released_and_reserved_at_once(stage: Stage) -> None:
    stage.give_credit(6_000)
    earlier = stage.book(hours_ahead=30, credits=6_000)

    answers = at_once(
        [
            lambda: cancel_booking(booking=earlier, actor=stage.student, now=clock.now()),
            *[wish(stage.service, student=stage.student, hours_ahead=40 + n, credits=6_000) for n in range(3)],
        ]
    )

    reserved, available = reserved_and_available(stage)
    assert reserved + available == 6_000
    assert refusals(answers) == {"credits_unavailable": 2 if reserved else 3}
