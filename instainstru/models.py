"""State that belongs to no domain: the travelling clock's offset, the API's idempotency keys, what staff did."""

from datetime import timedelta
from functools import partial

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from instainstru.references import new_reference


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


class StaffAction(models.Model):
    """One thing that a member of staff did or noted, and why. Append-only: the database refuses anything else.

    It is written in the commit of what it tells of. Its rights of its own are what staff may be given beside looking.
    """

    ref = models.CharField(max_length=24, unique=True, default=partial(new_reference, "sa"), editable=False)
    ticket = models.CharField(
        max_length=64, unique=True, help_text="Of the page it was confirmed on: the same page sent twice acts once."
    )
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    address = models.GenericIPAddressField(null=True, help_text="Where the request came from, as our proxies saw it.")
    action = models.CharField(max_length=40, help_text='What was done: "retry", "resolve", "note".')
    subject = models.CharField(  # an entry's cause and an id of Stripe's fit in
        max_length=255, help_text="The reference of what it was done to."
    )
    began = models.CharField(max_length=280, blank=True, help_text='What it began, such as "operation:bk_…-3".')
    reason = models.TextField()
    before = models.JSONField(default=dict, help_text="How it stood.")
    shown = models.JSONField(default=dict, help_text="What was to happen, as the page said.")
    after = models.JSONField(default=dict, help_text="How it stood when this was accepted.")
    done_at = models.DateTimeField(help_text="Product time.")
    written_at = models.DateTimeField(auto_now_add=True, help_text="The machine's time.")

    class Meta:
        default_permissions = ("view",)
        permissions = [
            ("write_notes", "Can write notes on bookings"),
            ("take_in_cases", "Can report a no-show and open a dispute"),
            ("rule_cases", "Can rule on no-shows and disputes"),
            ("move_money", "Can decide about money: retry, resolve, refund, cancel"),
            ("lift_locks", "Can lift the lock of an account"),
        ]
        constraints = [models.CheckConstraint(name="staff_action_says_why", condition=~Q(reason=""))]
        indexes = [
            models.Index(name="staff_actions_on_a_subject", fields=["subject", "done_at"]),
            models.Index(name="staff_actions_by_time", fields=["done_at", "id"]),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.subject}"
