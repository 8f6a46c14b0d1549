"""What is locked is what the ORM would read, and is written as far as it has changed."""

from datetime import UTC, datetime

import pytest
from django.db import DatabaseError, connections, transaction
from django.db.models import Model

from bookings.models import Booking
from bookings.operations.subject import lock_booking
from payments import engine
from payments.models import Payment
from tests.bookings.factories import BookingFactory

ALONG = ("student", "instructor", "instructor__user", "payment", "payment__payer", "payment__payee")


def values_of(row: Model) -> dict[str, object]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


def followed(row: Model, path: str) -> Model:
    for name in path.split("__"):
        assert name in row._state.fields_cache, f"{path} was not read with it"
        row = getattr(row, name)
    return row


@pytest.fixture
def booking(db: None) -> Booking:
    BookingFactory()
    return BookingFactory()


def test_a_joined_row_is_what_the_orm_would_read(booking: Booking) -> None:
    by_orm = Booking.objects.select_related(*ALONG).get(pk=booking.pk)

    with transaction.atomic():
        read = lock_booking(booking.payment_id).booking

    assert values_of(read) == values_of(by_orm)
    assert (read._state.adding, read._state.db) == (False, "default")
    for path in ALONG:
        assert values_of(followed(read, path)) == values_of(followed(by_orm, path))
    assert read.payment.booking is read  # the way back is known, too


def test_a_payment_is_read_with_both_parties(booking: Booking) -> None:
    with transaction.atomic():
        read = engine.lock_payment(booking.payment_id)

    assert values_of(read) == values_of(Payment.objects.get(pk=booking.payment_id))
    assert values_of(followed(read, "payee")) == values_of(booking.payment.payee)


def test_what_is_not_there_does_not_exist(db: None) -> None:
    with transaction.atomic(), pytest.raises(Booking.DoesNotExist, match="4711"):
        lock_booking(4711)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("table", "is_locked"), [("bookings_booking", True), ("payments_payment", True), ("bookings_instructor", False)]
)
def test_booking_and_payment_are_locked_and_nothing_else(table: str, is_locked: bool) -> None:
    booking = BookingFactory()
    BookingFactory()
    theirs = connections.create_connection("default")
    try:
        with transaction.atomic():
            lock_booking(booking.payment_id)
            with theirs.cursor() as cursor:
                cursor.execute(f"SELECT count(*) FROM (SELECT FROM {table} FOR UPDATE SKIP LOCKED) AS free")
                (free,) = cursor.fetchone()
    finally:
        theirs.close()
    assert free == (1 if is_locked else 2)


class TestSavingChanges:
    def test_writes_what_has_changed_and_nothing_else(self, booking: Booking, django_assert_num_queries) -> None:
        payment, theirs = (Payment.objects.get(pk=booking.payment_id).remember() for _ in range(2))
        theirs.refusal_code = "card_declined"
        theirs.save_changes()
        payment.captured_cents, payment.settled_at = 13_440, datetime(2026, 3, 4, tzinfo=UTC)

        with django_assert_num_queries(1) as said:
            payment.save_changes()

        assert "captured_cents" in said[0]["sql"]
        assert "refusal_code" not in said[0]["sql"]
        stored = Payment.objects.get(pk=booking.payment_id)
        assert (stored.captured_cents, stored.settled_at) == (13_440, datetime(2026, 3, 4, tzinfo=UTC))
        assert stored.refusal_code == "card_declined"

    def test_says_nothing_without_a_change(self, booking: Booking, django_assert_num_queries) -> None:
        payment = Payment.objects.get(pk=booking.payment_id).remember()
        payment.captured_cents = 13_440
        payment.save_changes()

        with django_assert_num_queries(0):
            payment.save_changes()

    def test_a_row_that_is_gone_is_said(self, booking: Booking) -> None:
        gone = Payment.objects.get(pk=booking.payment_id).remember()
        gone.pk, gone.captured_cents = 4711, 13_440

        with pytest.raises(Payment.DoesNotExist):
            gone.save_changes()

    def test_what_the_database_forbids_stays_forbidden(self, booking: Booking) -> None:
        payment = Payment.objects.get(pk=booking.payment_id).remember()
        payment.captured_cents = -1

        with pytest.raises(DatabaseError), transaction.atomic():
            payment.save_changes()
