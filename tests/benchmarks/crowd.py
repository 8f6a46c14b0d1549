"""A marketplace of any size within seconds: rows that factories made valid, multiplied by the database itself.

Triggers are silent meanwhile, as they are for a replica; check constraints and unique indexes are not. What the sweeps
read is here: people, payments, bookings, operations, credit, Stripe's events, messages and cases. Nearly all of it is
over and done, a twentieth is still ahead, and a handful is due now, as much of it in a small crowd as in a large one.
"""

from __future__ import annotations

from datetime import timedelta

from django.db import connection, models

from bookings.models import Booking
from credits.models import CreditLot, Wallet
from disputes.models import Chargeback, EvidenceSubmission, LessonDispute, NoShowReport
from instainstru import clock
from instainstru.notifications.models import Message
from payments.models import Operation, Payment, StripeEvent
from payments.policy.plan import ending_as_json
from payments.policy.rules import DEFAULT_RULES
from payments.policy.settlement import plan_settlement
from payments.policy.states import PaymentStatus
from tests.bookings.factories import BookingFactory
from tests.policy.given import booked

BOOKINGS_OF_A_STUDENT = 50
BOOKINGS_OF_AN_INSTRUCTOR = 500
DUE = 10  # rows that each sweep finds, however large the crowd
HOUR, DAY = timedelta(hours=1), timedelta(days=1)

# What the number `n` of a booking says about it, in SQL.
IS_AHEAD = "n % 19 = 0"  # of every student, whatever the number of students
IS_OVER = "n % 19 <> 0"
STARTS = f"""CASE WHEN {IS_AHEAD} THEN now() + interval '2 days' + (n % 86400) * interval '1 minute'
                  ELSE now() - interval '3 days' - (n % 1051200) * interval '1 minute' END"""  # 60 days; two years
MADE = f"{STARTS} - interval '5 days'"
ENDS = f"{STARTS} + interval '1 hour'"
# Lots: three in four are spent; the others expire some time in the coming year, and their owners have been told.
IS_SPENT = "n % 40 <> 0"
EXPIRES = "now() + interval '1 day' + (n % 364) * interval '1 day'"
TOLD = f"({EXPIRES} < now() + interval '7 days')::int + ({EXPIRES} < now() + interval '30 days')::int"


def if_ahead(ahead: str, over: str) -> str:
    return f"CASE WHEN {IS_AHEAD} THEN {ahead} ELSE {over} END"


class Crowd:
    """A growing marketplace, with what is due in it."""

    def __init__(self) -> None:
        self._bookings = 0
        self._make_the_first()

    def grow_to(self, bookings: int) -> None:
        """Add what is missing to so many bookings, with everything that belongs to them."""
        first = self._bookings + 1
        with connection.cursor() as cursor:
            cursor.execute("SET session_replication_role = replica")
            cursor.execute("SET synchronous_commit = off")
            self._add_people(first, bookings)
            self._add_bookings(first, bookings)
            self._add_what_belongs_to_them(first, bookings)
            cursor.execute("RESET session_replication_role")
            cursor.execute("RESET synchronous_commit")
        self._bookings = bookings
        _tidy_up()

    def make_some_due(self) -> None:
        """Let DUE rows of each kind be due since an hour ago."""
        then = clock.wall() - HOUR
        ahead = Payment.objects.order_by("pk").filter(authorize_at__isnull=False)
        _some(ahead, 0).update(authorize_at=then)
        _some(ahead, 1).update(settle_at=then)
        _some(ahead, 2).update(expire_at=then)
        _some(ahead, 3).update(status="payment_method_required", warn_at=then, expire_at=then + DAY)
        _some(Booking.objects.filter(remind_at__isnull=False)).update(remind_at=then)
        _some(Operation.objects.filter(state="done")).update(state="open", finished_at=None, conclusion=None)
        spent = CreditLot.objects.filter(available_cents=0)
        for place, expires_at in enumerate((then, then + 2 * DAY)):  # expired; to be warned of
            _some(spent, 1 - place).update(
                available_cents=100, consumed_cents=0, issued_at=then - DAY, expires_at=expires_at, expiry_warnings=0
            )
        _some(StripeEvent.objects.all()).update(applied_at=None, next_try_at=then)
        _some(Message.objects.all()).update(sent_at=None, next_try_at=then)
        _some(NoShowReport.objects.all()).update(resolution="", resolved_at=None, confirm_at=then)
        _some(EvidenceSubmission.objects.all()).update(answered_at=None, next_try_at=then)
        _tidy_up()

    # --- The rows that are multiplied ---------------------------------------------------------------------------------

    def _make_the_first(self) -> None:
        """One lesson of each kind of row, taken and paid."""
        now = clock.wall()
        start = now - 3 * DAY
        booking: Booking = BookingFactory(
            made_at=start - 5 * DAY, starts_at=start, status="completed", completed_at=now, holds_time=False
        )
        payment = booking.payment
        Payment.objects.filter(pk=payment.pk).update(
            status="settled",
            settlement_outcome="lesson_completed_full_payout",
            settled_at=now,
            captured_cents=payment.lesson_price_cents + payment.student_fee_cents,
            charge_transfer_cents=payment.lesson_price_cents - payment.instructor_fee_cents,
        )
        self._booking, self._payment = booking, payment
        self._student, self._teacher = booking.student, booking.instructor.user
        plan = plan_settlement(booked(PaymentStatus.AUTHORIZED), now, rules=DEFAULT_RULES)
        self._operation = Operation.objects.create(
            payment=payment, number=1, kind="settle", state="done", policy_version=plan.version, rule=plan.rule,
            plan=plan.as_json(), digest=plan.digest, party="system", accepted_at=now, finished_at=now,
            conclusion=ending_as_json(plan.ending),
        )  # fmt: skip
        self._wallet = Wallet.objects.create(student=self._student)
        self._lot = CreditLot.objects.create(
            wallet=self._wallet, amount_cents=100, available_cents=0, consumed_cents=100, source_key="many:0",
            issued_at=now - DAY, expires_at=now + DAY,
        )  # fmt: skip
        self._event = StripeEvent.objects.create(
            event_id="evt_many0", type="charge.updated", payload={}, received_at=now, applied_at=now
        )
        self._message = Message.objects.create(
            recipient=self._student, key="lesson_receipt", dedupe_key="many:0", queued_at=now, sent_at=now
        )
        self._report = NoShowReport.objects.create(
            booking=booking, reported_by="student", reporter=self._student, absent="instructor", reported_at=now,
            resolution="withdrawn", resolved_at=now,
        )  # fmt: skip
        self._dispute = LessonDispute.objects.create(
            booking=booking, opened_by="student", on_behalf_of="student", opener=self._student, opened_at=now,
            evidence_until=now, rule_by=now, ruling="instructor_wins", resolution="ruled", resolved_at=now,
        )  # fmt: skip
        self._chargeback = Chargeback.objects.create(
            booking=booking, dispute_id="du_many0", status="won", amount_cents=100, bank_reason="fraudulent",
            opened_at=now, resolution="by_the_bank", resolved_at=now,
        )  # fmt: skip
        self._submission = EvidenceSubmission.objects.create(
            chargeback=self._chargeback, author=self._teacher, evidence={}, idempotency_key="many:0", asked_at=now,
            answered_at=now,
        )  # fmt: skip

    # --- Multiplying --------------------------------------------------------------------------------------------------

    def _add_people(self, first: int, last: int) -> None:
        """A student for every fifty bookings, an instructor with one service for every five hundred."""
        self._students, self._instructors = last // BOOKINGS_OF_A_STUDENT, last // BOOKINGS_OF_AN_INSTRUCTOR
        students = first // BOOKINGS_OF_A_STUDENT + 1, self._students
        student = self._student_number("n")
        _multiply(self._student, students, id=student, email="'pupil-' || n || '@example.com'")
        _multiply(self._student.payer, students, user_id=student, customer_id="'cus_many' || n")
        _multiply(self._wallet, students, student_id=student)
        instructors = first // BOOKINGS_OF_AN_INSTRUCTOR + 1, self._instructors
        teacher = f"{self._student_number('n')} + 1"  # between two students
        _multiply(self._teacher, instructors, id=teacher, email="'teacher-' || n || '@example.com'")
        _multiply(self._teacher.payee, instructors, user_id=teacher, account_id="'acct_many' || n")
        _multiply(self._booking.instructor, instructors, user_id=teacher, ref="'ins_many' || n")
        theirs = f"{self._booking.instructor_id} + n"
        _multiply(self._booking.service, instructors, instructor_id=theirs, ref="'svc_many' || n")

    def _add_bookings(self, first: int, last: int) -> None:
        student, instructor = f"(n % {self._students} + 1)", f"(n % {self._instructors} + 1)"
        _multiply(
            self._payment,
            (first, last),
            reference="'bk_many' || n",
            payer_id=f"{self._payment.payer_id} + {student}",
            payee_id=f"{self._payment.payee_id} + {instructor}",
            made_at=MADE,
            starts_at=STARTS,
            ends_at=ENDS,
            status=if_ahead("'scheduled'", "'settled'"),
            settlement_outcome=if_ahead("''", "settlement_outcome"),
            settled_at=if_ahead("NULL", f"{ENDS} + interval '1 day'"),
            captured_cents=if_ahead("0", "captured_cents"),
            charge_transfer_cents=if_ahead("0", "charge_transfer_cents"),
            authorize_at=if_ahead(f"{STARTS} - interval '1 day'", "NULL"),
            settle_at=if_ahead(f"{ENDS} + interval '1 day'", "NULL"),
        )
        _multiply(
            self._booking,
            (first, last),
            ref="'bk_many' || n",
            payment_id=f"{self._payment.pk} + n",
            student_id=self._student_number(student),
            instructor_id=f"{self._booking.instructor_id} + {instructor}",
            service_id=f"{self._booking.service_id} + {instructor}",
            made_at=MADE,
            confirmed_at=MADE,
            starts_at=STARTS,
            ends_at=ENDS,
            status=if_ahead("'confirmed'", "'completed'"),
            completed_at=if_ahead("NULL", f"{ENDS} + interval '1 day'"),
            remind_at=if_ahead(f"{STARTS} - interval '1 day'", "NULL"),
        )

    def _add_what_belongs_to_them(self, first: int, last: int) -> None:
        numbers = first, last
        student = self._student_number(f"(n % {self._students} + 1)")
        _multiply(self._operation, numbers, only=IS_OVER, payment_id=f"{self._payment.pk} + n", accepted_at=ENDS)
        _multiply(self._event, numbers, event_id="'evt_many' || n")
        _multiply(
            self._message,
            numbers,
            ref="'ms_many' || n",
            recipient_id=student,
            dedupe_key="'many:' || n",
            queued_at=MADE,
        )
        _multiply(
            self._lot,
            numbers,
            only="n % 10 = 0",
            wallet_id=student,
            source_key="'many:' || n",
            available_cents=f"CASE WHEN {IS_SPENT} THEN 0 ELSE 100 END",
            consumed_cents=f"CASE WHEN {IS_SPENT} THEN 100 ELSE 0 END",
            issued_at="now() - interval '1 day'",
            expires_at=EXPIRES,
            expiry_warnings=TOLD,
        )
        booking = f"{self._booking.pk} + n"
        _multiply(self._report, numbers, only="n % 100 = 1", ref="'ns_many' || n", booking_id=booking)
        _multiply(self._dispute, numbers, only="n % 200 = 1", ref="'dp_many' || n", booking_id=booking)
        _multiply(
            self._chargeback,
            numbers,
            only="n % 1000 = 1",
            ref="'cb_many' || n",
            booking_id=booking,
            dispute_id="'du_many' || n",
        )
        _multiply(
            self._submission,
            numbers,
            only="n % 1000 = 1",
            chargeback_id=f"{self._chargeback.pk} + n",
            idempotency_key="'many:' || n",
        )

    def _student_number(self, number: str) -> str:
        return f"{self._teacher.pk} + 2 * {number}"


def _tidy_up() -> None:
    """Do what autovacuum would do in time: take away dead rows, and know how many there are of what."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")


def _some(rows: models.QuerySet, place: int = 0) -> models.QuerySet:
    """Return so many of these rows by id, and for the next place those after them; never the one that is multiplied."""
    chosen = rows.order_by("pk").values_list("pk", flat=True)[1 + place * DUE : 1 + (place + 1) * DUE]
    return rows.model._base_manager.filter(pk__in=list(chosen))


def _multiply(row: models.Model, numbers: tuple[int, int], *, only: str = "true", **changes: str) -> None:
    """Copy a row for each number `n` from the first to the last, with SQL for the columns that change.

    The copies' ids follow upon the row's own. Only SQL of this module is put together here.
    """
    meta = row._meta
    values = {field.column: f'template."{field.column}"' for field in meta.concrete_fields}
    values |= {meta.pk.column: f'template."{meta.pk.column}" + n'} | changes
    columns = ", ".join(f'"{column}"' for column in values)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {meta.db_table} ({columns}) SELECT {', '.join(values.values())} "
            f"FROM {meta.db_table} AS template, generate_series({numbers[0]}, {numbers[1]}) AS n "
            f"WHERE template.{meta.pk.column} = {row.pk} AND {only}"
        )
        sequence, last = f"pg_get_serial_sequence('{meta.db_table}', '{meta.pk.column}')", f"max({meta.pk.column})"
        cursor.execute(f"SELECT setval({sequence}, {last}) FROM {meta.db_table}")
