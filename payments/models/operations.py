"""Operations and their steps: what was decided, how far it got, and what Stripe answered (design 4)."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from payments.models.choices import choices_of
from payments.models.payment import OPEN, Payment
from payments.policy.states import Action, Call, Fault, Party


class OperationQuerySet(models.QuerySet["Operation"]):
    def open(self) -> Self:
        return self.filter(state=OPEN)

    def waiting(self) -> Self:
        """Accepted while another operation was under way, to be decided when that one ends (P7.11)."""
        return self.filter(state=Operation.State.WAITING)

    def stuck(self) -> Self:
        """Stopped by a definite no, until staff retry or resolve it (P10.3)."""
        return self.filter(state=Operation.State.STUCK)

    def halted(self) -> Self:
        """Begun, and kept by an open case from sending anything further (P8.1)."""
        return self.filter(state=Operation.State.HALTED)

    def in_flight(self) -> Self:
        """Begun, and neither ended nor stopped for staff."""
        return self.filter(state__in=[Operation.State.OPEN, Operation.State.HALTED, Operation.State.WAITING])

    def resumable(self, *, now: datetime, wall: datetime) -> Self:
        """Open, not leased to a living runner, and not waiting for the next repeat of an unanswered call (P10.4)."""
        return (
            self.open()
            .filter(Q(resume_at=None) | Q(resume_at__lte=now))
            .filter(Q(leased_until=None) | Q(leased_until__lt=wall))
        )


class Operation(models.Model):
    """One accepted action on one payment, with the plan that it carries out."""

    class State(models.TextChoices):
        OPEN = OPEN, "Open"
        WAITING = "waiting", "Waits for another operation's end"
        STUCK = "stuck", "Waits for staff"
        HALTED = "halted", "Halted by a case"
        DONE = "done", "Done"

    payment = models.ForeignKey(Payment, models.PROTECT, related_name="operations")
    number = models.PositiveIntegerField(help_text="First, second, third … of its payment; keys are made of it.")
    kind = models.CharField(max_length=30, choices=choices_of(Action))
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    policy_version = models.CharField(max_length=20)
    rule = models.CharField(max_length=20)
    plan = models.JSONField(help_text="What was decided, as it was shown.")
    digest = models.CharField(max_length=64, help_text="Fingerprint of the plan's consequences.")
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    party = models.CharField(max_length=20, choices=choices_of(Party))
    accepted_at = models.DateTimeField(help_text="The instant that windows are judged by (P3.1).")
    inputs = models.JSONField(default=dict, blank=True)
    succeeds = models.OneToOneField(
        "self", models.PROTECT, null=True, blank=True, related_name="successor", help_text="The one it goes on from."
    )
    conclusion = models.JSONField(null=True, blank=True, help_text="How it ended.")
    gave = models.BooleanField(default=False, help_text="What its end gives was given, though a call was refused.")
    resolution = models.TextField(blank=True, help_text="Why staff gave up what was refused.")
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", help_text="Who gave it up."
    )
    refusal_code = models.CharField(max_length=64, blank=True, help_text="What the one who asked was told, if refused.")
    finished_at = models.DateTimeField(null=True, blank=True)

    resume_at = models.DateTimeField(null=True, blank=True, help_text="When an unanswered call is repeated.")
    leased_until = models.DateTimeField(null=True, blank=True, help_text="By the wall clock.")
    lease_token = models.CharField(max_length=32, blank=True)

    objects = OperationQuerySet.as_manager()

    # Not stored. Set by who has just begun it, and so holds its lease: its steps, of which the first is to be sent.
    begun_with: tuple[Step, ...] = ()
    # Neither are these. Set by who has just ended it, if nothing goes on from it: nobody has to look again.
    ended_alone = False
    ended_with: tuple[Step, ...] = ()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="payment_has_one_open_operation", fields=["payment"], condition=Q(state=OPEN)),
            models.UniqueConstraint(name="operation_number_is_unique_per_payment", fields=["payment", "number"]),
            models.CheckConstraint(
                name="done_operation_says_when_and_how",
                condition=Q(state__in=[OPEN, "waiting", "halted"])
                | Q(finished_at__isnull=False, conclusion__isnull=False),
            ),
        ]
        indexes = [
            models.Index("resume_at", "id", name="operation_open", condition=Q(state=OPEN)),
            models.Index("payment", "number", name="operation_waiting", condition=Q(state="waiting")),
            models.Index("payment", "number", name="operation_stuck", condition=Q(state="stuck")),
        ]

    def __str__(self) -> str:
        return f"{self.payment.reference}/{self.number} {self.kind}"

    @property
    def is_done(self) -> bool:
        return self.state == self.State.DONE

    @property
    def is_in_flight(self) -> bool:
        """Begun, and neither ended nor stopped for staff."""
        return self.state in (self.State.OPEN, self.State.HALTED, self.State.WAITING)

    @property
    def reference(self) -> str:
        """Its public name: the booking's reference and its number."""
        return f"{self.payment.reference}-{self.number}"


class Step(models.Model):
    """One Stripe call of an operation. The row is never deleted; a retry after a definite no is a new attempt."""

    class State(models.TextChoices):
        PLANNED = "planned", "Planned"
        SENT = "sent", "Sent, answer unknown"
        SUCCEEDED = "succeeded", "Succeeded"
        REFUSED = "refused", "Refused"
        ACTION_REQUIRED = "action_required", "Wants the student's confirmation"
        SKIPPED = "skipped", "Skipped"
        ABSENT = "absent", "Provably without effect"

    operation = models.ForeignKey(Operation, models.PROTECT, related_name="steps")
    ordinal = models.PositiveSmallIntegerField()
    attempt = models.PositiveSmallIntegerField(default=1)
    call = models.CharField(max_length=20, choices=choices_of(Call))
    amount_cents = models.PositiveBigIntegerField()
    transfer_cents = models.PositiveBigIntegerField(default=0, help_text="What the charge's own transfer carries.")
    state = models.CharField(max_length=20, choices=State, default=State.PLANNED)
    idempotency_key = models.CharField(max_length=120, unique=True)
    api_version = models.CharField(max_length=30)
    parameters = models.JSONField(default=dict, help_text="Exactly what is sent; filled in when it is first sent.")

    first_sent_at = models.DateTimeField(null=True, blank=True, help_text="By the wall clock: keys age at Stripe.")
    times_sent = models.PositiveIntegerField(default=0)
    unknown_because = models.TextField(blank=True)

    answered_at = models.DateTimeField(null=True, blank=True)
    object_id = models.CharField(max_length=64, blank=True)
    answer = models.JSONField(default=dict, blank=True)
    fault = models.CharField(max_length=20, choices=choices_of(Fault), blank=True)
    error_code = models.CharField(max_length=64, blank=True)
    error_message = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="step_attempt_is_unique_per_operation", fields=["operation", "ordinal", "attempt"]
            ),
            models.UniqueConstraint(
                name="operation_has_one_sent_step", fields=["operation"], condition=Q(state="sent")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.ordinal}. {self.call} {self.amount_cents} {self.state}"
