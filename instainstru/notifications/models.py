"""The outbox: messages queued in the transaction that they tell of, sent later (design 2)."""

from datetime import datetime
from functools import partial
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from instainstru.claiming import ClaimableQuerySet
from instainstru.references import new_reference


class MessageQuerySet(ClaimableQuerySet["Message"]):
    def of(self, recipient: Any) -> Self:
        return self.filter(recipient=recipient)

    def unread(self) -> Self:
        return self.filter(read_at=None)

    def due(self, *, at: datetime) -> Self:
        """Messages whose next try to send them falls at or before that instant of product time."""
        return self.filter(next_try_at__lte=at)


class Message(models.Model):
    """One message to one user, sent by e-mail and shown in the product.

    `next_try_at` is empty once the message was sent or given up; `failure` then says which.
    """

    ref = models.CharField(max_length=24, unique=True, default=partial(new_reference, "ms"), editable=False)
    recipient = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="notices")
    key = models.CharField(max_length=64, help_text="Which kind of message; `kinds.py` declares them.")
    context = models.JSONField(default=dict, help_text="What the template is filled with.")
    reference = models.CharField(max_length=80, blank=True, help_text="What it is about, such as a booking's ref.")
    dedupe_key = models.CharField(max_length=120, help_text="What makes it the same message, so that it goes out once.")
    queued_at = models.DateTimeField()
    next_try_at = models.DateTimeField(null=True)
    claimed_until = models.DateTimeField(null=True)  # the wall's time: a lease never travels
    attempts = models.PositiveSmallIntegerField(default=0)
    failure = models.TextField(blank=True)
    sent_at = models.DateTimeField(null=True)
    read_at = models.DateTimeField(null=True)

    objects = MessageQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="message_is_queued_once", fields=["recipient", "key", "dedupe_key"]),
            models.CheckConstraint(
                name="message_sent_is_not_tried_again", condition=Q(sent_at=None) | Q(next_try_at=None)
            ),
        ]
        indexes = [
            models.Index(name="message_due", fields=["next_try_at"], condition=Q(next_try_at__isnull=False)),
            models.Index(name="message_of_recipient", fields=["recipient", "-id"]),
            models.Index(name="message_by_reference", fields=["reference"]),
            models.Index(name="message_unread", fields=["recipient"], condition=Q(read_at=None)),
        ]

    def __str__(self) -> str:
        return f"{self.ref} {self.key}"
