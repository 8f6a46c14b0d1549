"""Bringing the demo's people in, through the same operations as everybody else. Once: what is there already stays."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from bookings.calendar import Hours
from bookings.models import Instructor
from bookings.operations import availability, profile
from instainstru import clock
from instainstru.accounts import operations as accounts
from instainstru.accounts.models import Role, User
from instainstru.local.demo import people
from instainstru.local.demo.client import press
from instainstru.local.demo.people import Learner, Teacher
from instainstru.local.scenarios.stage import save_card
from instainstru.local.simulator import SimulatorControl
from payments import operations as payments
from payments.gateway import client as stripe
from payments.models import JournalEntry, Payee, Payer

FUNDS = 50_000_00  # cents: the platform's top-ups and advances are paid from it
FUNDED = "funding:"  # how the ledger names the cause of booked funds
HOUR = 60  # minutes


class OutOfStep(Exception):
    """The database and the simulator don't belong together any more; the message says which of the two is missing."""


def require_in_step() -> None:
    """Make sure that the database and the simulator tell of the same marketplace. Raises OutOfStep.

    The first thing that either learns of the other is the platform's money, then come the instructors' accounts.
    """
    booked = set(JournalEntry.objects.filter(cause__startswith=FUNDED).values_list("stripe_object_id", flat=True))
    if booked - {top_up["id"] for top_up in _top_ups()}:
        raise OutOfStep("The database is there, and the Stripe simulator that belonged to it is gone.")
    if not booked and stripe.get("/v1/accounts", limit=1)["data"]:
        raise OutOfStep("The Stripe simulator is there, and the database that belonged to it is gone.")


def load(simulator: SimulatorControl) -> None:
    """Bring in everybody who is not there yet, and the platform's money. Interrupted, it goes on where it stopped."""
    _fund_platform(simulator)
    if not _there(people.STAFF_LOGIN):
        User.objects.create_superuser(people.address(people.STAFF_LOGIN), people.PASSWORD, name=people.STAFF_NAME)
    for teacher in people.TEACHERS:
        _bring_in_teacher(teacher)
    for learner in people.LEARNERS:
        _bring_in_learner(learner)


def _top_ups() -> list[dict[str, Any]]:
    return stripe.get("/v1/topups", limit=100)["data"]


def _fund_platform(simulator: SimulatorControl) -> None:
    """Fund the platform's balance once, and book what was funded and not booked when an earlier try was interrupted."""
    if not _top_ups():
        simulator.fund_platform(FUNDS)
    for top_up in _top_ups():
        if not JournalEntry.objects.filter(cause=f"{FUNDED}{top_up['id']}").exists():
            payments.record_funding(cents=top_up["amount"], stripe_object_id=top_up["id"], now=clock.now())


def _there(login: str) -> User | None:
    return User.objects.filter(email=people.address(login)).first()


def _register(login: str, name: str, *, role: Role, time_zone: str) -> User:
    return _there(login) or accounts.register(
        email=people.address(login), password=people.PASSWORD, name=name, role=role, time_zone=time_zone
    )


def _bring_in_teacher(teacher: Teacher) -> None:
    """Being payable comes last, so that whoever is has everything else."""
    user = _register(teacher.login, teacher.name, role=Role.INSTRUCTOR, time_zone=teacher.time_zone)
    if Payee.objects.filter(user=user, is_payable=True).exists():
        return
    described = {"headline": teacher.headline, "city": teacher.city, "languages": list(teacher.languages)}
    instructor = profile.change_profile(user=user, changes=described | {"time_zone": teacher.time_zone})
    for offer in teacher.offers:
        if not instructor.services.filter(title=offer.title).exists():
            profile.offer_service(
                instructor_id=instructor.pk,
                title=offer.title,
                category=offer.category,
                modality=offer.modality,
                hourly_price_cents=offer.price,
                durations=list(offer.minutes),
            )
    hours = Hours(teacher.opens * HOUR, teacher.closes * HOUR)
    availability.keep_weekly_hours(instructor_id=instructor.pk, hours=[(weekday, hours) for weekday in teacher.days])
    set_tier(teacher)
    profile.change_profile(user=user, changes={"is_listed": True})
    _onboard(user)


def set_tier(teacher: Teacher) -> None:
    """Do what staff do on an instructor's page; the nightly evaluation, which looks at lessons given, may undo it."""
    Instructor.objects.filter(user__email=people.address(teacher.login)).update(tier=teacher.tier)


def _onboard(user: User) -> None:
    """Go through Stripe's onboarding page as an instructor does, whose one button says "Complete"."""
    press(payments.onboarding_link(instructor=user, return_url=settings.SITE_URL, now=clock.now()), "complete")
    payments.refresh_account(payee=Payee.objects.get(user=user), now=clock.now())


def _bring_in_learner(learner: Learner) -> None:
    """A saved card comes last, so that whoever has one has everything else."""
    user = _register(learner.login, learner.name, role=Role.STUDENT, time_zone=learner.time_zone)
    if Payer.objects.filter(user=user).exclude(payment_method_id="").exists():
        return
    granted = f"demo:{learner.login}"
    if learner.credit and not JournalEntry.objects.filter(cause=granted).exists():
        payments.grant_credit(
            student=user, cents=learner.credit, source_key=granted, reason="A welcome", now=clock.now()
        )
    save_card(user, card=learner.card)
