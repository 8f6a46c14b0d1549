"""Everything that speaks for us in a chargeback, gathered from our records: nothing in it is typed by hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db.models import Q

from bookings.models import Booking
from disputes.models import Chargeback, Evidence, LessonDispute, NoShowReport
from instainstru.money import dollars
from instainstru.notifications.models import Message
from instainstru.notifications.rendering import subject_and_text
from payments.models import Step
from payments.policy.plan import Plan
from payments.policy.windows import in_words
from payments.rules import rules_of_version

Row = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """One part of the pack: a title, and rows of what and how."""

    title: str
    rows: Sequence[Row]


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidencePack:
    """What goes to the bank: chapters in order, and the files that were shown in the booking's cases."""

    title: str
    chapters: Sequence[Chapter]
    files: Sequence[Evidence]


def pack_of(chargeback: Chargeback) -> EvidencePack:
    """Gather the pack: policy and version accepted, quote, timeline, messages, attendance, receipts (section 11)."""
    booking = Booking.objects.with_both_sides().get(pk=chargeback.booking_id)
    chapters = (
        ("The chargeback", _chargeback(chargeback)),
        ("What was bought", _lesson(booking)),
        ("The price that the student agreed to", _quote(booking)),
        ("The policy that the student accepted", _policy(booking)),
        ("What happened", _timeline(booking)),
        ("Who was there", _attendance(booking)),
        ("What the student was told", _messages(booking)),
        ("What moved at Stripe", _receipts(booking)),
    )
    return EvidencePack(
        title=f"Evidence for {chargeback.dispute_id}: booking {booking.ref}",
        chapters=[Chapter(title=title, rows=list(rows)) for title, rows in chapters],
        files=list(_files(booking)),
    )


def instant(at: datetime | None) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC") if at else "–"


def _chargeback(chargeback: Chargeback) -> Iterator[Row]:
    yield "Dispute", chargeback.dispute_id
    yield "Amount", dollars(chargeback.amount_cents)
    yield "The cardholder's reason", chargeback.bank_reason.replace("_", " ")
    yield "Evidence is taken until", instant(chargeback.respond_by)


def _lesson(booking: Booking) -> Iterator[Row]:
    yield "Lesson", f"{booking.service_title}, {booking.minutes} minutes, {booking.get_modality_display().lower()}"
    yield "Student", f"{booking.student.name}, {booking.student.email}"
    yield "Instructor", booking.instructor.user.name
    yield "Booked", instant(booking.made_at)
    yield "From, to", f"{instant(booking.starts_at)}, {instant(booking.ends_at)}"
    for move in booking.moves.order_by("moved_at", "id"):
        yield "Moved by the student", f"{instant(move.moved_at)}: from {instant(move.from_start)}"


def _quote(booking: Booking) -> Iterator[Row]:
    terms = booking.payment.terms
    yield "Lesson price", dollars(terms.lesson_price)
    yield "Booking protection fee", dollars(terms.student_fee)
    yield "Credits used", dollars(terms.credits)
    yield "Charged to the card", dollars(terms.card_total)


def _policy(booking: Booking) -> Iterator[Row]:
    rules = rules_of_version(booking.payment.policy_version)
    early, middle = in_words(rules.early_from), in_words(rules.middle_from)
    settled = in_words(rules.settle_after)
    yield "Version", f"Payment Policy {rules.version}, frozen with the booking"
    yield f"Cancelled {early} or more before the start", "nothing is charged"
    yield f"Cancelled {middle} to {early} before the start", "the card is charged, the lesson's price comes as credit"
    yield f"Cancelled less than {middle} before the start", "the card is charged, half the price comes as credit"
    yield "Lesson taken", f"the card is charged {settled} after its end"
    yield "Not satisfied, or nobody came", f"to be reported to us within {settled} of the end; then the money waits"


def _timeline(booking: Booking) -> Iterator[Row]:
    for operation in booking.payment.operations.order_by("number"):
        plan = Plan.from_json(operation.plan)
        what = operation.get_kind_display()
        yield instant(operation.accepted_at), f"{what}, asked for by the {operation.party}. {plan.to_student}"


def _attendance(booking: Booking) -> Iterator[Row]:
    yield "Marked as given by the instructor", instant(booking.marked_complete_at)
    reports = NoShowReport.objects.filter(booking=booking).order_by("id")
    for report in reports:
        told = f"{instant(report.reported_at)}: the {report.absent} was absent. {report.statement}"
        yield f"Reported by the {report.reported_by}", told
        if report.contested_at:
            yield "Contested", f"{instant(report.contested_at)}. {report.contest_statement}"
        if not report.is_open:
            yield "Outcome", f"{report.get_resolution_display()}. {report.get_ruling_display()}"
    for dispute in LessonDispute.objects.filter(booking=booking).order_by("id"):
        yield f"Dispute opened by the {dispute.opened_by}", f"{instant(dispute.opened_at)}. {dispute.statement}"
        if not dispute.is_open:
            yield "Outcome", f"{dispute.get_resolution_display()}. {dispute.get_ruling_display()}"
    if not reports:
        yield "Reports of a no-show", "none: nobody said that the lesson did not take place"


def _messages(booking: Booking) -> Iterator[Row]:
    messages = Message.objects.filter(recipient=booking.student, reference=booking.ref)
    for message in messages.select_related("recipient").order_by("id"):
        subject, text = subject_and_text(message)
        yield instant(message.sent_at or message.queued_at), f"{subject}\n{text}"


def _receipts(booking: Booking) -> Iterator[Row]:
    steps = Step.objects.filter(operation__payment=booking.payment, state=Step.State.SUCCEEDED)
    for step in steps.order_by("answered_at", "id"):
        amount = f", {dollars(step.amount_cents)}" if step.amount_cents else ""
        yield instant(step.answered_at), f"{step.get_call_display()}{amount}, {step.object_id}"


def _files(booking: Booking) -> Iterator[Evidence]:
    of_booking = Q(report__booking=booking) | Q(dispute__booking=booking) | Q(chargeback__booking=booking)
    yield from Evidence.objects.filter(of_booking).exclude(file="").order_by("id")
