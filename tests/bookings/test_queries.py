"""Who sees which bookings, at which cost, and what a calendar is made of."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.http import Http404

from bookings import queries
from bookings.calendar import Hours, Span
from bookings.models import Booking
from tests.bookings.factories import (
    BookingFactory,
    DateExceptionFactory,
    InstructorFactory,
    ServiceFactory,
    TimeOffFactory,
    WeeklyHoursFactory,
)

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


class TestBookings:
    @pytest.fixture
    def booking(self, student, instructor) -> Booking:
        return BookingFactory(student=student, service__instructor__user=instructor)

    @pytest.mark.parametrize("who", ["student", "instructor", "staff"])
    def test_both_sides_and_staff_see_it(self, booking, who, request):
        user = request.getfixturevalue(who)

        assert queries.booking_visible_to(user, ref=booking.ref) == booking
        assert booking in queries.bookings_of(user)

    def test_strangers_of_either_role_do_not_find_it(self, booking, outsider):
        for stranger in (outsider, InstructorFactory().user):
            with pytest.raises(Http404):
                queries.booking_visible_to(stranger, ref=booking.ref)
            assert not queries.bookings_of(stranger).exists()

    def test_a_list_is_one_statement(self, student, django_assert_num_queries):
        for _ in range(5):
            BookingFactory(student=student, holds_time=False)

        with django_assert_num_queries(1):
            for booking in queries.bookings_of(student):
                assert booking.instructor.user.name
                assert booking.service.title
                assert booking.payment.status


class TestCalendar:
    @pytest.fixture
    def service(self):
        return ServiceFactory(instructor__buffer_minutes=15)

    def calendar(self, service, **rules):
        return queries.calendar_of(service.instructor, since=NOON, until=NOON + HOUR, **rules)

    def test_it_has_the_week_and_the_exceptions_of_the_dates_asked_for(self, service):
        WeeklyHoursFactory(instructor=service.instructor, weekday=0, opens=780, closes=840)
        WeeklyHoursFactory(instructor=service.instructor, weekday=0, opens=540, closes=720)
        DateExceptionFactory(instructor=service.instructor, date=date(2026, 6, 1))
        DateExceptionFactory(instructor=service.instructor, date=date(2026, 6, 2), opens=540, closes=600)

        calendar = self.calendar(service)

        assert calendar.weekly == {0: (Hours(540, 720), Hours(780, 840))}
        assert calendar.exceptions == {date(2026, 6, 1): ()}

    def test_it_has_the_lessons_that_would_meet_the_buffer_too(self, service):
        after = BookingFactory(service=service, starts_at=NOON + timedelta(minutes=74))
        BookingFactory(service=service, starts_at=NOON + timedelta(hours=3))

        assert self.calendar(service).occupied == (Span(after.starts_at, after.ends_at + timedelta(minutes=15)),)

    def test_a_booking_that_is_moved_does_not_stand_in_its_own_way(self, service):
        booking = BookingFactory(service=service, starts_at=NOON)

        assert self.calendar(service, apart_from=booking).occupied == ()

    def test_it_has_the_time_off_that_overlaps(self, service):
        off = TimeOffFactory(instructor=service.instructor, starts_at=NOON - HOUR, ends_at=NOON + timedelta(minutes=1))
        TimeOffFactory(instructor=service.instructor, starts_at=NOON + HOUR, ends_at=NOON + 2 * HOUR)

        assert self.calendar(service).times_off == (Span(off.starts_at, off.ends_at),)

    def test_round_the_clock_without_notice_or_buffer_can_be_said(self):
        instructor = InstructorFactory(buffer_minutes=0, minimum_notice_minutes=0, open_always=True)
        starts_at = datetime(2026, 3, 8, 6, 59, 59, tzinfo=UTC)  # over New York's clock change

        slots = queries.slots_of(
            instructor, minutes=240, since=starts_at, until=starts_at + HOUR, now=starts_at - timedelta(seconds=1)
        )

        assert [slot.starts_at.minute for slot in slots] == [0, 15, 30, 45]

    def test_it_takes_four_statements(self, service, django_assert_num_queries):
        with django_assert_num_queries(4):
            self.calendar(service)
