"""One booking's money, from checkout to settlement."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import F, Q

from instainstru.claiming import ClaimableQuerySet
from instainstru.rows import RemembersWhatWasRead
from payments.models.choices import choices_of
from payments.models.parties import Payee, Payer
from payments.policy.pricing import Terms
from payments.policy.states import STOPS, Outcome, PaymentStatus, ReviewReason, Tier

OPEN = "open"  # an operation's state that holds the payment's only place (design 4)


class PaymentQuerySet(ClaimableQuerySet["Payment"]):
    def due_for_authorization(self, *, at: datetime) -> Self:
        """P5.1 and the retries of P10.1."""
        return self.filter(authorize_at__lte=at)

    def due_for_expiry(self, *, at: datetime) -> Self:
        """An unpaid checkout (P5.2) or an unpaid lesson at T−12 h (P10.1)."""
        return self.filter(expire_at__lte=at)

    def due_for_warning(self, *, at: datetime) -> Self:
        """The final warning of P10.1."""
        return self.filter(warn_at__lte=at)

    def due_for_settlement(self, *, at: datetime) -> Self:
        """P5.5"""
        return self.filter(settle_at__lte=at)

    def due_to_lapse(self, *, at: datetime) -> Self:
        """Whose hold the bank has let go of by itself (P2.6)."""
        return self.filter(capture_before__lte=at)

    def without_open_operation(self) -> Self:
        return self.exclude(operations__state=OPEN)


class Payment(RemembersWhatWasRead):
    """The money of one booking. Its terms are frozen when it is made (P1.2); amounts are cents, instants UTC.

    The lesson's start and end stand here too and move with it, so that the sweeps need not know what a lesson is.
    """

    number_under_way: int | None  # of the open operation; only if read so, or noted (`payments.queries`)

    reference = models.CharField(max_length=24, unique=True, help_text="The booking's reference; keys are made of it.")
    payer = models.ForeignKey(Payer, models.PROTECT, related_name="payments")
    payee = models.ForeignKey(Payee, models.PROTECT, related_name="payments")
    made_at = models.DateTimeField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()

    # Frozen terms (P1.2)
    policy_version = models.CharField(max_length=20)
    tier = models.CharField(max_length=20, choices=choices_of(Tier))
    student_fee_rate = models.PositiveIntegerField(help_text="Basis points.")
    instructor_fee_rate = models.PositiveIntegerField(help_text="Basis points.")
    lesson_price_cents = models.PositiveBigIntegerField()
    student_fee_cents = models.PositiveBigIntegerField()
    instructor_fee_cents = models.PositiveBigIntegerField()
    credits_cents = models.PositiveBigIntegerField(default=0, help_text="Credits reserved for this booking.")

    # State (P4.2, P4.3)
    status = models.CharField(max_length=30, choices=choices_of(PaymentStatus))
    former_status = models.CharField(max_length=30, choices=choices_of(PaymentStatus), blank=True)
    review_reason = models.CharField(max_length=30, choices=choices_of(ReviewReason), blank=True)
    review_error = models.TextField(blank=True, help_text="What Stripe said.")
    review_since = models.DateTimeField(null=True, blank=True)
    settlement_outcome = models.CharField(max_length=40, choices=choices_of(Outcome), blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)

    # What a case's freeze lies over, and what returns with its end (P4.3, P8.1); empty while no case is open.
    kept_status = models.CharField(max_length=30, choices=choices_of(PaymentStatus), blank=True)
    kept_former_status = models.CharField(max_length=30, choices=choices_of(PaymentStatus), blank=True)
    kept_review_reason = models.CharField(max_length=30, choices=choices_of(ReviewReason), blank=True)
    kept_review_error = models.TextField(blank=True)
    kept_review_since = models.DateTimeField(null=True, blank=True)

    # When the clockwork has something to do; null when it has not.
    authorize_at = models.DateTimeField(null=True, blank=True)
    expire_at = models.DateTimeField(null=True, blank=True)
    settle_at = models.DateTimeField(null=True, blank=True)
    warn_at = models.DateTimeField(null=True, blank=True, help_text="The final warning before it is cancelled unpaid.")
    claimed_until = models.DateTimeField(null=True, blank=True, help_text="A worker's lease, by the wall clock.")

    # Where Stripe stands (P2.4)
    intent_id = models.CharField(max_length=64, blank=True, help_text="The intent that holds or has charged the card.")
    charge_id = models.CharField(max_length=64, blank=True)
    transfer_id = models.CharField(max_length=64, blank=True, help_text="The charge's own transfer.")
    capture_before = models.DateTimeField(null=True, blank=True, help_text="When Stripe lets the hold lapse (P2.6).")
    pending_intent_id = models.CharField(max_length=64, blank=True, help_text="Waits for the student's confirmation.")
    pending_intent_url = models.URLField(max_length=500, blank=True)
    authorized_cents = models.PositiveBigIntegerField(default=0, help_text="The live hold.")
    captured_cents = models.PositiveBigIntegerField(default=0)
    charge_transfer_cents = models.PositiveBigIntegerField(default=0, help_text="Moved by the charge's own transfer.")
    charge_transfer_reversed_cents = models.PositiveBigIntegerField(default=0)
    paid_cents = models.PositiveBigIntegerField(default=0, help_text="Moved by explicit transfers.")
    charged_back_cents = models.PositiveBigIntegerField(
        default=0, help_text="Taken back by the cardholder's bank and not returned."
    )

    # What a refused card has led to so far (P10.1)
    authorization_refusals = models.PositiveSmallIntegerField(default=0)
    refused_at = models.DateTimeField(null=True, blank=True, help_text="The clockwork's last refused try.")
    refusal_code = models.CharField(max_length=64, blank=True)

    collection_refused_at = models.DateTimeField(
        null=True, blank=True, help_text="First refusal at settlement: the 72 hours of P10.2 run from it."
    )
    owed_cents = models.PositiveBigIntegerField(
        default=0, help_text="The student owes it since the payout was advanced."
    )

    # The LOCK (P6.2)
    late_reschedule_used = models.BooleanField(default=False)
    locked_at = models.DateTimeField(null=True, blank=True)
    locked_from_start = models.DateTimeField(null=True, blank=True, help_text="The start that the lesson moved from.")
    lock_resolved_at = models.DateTimeField(null=True, blank=True)
    lock_resolution = models.CharField(max_length=40, choices=choices_of(Outcome), blank=True)

    # Staff refunds (P8.6)
    refunded_at_instructors_cost_cents = models.PositiveBigIntegerField(default=0)
    taken_back_cents = models.PositiveBigIntegerField(default=0, help_text="From the instructor, for staff refunds.")

    # What really happened (P4.4)
    student_credit_cents = models.PositiveBigIntegerField(default=0)
    refunded_to_card_cents = models.PositiveBigIntegerField(default=0)
    credits_forfeited_cents = models.PositiveBigIntegerField(default=0)
    credits_released_cents = models.PositiveBigIntegerField(default=0)
    credits_consumed_cents = models.PositiveBigIntegerField(default=0)

    objects = PaymentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(name="payment_ends_after_it_starts", condition=Q(ends_at__gt=F("starts_at"))),
            models.CheckConstraint(
                name="payment_credits_pay_for_the_lesson_only", condition=Q(credits_cents__lte=F("lesson_price_cents"))
            ),
            models.CheckConstraint(
                name="payment_status_is_one_of_six", condition=Q(status__in=[word.value for word in PaymentStatus])
            ),
            models.CheckConstraint(
                name="settled_payment_has_an_outcome",
                condition=~Q(status=PaymentStatus.SETTLED) | ~Q(settlement_outcome=""),
            ),
            models.CheckConstraint(
                name="outcome_belongs_to_settled_or_review",
                condition=Q(settlement_outcome="")
                | Q(status__in=[PaymentStatus.SETTLED.value, PaymentStatus.MANUAL_REVIEW.value]),
            ),
            models.CheckConstraint(
                name="manual_review_has_a_reason_and_only_it",
                condition=Q(status=PaymentStatus.MANUAL_REVIEW, review_since__isnull=False) & ~Q(review_reason="")
                | ~Q(status=PaymentStatus.MANUAL_REVIEW) & Q(review_reason="", former_status=""),
            ),
            models.CheckConstraint(
                name="frozen_payment_is_in_review",
                condition=Q(kept_status="", kept_former_status="", kept_review_reason="", kept_review_since=None)
                | Q(status=PaymentStatus.MANUAL_REVIEW.value) & ~Q(kept_status=""),
            ),
            models.CheckConstraint(
                name="refunded_never_exceeds_captured",
                condition=Q(refunded_to_card_cents__lte=F("captured_cents")),
            ),
            models.CheckConstraint(
                name="captured_never_exceeds_the_card_total",
                condition=Q(captured_cents__lte=F("lesson_price_cents") - F("credits_cents") + F("student_fee_cents")),
            ),
            models.CheckConstraint(
                name="settled_payment_waits_for_nothing",
                condition=~Q(status=PaymentStatus.SETTLED)
                | Q(authorize_at=None, expire_at=None, settle_at=None, authorized_cents=0, pending_intent_id=""),
            ),
        ]
        indexes = [
            # One small partial index behind each sweep: settled payments are not in them, however many there are.
            models.Index("authorize_at", "id", name="payment_authorize_at", condition=Q(authorize_at__isnull=False)),
            models.Index("expire_at", "id", name="payment_expire_at", condition=Q(expire_at__isnull=False)),
            models.Index("warn_at", "id", name="payment_warn_at", condition=Q(warn_at__isnull=False)),
            models.Index("settle_at", "id", name="payment_settle_at", condition=Q(settle_at__isnull=False)),
            models.Index(
                "capture_before", "id", name="payment_capture_before", condition=Q(capture_before__isnull=False)
            ),
            # What Stripe's events and the bank name a payment by.
            models.Index("intent_id", name="payment_intent"),
            models.Index("pending_intent_id", name="payment_pending_intent"),
            models.Index("charge_id", name="payment_charge"),
            models.Index("transfer_id", name="payment_transfer"),
            models.Index(
                "review_since", name="payment_in_review", condition=Q(status=PaymentStatus.MANUAL_REVIEW.value)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reference} {self.status}"

    @property
    def terms(self) -> Terms:
        return Terms(
            lesson_price=self.lesson_price_cents,
            student_fee=self.student_fee_cents,
            instructor_fee=self.instructor_fee_cents,
            credits=self.credits_cents,
        )

    def forget_hold(self) -> None:
        """Nothing is held on the card any more; whoever needs it next holds it anew. The caller saves it."""
        self.authorized_cents = 0
        self.capture_before = None

    def forget_pending(self) -> None:
        """Nothing waits for the student's confirmation any more. The caller saves it."""
        self.pending_intent_id = self.pending_intent_url = ""

    @property
    def is_frozen(self) -> bool:
        """Whether a case is open (P8.1); a stop of P10.3 is none."""
        return bool(self.kept_status)

    @property
    def is_stopped(self) -> bool:
        """Whether it waits for staff after Stripe's definite no (P10.3); a case is none."""
        return self.status == PaymentStatus.MANUAL_REVIEW and self.review_reason in STOPS

    @property
    def instructor_payout_cents(self) -> int:
        """Transfers less reversals: what the instructor holds for this booking (P4.4)."""
        return self.charge_transfer_cents - self.charge_transfer_reversed_cents + self.paid_cents
