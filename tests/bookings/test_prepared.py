"""A prepared select finds what its queryset finds; instants are read from the database as Django reads them."""

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.db.backends.postgresql.psycopg_any import BaseTzLoader
from django.db.models import BigIntegerField, CharField, Count, DateTimeField, Value
from psycopg.postgres import types
from psycopg.pq import Format

from bookings.models import Booking, Instructor
from instainstru.instants import UtcLoader
from instainstru.prepared import Given, Prepared
from payments.models import Operation
from tests.bookings.factories import BookingFactory, InstructorFactory, ServiceFactory

pytestmark = pytest.mark.django_db


def told(row, *relations):
    """Everything that an object knows by itself, and the same of those that it refers to."""
    known = {name: value for name, value in vars(row).items() if name != "_state"}
    assert (row._state.adding, row._state.db) == (False, "default")
    for path in relations:
        other = row
        for name in path.split("."):
            assert other._meta.get_field(name).is_cached(other)
            other = getattr(other, name)
        known[path] = other and {name: value for name, value in vars(other).items() if name != "_state"}
    return known


@pytest.fixture
def bookings(student):
    service = ServiceFactory(instructor=InstructorFactory(open_always=True, languages=["de", "en"]))
    return [
        BookingFactory(student=student, service=service),
        BookingFactory(student=student, service=service, cancelled=True),
        BookingFactory(cancelled=True),
    ]


def both_sides(student):
    return Booking.objects.filter(student=student).with_both_sides().order_by("-id")


def test_it_finds_what_its_queryset_finds(student, bookings, django_assert_num_queries):
    prepared = Prepared(lambda: both_sides(Given("student", BigIntegerField())))
    relations = ("student", "instructor", "instructor.user", "service", "payment")
    expected = [told(booking, *relations) for booking in both_sides(student)]

    for _ in range(2):  # put together, and as it was put together
        with django_assert_num_queries(1):
            found = [told(booking, *relations) for booking in prepared.all(student=student.pk)]
        assert found == expected
    assert prepared.all(student=0) == []
    assert prepared.first(student=0) is None


def test_what_several_refer_to_is_one_object(student, bookings):
    prepared = Prepared(lambda: both_sides(Given("student", BigIntegerField())))

    second, first = prepared.all(student=student.pk)

    assert first.service is second.service
    assert first.payment is not second.payment
    assert (first.payment.booking, second.payment.booking) == (first, second)
    assert prepared.all(student=student.pk)[0].service is not first.service


def test_values_are_read_as_their_columns_are(bookings):
    """An array and a JSON column; what a row refers to may be nothing."""
    payment = bookings[0].payment
    Operation.objects.create(
        payment=payment, number=1, kind="settle", policy_version="2.1.1", rule="P5.5", plan={"steps": [1]},
        digest="d", party="system", accepted_at=datetime(2026, 3, 1, tzinfo=UTC),
    )  # fmt: skip
    operations = Operation.objects.select_related("actor", "payment")

    (found,) = Prepared(lambda: operations.filter(payment=Given("payment", BigIntegerField()))).all(payment=payment.pk)
    teachers = Prepared(lambda: Instructor.objects.filter(ref=Given("ref", CharField())))

    assert told(found, "actor", "payment") == told(operations.get(payment=payment), "actor", "payment")
    assert teachers.all(ref=bookings[0].instructor.ref)[0].languages == ["de", "en"]


def test_columns_that_are_left_out_are_read_when_they_are_wanted(bookings, django_assert_num_queries):
    prepared = Prepared(lambda: Booking.objects.only("ref").annotate(twice=Value(2)).order_by("id"))

    first = prepared.all()[0]

    assert first.twice == 2
    assert first.get_deferred_fields() == {
        field.attname for field in Booking._meta.concrete_fields if field.attname not in ("id", "ref")
    }
    with django_assert_num_queries(1):
        assert first.minutes == 60


def test_a_value_is_checked_as_it_would_be_in_a_filter(bookings):
    prepared = Prepared(lambda: Booking.objects.filter(starts_at__gt=Given("then", DateTimeField())))

    assert len(prepared.all(then="2000-01-01T00:00:00Z")) == 3
    with pytest.raises(Exception, match="valid"):
        prepared.all(then="tomorrow")


@pytest.mark.parametrize(
    "queryset",
    [
        lambda: Booking.objects.prefetch_related("payment__operations"),
        lambda: Instructor.objects.get().bookings.all(),
    ],
    ids=["prefetched", "related"],
)
def test_what_takes_more_than_a_statement_is_refused(queryset):
    InstructorFactory()

    with pytest.raises(ValueError, match="single statement"):
        Prepared(queryset).all()


def test_an_aggregate_is_given_too(student, bookings):
    students = Prepared(lambda: type(student).objects.annotate(lessons=Count("bookings")).order_by("-lessons"))

    assert (students.all()[0], students.all()[0].lessons) == (student, 2)


INSTANT = types["timestamptz"].oid
INSTANTS = [
    "2026-03-01 12:00:00+00", "2026-03-01 12:00:00.25+00", "1999-12-31 23:59:59.999999+00", "0001-01-01 00:00:00+00",
]  # fmt: skip


@pytest.mark.parametrize("instant", INSTANTS)
def test_instants_are_read_as_django_reads_them(instant):
    class AsDjango(BaseTzLoader):
        timezone = UTC

    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::timestamptz", [instant])
        read = cursor.fetchone()[0]
        raw = cursor.connection
    expected = AsDjango(INSTANT, raw).load(instant.encode())

    assert (read, read.tzinfo) == (expected, UTC)
    assert raw.adapters.get_loader(INSTANT, Format.TEXT) is UtcLoader


def test_an_instant_that_python_does_not_know_is_refused_as_by_django():
    with connection.cursor() as cursor, pytest.raises(Exception, match=r"infinity|too large"):
        cursor.execute("SELECT 'infinity'::timestamptz")
        cursor.fetchone()
