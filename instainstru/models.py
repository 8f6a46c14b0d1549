"""State that belongs to no domain: the travelling clock's offset and the API's idempotency keys."""

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models import F, Q


class ClockOffset(models.Model):
    """How far product time is ahead of the wall, one row for the whole demo (design 7)."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    ahead = models.DurationField(default=timedelta)

    class Meta:
        constraints = [
            models.CheckConstraint(name="there_is_one_clock", condition=Q(id=1)),
            models.CheckConstraint(name="the_clock_is_never_behind", condition=Q(ahead__gte=timedelta(0))),
        ]

    def __str__(self) -> str:
        return f"ahead by {self.ahead}"

    @classmethod
    def current(cls) -> timedelta:
        return cls.objects.values_list("ahead", flat=True).filter(id=1).first() or timedelta(0)

    @classmethod
    def add(cls, distance: timedelta) -> timedelta:
        cls.objects.get_or_create(id=1)
        cls.objects.filter(id=1).update(ahead=F("ahead") + distance)
        return cls.current()


class IdempotentRequest(models.Model):
    """One POST that came with an `Idempotency-Key`: what it asked for and what it began (design 8)."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of method, path and body.")
    subject = models.CharField(max_length=80, help_text='What it began, such as "operation:4711".')
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(name="idempotency_key_used_once_per_user", fields=["user", "key"])]

    def __str__(self) -> str:
        return f"{self.key} → {self.subject}"
