"""However many cancel one booking, and whoever they are, it is cancelled once (P7.10)."""

from collections import Counter

import pytest

from bookings.operations import cancel_booking
from instainstru import clock
from payments.models import Operation
from payments.policy.plan import CreditMoves
from payments.policy.states import CANCELLATIONS
from tests.concurrency.meeting import at_once, effects_at_stripe
from tests.rules.standing import Money, credits_of, money_of, stands
from tests.stage import Stage

CROWD = 50


def cancellations() -> Counter[str]:
    return Counter(Operation.objects.filter(kind__in=CANCELLATIONS).values_list("kind", flat=True))


@pytest.mark.rule("P7.2")
@pytest.mark.rule("P7.10")
def test_fifty_cancel_one_booking_and_it_is_charged_once(stage: Stage) -> None:
    booking = stage.book(hours_ahead=18)

    answers = at_once([lambda: cancel_booking(booking=booking, actor=stage.student, now=clock.now())] * CROWD)

    assert {answer.pk for answer in answers} == {Operation.objects.get(kind="student_cancel").pk}
    assert cancellations() == {"student_cancel": 1}
    assert effects_at_stripe(stage.simulator, booking) == {"authorize": 1, "capture": 1, "reverse": 1}
    assert stands(booking) == ("cancelled", "settled", "student_cancel_12_24_full_credit")
    assert credits_of(booking) == CreditMoves(issued=12_000)


@pytest.mark.rule("P7.10")
@pytest.mark.parametrize("hours_ahead", [72, 18, 6])
def test_both_sides_cancel_at_once_and_the_first_one_counts(stage: Stage, hours_ahead: float) -> None:
    booking = stage.book(hours_ahead=hours_ahead)
    sides = [stage.student, stage.instructor] * 3

    answers = at_once(
        [lambda side=side: cancel_booking(booking=booking, actor=side, now=clock.now()) for side in sides]
    )

    assert len({answer.pk for answer in answers}) == 1
    assert cancellations().total() == 1
    (who,) = cancellations()
    if who == "instructor_cancel":
        assert stands(booking) == ("cancelled", "settled", "instructor_cancel_full_refund")
        assert money_of(booking) == Money()
    else:
        assert stands(booking)[2].startswith("student_cancel_")
        assert money_of(booking).refunded == 0
