"""What the database itself refuses, whoever writes: overlaps (P5.4), impossible hours, half-told bookings."""

import threading
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction

from bookings.models import Booking, OccupiedTime
from payments.policy.states import BookingStatus
from tests.bookings.factories import (
    BookingFactory,
    DateExceptionFactory,
    InstructorFactory,
    ServiceFactory,
    TimeOffFactory,
    WeeklyHoursFactory,
)
from tests.factories import UserFactory

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def refused_by(name: str):
    return pytest.raises(IntegrityError, match=name)


@pytest.mark.django_db
@pytest.mark.rule("P5.4")
class TestOverlaps:
    @pytest.fixture
    def lesson(self) -> Booking:
        return BookingFactory(starts_at=NOON, service__instructor__buffer_minutes=15)

    def another(self, lesson: Booking, starts_at: datetime) -> Booking:
        return BookingFactory(service=lesson.service, starts_at=starts_at)

    def test_an_instructor_never_gives_two_lessons_at_a_time(self, lesson):
        with refused_by("an_instructor_gives_one_lesson_at_a_time"):
            self.another(lesson, NOON + timedelta(minutes=30))

    def test_the_buffer_after_a_lesson_is_kept_free(self, lesson):
        with refused_by("an_instructor_gives_one_lesson_at_a_time"):
            self.another(lesson, NOON + timedelta(minutes=74))

    def test_the_buffer_of_the_earlier_lesson_is_kept_free_too(self, lesson):
        with refused_by("an_instructor_gives_one_lesson_at_a_time"):
            self.another(lesson, NOON - timedelta(minutes=74))

    def test_a_lesson_starts_at_the_instant_at_which_the_buffer_ends(self, lesson):
        assert self.another(lesson, NOON + timedelta(minutes=75)).occupied_times.exists()

    def test_a_student_never_takes_two_lessons_at_a_time(self, lesson):
        with refused_by("a_student_takes_one_lesson_at_a_time"):
            BookingFactory(student=lesson.student, starts_at=NOON + timedelta(minutes=59))

    def test_a_student_needs_no_buffer(self, lesson):
        assert BookingFactory(student=lesson.student, starts_at=NOON + HOUR).occupied_times.exists()

    def test_a_lesson_that_is_moved_by_half_an_hour_does_not_collide_with_itself(self, lesson):
        lesson.hold_time(starts_at=NOON + timedelta(minutes=30), ends_at=NOON + timedelta(minutes=90))

        assert lesson.occupied_times.count() == 2

    def test_a_lesson_that_gave_its_time_back_keeps_nobody_away(self, lesson):
        lesson.free_time()

        assert self.another(lesson, NOON).occupied_times.exists()

    def test_pending_and_cancelled_lessons_hold_no_time(self, lesson):
        BookingFactory(service=lesson.service, starts_at=NOON, pending=True)
        BookingFactory(service=lesson.service, starts_at=NOON, cancelled=True)

        assert OccupiedTime.objects.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.rule("P5.4")
class TestOverlapsUnderConcurrency:
    def race(self, bookings: list[Booking]) -> list[str]:
        """Let every booking take its time in a thread and connection of its own, all at once."""
        outcomes: list[str] = []
        gate = threading.Barrier(len(bookings))

        def take(booking: Booking) -> None:
            try:
                gate.wait(timeout=20)
                with transaction.atomic():
                    booking.hold_time(starts_at=booking.starts_at, ends_at=booking.ends_at)
            except (IntegrityError, OperationalError) as error:  # taken, or a deadlock among those who wait
                outcomes.append(type(error).__name__)
            else:
                outcomes.append("held")
            finally:
                connection.close()

        threads = [threading.Thread(target=take, args=[booking]) for booking in bookings]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
        return outcomes

    def test_of_many_who_take_the_same_slot_one_gets_it(self):
        service = ServiceFactory()
        rivals = [BookingFactory(service=service, starts_at=NOON, holds_time=False) for _ in range(8)]

        outcomes = self.race(rivals)

        assert len(outcomes) == 8
        assert outcomes.count("held") == 1
        assert OccupiedTime.objects.count() == 1

    def test_of_two_lessons_of_one_student_with_two_instructors_one_gets_the_time(self):
        student = UserFactory()
        rivals = [BookingFactory(student=student, starts_at=NOON, holds_time=False) for _ in range(2)]

        assert sorted(self.race(rivals)).count("held") == 1

    def test_the_second_waits_for_the_first_and_gets_the_time_if_that_one_gives_up(self):
        service = ServiceFactory()
        first, second = (BookingFactory(service=service, starts_at=NOON, holds_time=False) for _ in range(2))
        outcomes: list[str] = []
        thread = threading.Thread(target=lambda: outcomes.extend(self.race([second])))

        with transaction.atomic():
            first.hold_time(starts_at=NOON, ends_at=NOON + HOUR)
            thread.start()
            thread.join(timeout=0.5)
            assert outcomes == []  # it waits for our commit
            transaction.set_rollback(True)
        thread.join(timeout=20)

        assert outcomes == ["held"]


@pytest.mark.django_db
class TestBookings:
    REFUSED = {
        "booking_ends_after_it_starts": {"ends_at": NOON - HOUR},
        "booking_lasts_its_minutes": {"minutes": 45},
        "booking_status_is_known": {"status": "lost"},
        "booking_modality_is_known": {"modality": "by_post"},
        "booking_once_confirmed_knows_when": {"confirmed_at": None},
        "booking_completed_knows_when": {"status": BookingStatus.COMPLETED.value},
        "booking_is_marked_complete_from_its_end_on": {"marked_complete_at": NOON + timedelta(minutes=59)},
        "booking_cancelled_knows_when_and_by_whom": {"status": BookingStatus.CANCELLED.value, "cancelled_at": NOON},
    }

    @pytest.mark.parametrize(("constraint", "change"), REFUSED.items(), ids=REFUSED)
    def test_a_booking_that_contradicts_itself_is_refused(self, constraint, change):
        booking = BookingFactory(starts_at=NOON)

        with refused_by(constraint):
            Booking.objects.filter(pk=booking.pk).update(**change)

    def test_a_booking_that_is_not_cancelled_names_no_canceller(self):
        booking = BookingFactory(starts_at=NOON)

        with refused_by("booking_cancelled_knows_when_and_by_whom"):
            Booking.objects.filter(pk=booking.pk).update(cancelled_by="student")


@pytest.mark.django_db
class TestHours:
    def test_hours_of_a_weekday_never_overlap(self):
        hours = WeeklyHoursFactory(opens=540, closes=720)

        with refused_by("weekly_hours_of_a_day_never_overlap"):
            WeeklyHoursFactory(instructor=hours.instructor, opens=700, closes=800)

    def test_hours_may_touch_and_other_days_and_instructors_are_free(self):
        hours = WeeklyHoursFactory(opens=540, closes=720)

        WeeklyHoursFactory(instructor=hours.instructor, opens=720, closes=1_440)
        WeeklyHoursFactory(instructor=hours.instructor, weekday=1, opens=540, closes=720)
        WeeklyHoursFactory(opens=540, closes=720)

    @pytest.mark.parametrize(("opens", "closes"), [(600, 600), (600, 540), (0, 1_441)])
    def test_hours_lie_within_a_day(self, opens, closes):
        with refused_by("weekly_hours_lie_within_one_day"):
            WeeklyHoursFactory(opens=opens, closes=closes)

    @pytest.mark.parametrize(("opens", "closes"), [(600, None), (None, 600), (600, 540)])
    def test_an_exception_has_whole_hours_or_none(self, opens, closes):
        with refused_by("date_exception_is_closed_or_has_hours_within_the_day"):
            DateExceptionFactory(opens=opens, closes=closes)

    def test_a_closed_date_has_no_hours_beside_it(self):
        closed = DateExceptionFactory(date=date(2026, 6, 1))

        with refused_by("date_exceptions_of_a_day_never_overlap"):
            DateExceptionFactory(instructor=closed.instructor, date=closed.date, opens=540, closes=600)

    def test_time_off_ends_after_it_starts(self):
        with refused_by("time_off_ends_after_it_starts"):
            TimeOffFactory(starts_at=NOON, ends_at=NOON)


@pytest.mark.django_db
class TestOffers:
    @pytest.mark.rule("P1.4")
    @pytest.mark.parametrize("durations", [[], [15], [60, 61], [255]])
    def test_lessons_last_30_to_240_minutes_in_steps_of_15(self, durations):
        with refused_by("service_durations_are_30_to_240_by_15"):
            ServiceFactory(durations=durations)

    @pytest.mark.rule("P1.4")
    def test_the_price_floor_is_no_matter_of_the_database(self):
        assert ServiceFactory(hourly_price_cents=1).pk

    @pytest.mark.rule("P1.3")
    def test_there_are_four_tiers(self):
        with refused_by("instructor_tier_is_known"):
            InstructorFactory(tier="platinum")
