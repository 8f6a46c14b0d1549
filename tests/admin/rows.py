"""A booking with one row of every kind that money leaves behind, without Stripe: for pages that list them."""

from datetime import timedelta

from bookings.models import Booking, BookingMove
from credits.models import CreditLot, CreditMovement, NegativeBalance, Reservation, Wallet
from disputes.models import Chargeback, Evidence, EvidenceSubmission, LessonDispute, NoShowReport
from instainstru import clock
from instainstru.models import IdempotentRequest, StaffAction
from instainstru.notifications.models import Message
from payments.models import (
    AccountLock,
    ChangeAtStripe,
    EventMark,
    Freeze,
    JournalEntry,
    Operation,
    PayoutHold,
    PayoutTransfer,
    Posting,
    ReconciliationItem,
    ReconciliationRun,
    ScheduleChange,
    Step,
    StripeEvent,
)
from payments.policy.accounts import Account
from payments.policy.plan import Ending, Plan
from payments.policy.states import Action, Call
from tests.bookings.factories import BookingFactory, DateExceptionFactory, TimeOffFactory, WeeklyHoursFactory

PLAN = Plan(
    action=Action.SETTLE, rule="P5.5", version="2.1.1", ending=Ending(), to_student="Charged.", to_instructor="Paid."
)


def leave_rows(booking: Booking | None = None) -> Booking:
    """Write one row of every kind about a booking, by default a new one."""
    booking = booking or BookingFactory()
    now, payment = clock.now(), booking.payment
    for factory in (WeeklyHoursFactory, DateExceptionFactory, TimeOffFactory):
        factory(instructor=booking.instructor)
    operation = Operation.objects.create(
        payment=payment, number=1, kind=Action.SETTLE, policy_version="2.1.1", rule="P5.5", plan=PLAN.as_json(),
        digest=PLAN.digest, party="system", accepted_at=now, state=Operation.State.DONE, finished_at=now, conclusion={},
    )  # fmt: skip
    step = Step.objects.create(
        operation=operation, ordinal=1, call=Call.PAY, amount_cents=120, state=Step.State.SUCCEEDED,
        idempotency_key=f"{booking.ref}/1", api_version="2026-05-27.dahlia", answered_at=now,
        object_id=f"tr_{booking.pk}",
    )  # fmt: skip
    PayoutTransfer.objects.create(payment=payment, step=step, transfer_id=step.object_id, amount_cents=120)
    entry = JournalEntry.objects.create(
        cause=f"step:{step.pk}", operation=operation, payment=payment, rule="P5.5", description="Instructor paid",
        occurred_at=now,
    )  # fmt: skip
    Posting.objects.create(
        entry=entry, account=Account.CONNECTED, owner=booking.instructor.user, payment=payment, amount_cents=120
    )
    Posting.objects.create(entry=entry, account=Account.PLATFORM, payment=payment, amount_cents=-120)
    hold = PayoutHold.objects.create(
        payee=payment.payee, reason="Letters came back.", held_by=payment.payer.user, held_at=now
    )
    ScheduleChange.objects.create(
        payee=payment.payee, hold=hold, kind=ScheduleChange.Kind.HOLD, schedule="manual", reason=hold.reason,
        asked_by=hold.held_by, asked_at=now, idempotency_key=f"{payment.payee.account_id}/1", answered_at=now,
    )  # fmt: skip
    wallet, _ = Wallet.objects.get_or_create(student=booking.student)
    lot = CreditLot.objects.create(
        wallet=wallet, amount_cents=6_000, available_cents=5_000, reserved_cents=1_000,
        source_key=f"grant:{booking.ref}", issued_at=now, expires_at=now + timedelta(days=365),
    )  # fmt: skip
    Reservation.objects.create(lot=lot, reference=booking.ref, cents=1_000)
    CreditMovement.objects.create(lot=lot, kind="reserved", cents=1_000, reference=booking.ref, moved_at=now)
    NegativeBalance.objects.create(wallet=wallet, reference=booking.ref, owed_cents=6_000, arose_at=now)
    AccountLock.objects.create(payer=payment.payer, reason="collection_failed", reference=booking.ref, locked_at=now)
    BookingMove.objects.create(
        booking=booking, from_start=now, to_start=booking.starts_at, asked_at=now, moved_at=now, rule="P6.1"
    )
    Message.objects.create(
        recipient=booking.student, key="credit_issued", reference=booking.ref, dedupe_key=booking.ref, queued_at=now,
        context={"amount_cents": 6_000, "expires_at": now.isoformat(), "reason": "Kindness.", "wallet_url": "/credits"},
    )  # fmt: skip
    StaffAction.objects.create(
        ticket=booking.ref, actor=booking.student, action="note", subject=booking.ref, reason="Seen.", done_at=now
    )
    event = StripeEvent.objects.create(
        event_id=f"evt_{booking.pk}", type="transfer.created", payload={}, received_at=now
    )
    ChangeAtStripe.objects.create(
        payment=payment, kind="refunded", object_id=f"re_{booking.pk}", amount_cents=120, event=event, noticed_at=now
    )
    _leave_cases(booking)
    EventMark.objects.create(account_id=f"acct_{booking.pk}", complete_until=now, checked_at=now)
    ReconciliationItem.objects.create(
        kind="missing_in_books", name=f"txn_{booking.pk}", booked_cents=0, moved_cents=120, happened_at=now,
        found_at=now, seen_at=now,
    )  # fmt: skip
    ReconciliationRun.objects.create(since=now, until=now, entries=1, transactions=2, differences=1)
    IdempotentRequest.objects.create(
        user=booking.student, key="k", fingerprint="f", subject=f"operation:{operation.reference}", created_at=now
    )
    return booking


def _leave_cases(booking: Booking) -> None:
    """A report and a dispute that are closed, and a chargeback that is open, each with evidence."""
    now = clock.now()
    closed = {"resolution": "ruled", "resolved_at": now, "resolved_by": booking.instructor.user}
    report = NoShowReport.objects.create(
        booking=booking, reported_by="student", reporter=booking.student, absent="instructor", reported_at=now,
        ruling="unfounded", **closed,
    )  # fmt: skip
    dispute = LessonDispute.objects.create(
        booking=booking, opened_by="student", on_behalf_of="student", opener=booking.student, opened_at=now,
        evidence_until=now, rule_by=now, ruling="instructor_wins", **closed,
    )  # fmt: skip
    chargeback = Chargeback.objects.create(
        booking=booking, dispute_id=f"dp_{booking.pk}", amount_cents=13_440, bank_reason="fraudulent", opened_at=now,
    )  # fmt: skip
    for case in ({"report": report}, {"dispute": dispute}, {"chargeback": chargeback}):
        Evidence.objects.create(
            by="student", author=booking.student, statement="I waited for half an hour.", shown_at=now, **case
        )
    EvidenceSubmission.objects.create(
        chargeback=chargeback, author=booking.student, evidence={}, idempotency_key=f"evidence-{chargeback.pk}",
        asked_at=now, next_try_at=now,
    )  # fmt: skip
    Freeze.objects.create(payment=booking.payment, reason="dispute_open", case=dispute.case, since=now, ended_at=now)
