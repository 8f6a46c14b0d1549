"""What every page about one booking shares: whose it is, what may be done with it, and how a refusal is shown."""

from dataclasses import dataclass
from datetime import datetime

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse

from bookings import queries
from bookings.models import Booking
from bookings.operations import available_actions_on, facts_as_asked, party_of
from instainstru.accounts.models import User
from instainstru.accounts.requests import SignedInRequest
from instainstru.api.catalogue import CATALOGUE
from instainstru.refusals import Refused
from payments.policy.actions import INSTANT, AvailableAction, Choice, available_actions
from payments.policy.facts import Facts
from payments.policy.plan import Plan
from payments.policy.rules import Rules
from payments.policy.states import Party
from payments.policy.windows import authorization_due_at, unpaid_cancellation_due_at
from payments.rules import rules_of_version


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What cancelling does until an instant."""

    until: datetime
    sentence: str


def own_booking(user: User, ref: str) -> Booking:
    """Return a booking of this student or instructor with both sides, the card and `is_under_way`; else Http404."""
    own = queries.with_progress(queries.bookings_of(user)).select_related("payment__payer")
    return get_object_or_404(own, ref=ref)


def choices_open(booking: Booking, *, user: User, now: datetime) -> dict[Choice, AvailableAction]:
    """Return what this user may do with the booking now, each by its name."""
    open_now = available_actions_on(
        booking, party=party_of(booking, user), now=now, operation_under_way=is_under_way(booking)
    )
    return {action.choice: action for action in open_now}


def cancellation_outlook(booking: Booking, *, now: datetime) -> list[Outlook]:
    """Return what a student's cancelling does now, and what it will do in each window that is still to come (P3.1)."""
    facts, rules, since = facts_as_asked(booking), rules_of_version(booking.payment.policy_version), now
    outlook: list[Outlook] = []
    edges = [
        authorization_due_at(booking.starts_at, rules=rules),
        unpaid_cancellation_due_at(booking.starts_at, rules=rules),
        booking.starts_at,
    ]
    for until in edges:
        if until < since or (offered := _cancelling(facts, since, rules=rules)) is None:
            continue
        if outlook and outlook[-1].sentence == offered.sentence:
            outlook.pop()
        outlook.append(Outlook(until=until, sentence=offered.sentence))
        since = until + INSTANT
    return outlook


def is_under_way(booking: Booking) -> bool:
    """Return whether an operation on a booking of `own_booking` still waits for an answer."""
    return bool(booking.is_under_way)  # type: ignore[attr-defined]  # annotated by `with_progress`


def fresh_plan(refusal: Refused) -> Plan:
    """Return what the action would do now, of a refusal whose preview was stale."""
    plan = refusal.context["fresh"]
    assert isinstance(plan, Plan)
    return plan


def refused(request: SignedInRequest, refusal: Refused, *, back: str, back_label: str) -> HttpResponse:
    """Show why something was not done and what can be done instead, with the status that the API gives it."""
    context = {"refusal": refusal, "back": back, "back_label": back_label}
    return render(request, "bookings/refused.html", context, status=CATALOGUE[refusal.code].status)


def refused_on_booking(request: SignedInRequest, refusal: Refused, booking: Booking) -> HttpResponse:
    return refused(request, refusal, back=reverse("booking", args=[booking.ref]), back_label="Back to the lesson")


def _cancelling(facts: Facts, instant: datetime, *, rules: Rules) -> AvailableAction | None:
    open_then = available_actions(facts, Party.STUDENT, instant, rules=rules)
    return next((action for action in open_then if action.choice == Choice.CANCEL), None)
