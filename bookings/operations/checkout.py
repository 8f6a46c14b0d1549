"""Booking a lesson: the quote, and the checkout that holds the card or promises to (P5.1 to P5.4)."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import OperationalError, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from psycopg.errors import DeadlockDetected

from bookings.calendar import Obstacle, Span, obstacle_to
from bookings.models import Booking, Instructor, OccupiedTime, Service
from bookings.operations.subject import BookingSubject
from bookings.queries import calendar_of
from instainstru.accounts.models import User
from instainstru.api.idempotency import IdempotencyKey
from instainstru.refusals import Refused
from payments import operations as payments
from payments.models import Operation, Payee, Payer
from payments.policy.decide import decide
from payments.policy.facts import Facts
from payments.policy.plan import Plan
from payments.policy.pricing import Terms, is_lesson_length, price_booking
from payments.policy.rules import Rules
from payments.policy.states import Action, BookingStatus, Party, PaymentStatus, Tier
from payments.rules import rules_in_force


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What a lesson would cost and how it would be paid, if it were booked now. Amounts are cents."""

    terms: Terms
    plan: Plan
    tier: Tier
    student_fee_rate: int  # basis points, as the next
    instructor_fee_rate: int
    starts_at: datetime
    ends_at: datetime

    @property
    def digest(self) -> str:
        """Fingerprint of what a student agrees to: the amounts, and what booking does with them."""
        return _fingerprint(self.terms, self.plan.digest)


def quote(*, service: Service, starts_at: datetime, minutes: int, credits: int, now: datetime) -> Quote:
    """Price a lesson without booking it (policy section 1).

    Raises Refused: "lesson_started", "credits_unavailable" for more credits than it costs.
    """
    rules, tier = rules_in_force(at=now), Tier(service.instructor.tier)
    terms = _terms(service, minutes=minutes, credits=credits, tier=tier, rules=rules)
    ends_at = starts_at + timedelta(minutes=minutes)
    facts = Facts(
        terms=terms,
        booking_status=BookingStatus.PENDING,
        payment_status=PaymentStatus.PAYMENT_METHOD_REQUIRED,
        outcome=None,
        made_at=now,
        starts_at=starts_at,
        ends_at=ends_at,
    )
    plan = decide(facts, Action.CHECKOUT, now, rules=rules)
    return Quote(
        terms=terms,
        plan=plan,
        tier=tier,
        student_fee_rate=rules.student_fee_rate,
        instructor_fee_rate=rules.tier_rates[tier],
        starts_at=starts_at,
        ends_at=ends_at,
    )


def checkout(
    *,
    student: User,
    service: Service,
    starts_at: datetime,
    minutes: int,
    credits: int,
    now: datetime,
    note: str = "",
    preview: str | None = None,
    idempotency_key: IdempotencyKey | None = None,
) -> Operation:
    """Book a lesson: confirmed at once a day or more ahead (P5.1), else as soon as the card is held (P5.2).

    No transaction may be open. A card that is refused leaves a pending booking that the student may still pay for; the
    operation's `refusal_code` says so. `preview` is the digest of the quote, if one was shown.
    Raises Refused: "payment_method_required" without a saved card, "account_locked" (P9.4, P10.2),
    "slot_unavailable" (P5.3, P5.4), "lesson_started",
    "credits_unavailable", "preview_stale".
    """
    try:
        operation = _accept(
            student=student,
            service=service,
            lesson=Span(starts_at, starts_at + timedelta(minutes=minutes)),
            credits=credits,
            note=note,
            preview=preview,
            idempotency_key=idempotency_key,
            now=now,
        )
    except OperationalError as error:
        if isinstance(error.__cause__, DeadlockDetected):  # two checkouts wanted each other's time
            raise Refused("slot_unavailable") from error
        raise
    operation = payments.perform(operation)
    if operation.refusal_code == "slot_unavailable":  # P5.3: taken while Stripe was asked; the hold is voided
        raise Refused("slot_unavailable")
    return operation


def _accept(
    *,
    student: User,
    service: Service,
    lesson: Span,
    credits: int,
    note: str,
    preview: str | None,
    idempotency_key: IdempotencyKey | None,
    now: datetime,
) -> Operation:
    with transaction.atomic(durable=True):
        # Instructor, then student, so that their checkouts come one after the other (design 2). Without their keys:
        # who holds a booking or a wallet writes rows that refer to them, and may not be what we wait for.
        instructors = Instructor.objects.select_for_update(of=("self",), no_key=True).select_related("user__payee")
        instructor = instructors.get(pk=service.instructor_id)
        User.objects.select_for_update(no_key=True).only("pk").get(pk=student.pk)
        payer, payee = _payer(student), _payee(instructor)
        _require_free(instructor, student, lesson, now=now)
        rules, tier = rules_in_force(at=now), Tier(instructor.tier)
        terms = _terms(service, minutes=_minutes(lesson), credits=credits, tier=tier, rules=rules)
        booking = Booking(
            student=student,
            instructor=instructor,
            service=service,
            status=BookingStatus.PENDING,
            starts_at=lesson.starts_at,
            ends_at=lesson.ends_at,
            minutes=_minutes(lesson),
            modality=service.modality,
            time_zone=instructor.time_zone,
            buffer_minutes=instructor.buffer_minutes,
            service_title=service.title,
            student_note=note,
            made_at=now,
        )
        booking.payment = payments.open_payment(
            reference=booking.ref,
            payer=payer,
            payee=payee,
            terms=terms,
            tier=tier,
            rules=rules,
            starts_at=lesson.starts_at,
            ends_at=lesson.ends_at,
            now=now,
        )
        booking.save_changes()
        operation = payments.accept(
            BookingSubject(booking), Action.CHECKOUT, party=Party.STUDENT, actor=student, now=now, so_far=(), runs=True
        )
        if preview not in (None, _fingerprint(terms, operation.digest)):
            raise Refused("preview_stale")
        if operation.refusal_code:
            raise Refused(operation.refusal_code)  # nothing was asked of Stripe, so nothing has to remain
        if idempotency_key:
            idempotency_key.record(f"operation:{operation.reference}")
    return operation


def _fingerprint(terms: Terms, plan_digest: str) -> str:
    """A plan that only promises to hold the card (P5.1) holds no amounts, so they are added."""
    agreed = f"{terms.lesson_price}+{terms.student_fee}-{terms.credits}:{plan_digest}"
    return hashlib.sha256(agreed.encode()).hexdigest()[:32]


def _payer(student: User) -> Payer:
    payer = Payer.objects.with_lock().filter(user=student).first()
    if payer is None or not payer.has_card:
        raise Refused("payment_method_required")
    if payer.found_locked:
        raise Refused("account_locked")
    return payer


def _payee(instructor: Instructor) -> Payee:
    payee: Payee | None = getattr(instructor.user, "payee", None)
    if payee is None or not payee.is_payable:  # without a payable account nothing can be booked
        raise Refused("slot_unavailable")
    return payee


def _require_free(instructor: Instructor, student: User, lesson: Span, *, now: datetime) -> None:
    """Look before asking for money; that nobody was quicker is for the exclusion constraints to say (P5.4)."""
    calendar = calendar_of(instructor, since=lesson.starts_at, until=lesson.ends_at)
    match obstacle_to(lesson, calendar=calendar, now=now):
        case None:
            pass
        case Obstacle.STARTED:
            raise Refused("lesson_started")
        case _:
            raise Refused("slot_unavailable")
    during = DateTimeTZRange(lesson.starts_at, lesson.ends_at)
    if OccupiedTime.objects.filter(student=student, student_during__overlap=during).exists():
        raise Refused("slot_unavailable")


def _terms(service: Service, *, minutes: int, credits: int, tier: Tier, rules: Rules) -> Terms:
    if not is_lesson_length(minutes, rules=rules) or minutes not in service.durations:
        raise Refused("slot_unavailable")
    return price_booking(
        hourly_price=service.hourly_price_cents, minutes=minutes, tier=tier, credits=credits, rules=rules
    )


def _minutes(lesson: Span) -> int:
    return (lesson.ends_at - lesson.starts_at) // timedelta(minutes=1)
