"""Cases meet the money and each other: reports and settlement, rulings and sweeps, the bank and our own refunds."""

from collections.abc import Callable, Iterator
from functools import partial

import pytest

from disputes import operations as cases
from disputes import tasks as case_tasks
from disputes.models import NoShowReport
from instainstru import clock
from instainstru.accounts.models import User
from payments import operations as payments
from payments.gateway import client
from payments.models import Operation
from payments.policy.states import Action, Bearer, DisputeRuling, NoShowRuling, Party
from tests.concurrency.boundaries import Boundaries
from tests.concurrency.lessons import GIVEN, HOUR, Before, Lesson, Lessons, anew, clockwork_settles
from tests.concurrency.meeting import as_a_request, at_once, effects_at_stripe
from tests.rules.standing import Money, money_of, payment_of, stands
from tests.stage import Stage

Act = Callable[[Lesson], object]

JUST_GIVEN = Before(booked=20, met=-2)
PAID = Money(charged=13_440, instructor=10_560)
GIVEN_BACK = Money(charged=13_440, refunded=13_440)
NEVER_CHARGED = Money()


# --- What is done -----------------------------------------------------------------------------------------------------


def student_reports(lesson: Lesson) -> NoShowReport:
    return cases.report_no_show(
        booking=anew(lesson), actor=lesson.student, by=Party.STUDENT, absent=Party.INSTRUCTOR, now=clock.now()
    )


def student_withdraws(lesson: Lesson) -> None:
    for report in NoShowReport.objects.unresolved().filter(booking=lesson.booking):
        cases.withdraw_no_show(report=report, now=clock.now())


def instructor_contests(lesson: Lesson) -> None:
    report = NoShowReport.objects.get(booking=lesson.booking)
    cases.contest_no_show(report=report, actor=lesson.instructor, now=clock.now())


def clockwork_confirms(lesson: Lesson) -> None:
    case_tasks.confirm_report(report_id=NoShowReport.objects.get(booking=lesson.booking).pk)


def staff_find(ruling: NoShowRuling) -> Act:
    def rule(lesson: Lesson) -> Operation | None:
        return cases.rule_no_show(
            booking=anew(lesson), ruling=ruling, actor=lesson.staff, reason="Both were heard.", now=clock.now()
        )

    return rule


def staff_dispute(lesson: Lesson) -> None:
    cases.open_dispute(
        booking=anew(lesson), actor=lesson.staff, by=Party.STAFF, on_behalf_of=Party.STUDENT, now=clock.now()
    )


def staff_rule_for_the_student(lesson: Lesson) -> None:
    cases.rule_dispute(
        booking=anew(lesson),
        ruling=DisputeRuling.STUDENT_WINS,
        actor=lesson.staff,
        reason="Both were heard.",
        now=clock.now(),
    )


def staff_refund(lesson: Lesson) -> None:
    payments.refund_by_staff(
        payment_id=lesson.booking.payment_id,
        actor=lesson.staff,
        cents=5_000,
        bearer=Bearer.INSTRUCTOR,
        reason="It was asked.",
        now=clock.now(),
    )


def staff_retry(lesson: Lesson) -> None:
    operation = payments.retry_stuck(payment_id=lesson.booking.payment_id, actor=lesson.staff, now=clock.now())
    payments.perform(operation)


def heard_from_the_bank(lesson: Lesson) -> None:
    (dispute,) = client.get("/v1/disputes", payment_intent=payment_of(lesson.booking).intent_id)["data"]
    cases.take_in_from_bank(dispute_id=dispute["id"], now=clock.now())


# --- One in the middle of the other -----------------------------------------------------------------------------------


def meetings(first: Act, second: Act, bring: Callable[[int], list[Lesson]]) -> Iterator[tuple[str, Lesson]]:
    """Do two things to lessons of their own, in both orders and each in the middle of the other at every boundary."""
    boundaries = Boundaries()
    for one, other in ((first, second), (second, first)):
        (lesson,) = bring(1)
        many = boundaries.count(partial(one, lesson))
        as_a_request(partial(other, lesson))
        yield f"{other.__name__} after {one.__name__}", lesson
        for boundary, met in enumerate(bring(many)):
            boundaries.interrupt(partial(one, met), partial(other, met), at=boundary)
            yield f"{other.__name__} in {one.__name__}, at boundary {boundary}", met


@pytest.mark.rule("P8.1")
@pytest.mark.timeout(600)
def test_a_report_in_the_last_instant_meets_settlement_and_is_withdrawn(stage: Stage, staff: User) -> None:
    lessons = Lessons(stage, staff, GIVEN)

    for how, lesson in meetings(student_reports, clockwork_settles, lessons.bring):
        student_withdraws(lesson)
        clockwork_settles(lesson)  # as each half minute

        assert stands(lesson.booking) == ("completed", "settled", "lesson_completed_full_payout"), how
        assert money_of(lesson.booking) == PAID, how
        assert effects_at_stripe(stage.simulator, lesson.booking)["capture"] == 1, how


@pytest.mark.rule("P8.3")
@pytest.mark.timeout(600)
def test_a_report_in_the_last_instant_meets_settlement_and_stands(stage: Stage, staff: User) -> None:
    """Settled before it was made, it is refused; whatever was captured when it was taken in goes back."""
    lessons = Lessons(stage, staff, GIVEN)

    for how, lesson in meetings(student_reports, clockwork_settles, lessons.bring):
        if not NoShowReport.objects.filter(booking=lesson.booking).exists():
            assert stands(lesson.booking) == ("completed", "settled", "lesson_completed_full_payout"), how
            continue
        staff_find(NoShowRuling.INSTRUCTOR_ABSENT)(lesson)

        assert stands(lesson.booking) == ("no_show", "settled", "instructor_no_show_full_refund"), how
        assert money_of(lesson.booking) in (NEVER_CHARGED, GIVEN_BACK), how


@pytest.mark.rule("P8.3")
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("ruling", "ends", "money"),
    [
        (NoShowRuling.UNFOUNDED, ("completed", "settled", "lesson_completed_full_payout"), PAID),
        (NoShowRuling.STUDENT_ABSENT, ("no_show", "settled", "student_no_show_full_payout"), PAID),
        (NoShowRuling.INSTRUCTOR_ABSENT, ("no_show", "settled", "instructor_no_show_full_refund"), NEVER_CHARGED),
    ],
)
def test_a_ruling_meets_the_sweep_of_settlements(
    stage: Stage, staff: User, ruling: NoShowRuling, ends: tuple[str, str, str], money: Money
) -> None:
    def bring(how_many: int) -> list[Lesson]:
        lessons = Lessons(stage, staff, JUST_GIVEN).bring(how_many)
        for lesson in lessons:
            student_reports(lesson)
            instructor_contests(lesson)
        stage.stand_at(clock.now() + 24 * HOUR)
        return lessons

    for how, lesson in meetings(staff_find(ruling), clockwork_settles, bring):
        assert stands(lesson.booking) == ends, how
        assert money_of(lesson.booking) == money, how


@pytest.mark.rule("P8.2")
@pytest.mark.timeout(600)
def test_contesting_in_the_last_instant_meets_the_confirmation(stage: Stage, staff: User) -> None:
    def bring(how_many: int) -> list[Lesson]:
        lessons = Lessons(stage, staff, JUST_GIVEN).bring(how_many)
        for lesson in lessons:
            student_reports(lesson)
        stage.stand_at(clock.now() + 24 * HOUR)
        return lessons

    for how, lesson in meetings(instructor_contests, clockwork_confirms, bring):
        report = NoShowReport.objects.get(booking=lesson.booking)
        if report.is_contested:
            assert stands(lesson.booking) == ("confirmed", "manual_review", "no_show_reported"), how
            staff_find(NoShowRuling.UNFOUNDED)(lesson)
            assert stands(lesson.booking) == ("completed", "settled", "lesson_completed_full_payout"), how
        else:
            assert stands(lesson.booking) == ("no_show", "settled", "instructor_no_show_full_refund"), how
            assert report.resolution == "confirmed", how


@pytest.mark.rule("P8.2")
@pytest.mark.parametrize("ruling", NoShowRuling)
def test_many_rulings_on_one_report_at_once_are_one(stage: Stage, staff: User, ruling: NoShowRuling) -> None:
    (lesson,) = Lessons(stage, staff, JUST_GIVEN).bring(1)
    student_reports(lesson)

    answers = at_once([partial(staff_find(ruling), lesson)] * 20)

    assert sorted(map(str, answers)).count("already_settled") == 19
    rulings = Operation.objects.filter(payment=lesson.booking.payment, kind=Action.RULE_NO_SHOW)
    assert rulings.count() == (0 if ruling == NoShowRuling.UNFOUNDED else 1)
    assert all(times == 1 for times in effects_at_stripe(stage.simulator, lesson.booking).values())


# --- The bank ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def settled(stage: Stage, staff: User) -> Callable[[int], list[Lesson]]:
    """Bring lessons that were paid out."""

    def bring(how_many: int) -> list[Lesson]:
        lessons = Lessons(stage, staff, GIVEN).bring(how_many)
        for lesson in lessons:
            clockwork_settles(lesson)
        return lessons

    return bring


@pytest.mark.rule("P11")
@pytest.mark.timeout(600)
def test_a_chargeback_meets_a_refund_of_ours(stage: Stage, settled: Callable[[int], list[Lesson]]) -> None:
    """The cardholder gets no cent twice, and the bank's decision ends it all."""

    def the_bank_takes_it_back(lesson: Lesson) -> None:
        stage.simulator.dispute(payment_of(lesson.booking).intent_id)
        heard_from_the_bank(lesson)

    for how, lesson in meetings(the_bank_takes_it_back, staff_refund, settled):
        payment = payment_of(lesson.booking)
        assert payment.status == "manual_review", how
        assert payment.review_reason == "chargeback_open", how
        assert payment.charged_back_cents + payment.refunded_to_card_cents <= payment.captured_cents, how
        assert payment.instructor_payout_cents == 0, how

        stage.simulator.decide_dispute(payment.intent_id, won=False)
        heard_from_the_bank(lesson)

        assert stands(lesson.booking) == ("completed", "settled", "chargeback_lost"), how
        assert not Operation.objects.exclude(state=Operation.State.DONE).exists(), how


@pytest.mark.rule("P11")
@pytest.mark.timeout(600)
def test_a_chargeback_meets_a_ruling(stage: Stage, settled: Callable[[int], list[Lesson]]) -> None:
    """Won, the ruling is carried out, or staff rule then: the student gets everything back once.

    Stripe refunds nothing that the bank has taken back, so a refund sent before we had heard of it waits for staff.
    """

    def bring(how_many: int) -> list[Lesson]:
        lessons = settled(how_many)
        for lesson in lessons:
            staff_dispute(lesson)
            stage.simulator.dispute(payment_of(lesson.booking).intent_id)
        return lessons

    for how, lesson in meetings(heard_from_the_bank, staff_rule_for_the_student, bring):
        payment = payment_of(lesson.booking)
        stage.simulator.decide_dispute(payment.intent_id, won=True)
        heard_from_the_bank(lesson)
        as_a_request(partial(staff_rule_for_the_student, lesson))  # who was told that the bank comes first
        as_a_request(partial(staff_retry, lesson))

        assert stands(lesson.booking) == ("completed", "settled", "student_wins_dispute_full_refund"), how
        assert money_of(lesson.booking) == GIVEN_BACK, how
