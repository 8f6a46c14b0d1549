"""What staff may be given: two groups, each with what it may do (`manage.py sync_groups` writes them)."""

from dataclasses import dataclass

from django.contrib.auth.models import Group, Permission
from django.db import transaction

WRITE_NOTES = "instainstru.write_notes"
TAKE_IN_CASES = "instainstru.take_in_cases"  # report a no-show, open a dispute: it freezes, and moves nothing
RULE_CASES = "instainstru.rule_cases"  # and speak for us in a chargeback
MOVE_MONEY = "instainstru.move_money"
LIFT_LOCKS = "instainstru.lift_locks"
REPLAY_EVENTS = "payments.replay_stripeevent"

# Whose rows every group may look at: our own apps, and Stripe's objects as dj-stripe mirrors them.
SEEN = ("instainstru", "accounts", "notifications", "credits", "payments", "bookings", "disputes", "djstripe")


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffGroup:
    """A group of staff. Everybody in one may look at everything; `rights` are what they may do beside it."""

    name: str
    rights: tuple[str, ...]


GROUPS = (
    StaffGroup(name="Support", rights=(WRITE_NOTES, REPLAY_EVENTS, TAKE_IN_CASES)),
    StaffGroup(
        name="Finance",
        rights=(WRITE_NOTES, REPLAY_EVENTS, TAKE_IN_CASES, RULE_CASES, MOVE_MONEY, LIFT_LOCKS),
    ),
)


def sync_groups() -> None:
    """Make every group and give it exactly what is declared here; whoever is in one stays in it."""
    looks = list(Permission.objects.filter(codename__startswith="view_", content_type__app_label__in=SEEN))
    with transaction.atomic():
        for declared in GROUPS:
            group, _ = Group.objects.get_or_create(name=declared.name)
            group.permissions.set([*looks, *(_permission(right) for right in declared.rights)])


def _permission(name: str) -> Permission:
    app_label, _, codename = name.partition(".")
    return Permission.objects.get(content_type__app_label=app_label, codename=codename)
