"""The double-entry ledger's two tables (design 5). The database refuses updates, deletes and entries out of balance."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from payments.models.choices import choices_of
from payments.models.inbox import StripeEvent
from payments.models.operations import Operation
from payments.models.payment import Payment
from payments.policy.accounts import Account


class JournalEntry(models.Model):
    """One moment at which money moved, with what caused it. Its postings sum to zero."""

    cause = models.CharField(
        max_length=120,
        unique=True,
        help_text='What caused it, once: "step:12", "operation:7:finish", "stripe:re_…", "grant:…".',
    )
    operation = models.ForeignKey(Operation, models.PROTECT, null=True, blank=True, related_name="entries")
    event = models.ForeignKey(
        StripeEvent, models.PROTECT, null=True, blank=True, related_name="entries",
        help_text="What Stripe told us, where nothing of ours caused it (P8.8).",
    )  # fmt: skip
    payment = models.ForeignKey(Payment, models.PROTECT, null=True, blank=True, related_name="entries")
    rule = models.CharField(max_length=20)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    stripe_object_id = models.CharField(max_length=64, blank=True)
    description = models.CharField(max_length=200)
    occurred_at = models.DateTimeField(help_text="Product time.")
    written_at = models.DateTimeField(auto_now_add=True, help_text="The machine's time.")

    class Meta:
        verbose_name_plural = "journal entries"
        indexes = [models.Index("occurred_at", "id", name="journal_by_time")]

    def __str__(self) -> str:
        return f"{self.cause} {self.description}"


class Posting(models.Model):
    """One line of an entry: debit positive, credit negative, in cents."""

    entry = models.ForeignKey(JournalEntry, models.PROTECT, related_name="postings")
    account = models.CharField(max_length=30, choices=choices_of(Account))
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+",
        help_text="Whose account it is, where each instructor or student has one.",
    )  # fmt: skip
    payment = models.ForeignKey(Payment, models.PROTECT, null=True, blank=True, related_name="postings")
    amount_cents = models.BigIntegerField(help_text="Debit positive, credit negative.")
    currency = models.CharField(max_length=3, default="usd")

    class Meta:
        constraints = [
            models.CheckConstraint(name="posting_moves_something", condition=~Q(amount_cents=0)),
            models.CheckConstraint(name="posting_is_in_dollars", condition=Q(currency="usd")),
        ]
        indexes = [
            models.Index("account", "owner", name="posting_by_account", include=["amount_cents"]),
            models.Index("payment", "account", name="posting_by_payment", include=["amount_cents"]),
        ]

    def __str__(self) -> str:
        return f"{self.account} {self.amount_cents}"
