"""Many want one time: of one instructor, or of one student (P5.3, P5.4)."""

from collections import Counter
from datetime import timedelta

import pytest

from bookings.models import Booking, OccupiedTime
from bookings.operations import reschedule_booking
from credits import queries as credits
from instainstru import clock
from payments import operations as payments
from payments.models import Operation
from payments.policy.states import Call
from tests.bookings.factories import PayerFactory
from tests.concurrency.meeting import at_once, effects_at_stripe, meet_at_stripe, students_with_a_card, wish
from tests.factories import UserFactory
from tests.stage import Stage, make_service

CROWD = 50
DAYS_AHEAD, HOURS_AHEAD = 72, 20  # only the second has to hold the card first (P5.1, P5.2)


def refusals(answers: list[Operation | str]) -> Counter[str]:
    return Counter(answer for answer in answers if isinstance(answer, str))


@pytest.mark.rule("P5.4")
def test_fifty_students_want_one_slot_and_one_has_it(stage: Stage) -> None:
    students = [PayerFactory(user=UserFactory()).user for _ in range(CROWD)]  # nobody's card is asked so far ahead

    answers = at_once([wish(stage.service, student=student, hours_ahead=DAYS_AHEAD) for student in students])

    assert refusals(answers) == {"slot_unavailable": CROWD - 1}
    assert Booking.objects.get().status == "confirmed"
    assert OccupiedTime.objects.count() == 1


@pytest.mark.rule("P5.3")
@pytest.mark.rule("P5.4")
def test_fifty_cards_are_held_for_one_slot_and_one_stays_held(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    students = students_with_a_card(CROWD)
    for student in students:
        payments.grant_credit(student=student, cents=5_000, source_key=f"grant:{student.pk}", now=clock.now())
    meet_at_stripe(monkeypatch, Call.AUTHORIZE, parties=CROWD)  # everybody is accepted before anybody is confirmed

    answers = at_once(
        [wish(stage.service, student=student, hours_ahead=HOURS_AHEAD, credits=5_000) for student in students]
    )

    assert refusals(answers) == {"slot_unavailable": CROWD - 1}
    assert Counter(Booking.objects.values_list("status", "payment__settlement_outcome")) == {
        ("confirmed", ""): 1,
        ("cancelled", "payment_failed_no_charge"): CROWD - 1,
    }
    winner = Booking.objects.get(status="confirmed")
    (hold,) = stage.simulator.live_holds()
    assert (hold["transfer_group"], hold["cents"]) == (winner.ref, 8_440)
    for booking in Booking.objects.exclude(pk=winner.pk):
        assert effects_at_stripe(stage.simulator, booking) == {"authorize": 1, "void": 1}
    balances = {student: credits.balance_of(student_id=student.pk, at=clock.now()) for student in students}
    assert {student: balance.reserved for student, balance in balances.items() if balance.reserved} == {
        winner.student: 5_000
    }
    assert sum(balance.available for balance in balances.values()) == (CROWD - 1) * 5_000


@pytest.mark.rule("P5.4")
@pytest.mark.parametrize("hours_ahead", [DAYS_AHEAD, HOURS_AHEAD])
def test_a_student_is_not_taught_by_two_at_one_time(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, hours_ahead: float
) -> None:
    services = [stage.service, make_service(stage.simulator), make_service(stage.simulator)]
    meet_at_stripe(monkeypatch, Call.AUTHORIZE, parties=len(services))

    answers = at_once(
        [
            wish(service, student=stage.student, hours_ahead=hours_ahead + later / 3)  # each overlaps each
            for later, service in enumerate(services)
        ]
    )

    assert refusals(answers) == {"slot_unavailable": 2}
    assert Booking.objects.get(status="confirmed").occupied_times.count() == OccupiedTime.objects.count() == 1


@pytest.mark.rule("P5.4")
@pytest.mark.parametrize("hours_ahead", [DAYS_AHEAD, HOURS_AHEAD])
@pytest.mark.parametrize(("minutes_between", "confirmed"), [(10, 1), (15, 2)])
def test_an_instructor_has_the_buffer_between_two_students(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, hours_ahead: float, minutes_between: int, confirmed: int
) -> None:
    stage.service.instructor.buffer_minutes = 15
    stage.service.instructor.save()
    early_bird, late_riser = students_with_a_card(2)
    meet_at_stripe(monkeypatch, Call.AUTHORIZE, parties=2)

    answers = at_once(
        [
            wish(stage.service, student=early_bird, hours_ahead=hours_ahead),
            wish(stage.service, student=late_riser, hours_ahead=hours_ahead + (60 + minutes_between) / 60),
        ]
    )

    assert refusals(answers) == ({"slot_unavailable": 1} if confirmed == 1 else {})
    assert Booking.objects.filter(status="confirmed").count() == OccupiedTime.objects.count() == confirmed


@pytest.mark.rule("P5.4")
@pytest.mark.rule("P6.1")
def test_a_lesson_that_moves_and_one_that_is_booked_want_one_time(stage: Stage) -> None:
    mover, newcomer = students_with_a_card(2)
    moved = stage.book(hours_ahead=96, student=mover)
    wanted = clock.now() + timedelta(hours=DAYS_AHEAD)

    answers = at_once(
        [
            lambda: reschedule_booking(booking=moved, actor=mover, new_starts_at=wanted, now=clock.now()),
            wish(stage.service, student=newcomer, hours_ahead=DAYS_AHEAD),
        ]
    )

    assert refusals(answers) == {"slot_unavailable": 1}
    assert Booking.objects.filter(starts_at=wanted, status="confirmed").count() == 1
