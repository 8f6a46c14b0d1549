"""Tiers night by night from completed lessons, and the founding places, which are few (P1.2, P1.3)."""

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from django.db import transaction
from django.forms import modelform_factory

from bookings.forms import InstructorForm
from bookings.models import Instructor
from bookings.operations.tiers import evaluate_tiers
from payments.policy.states import BookingStatus, Tier
from payments.policy.tiers import FOUNDING_CAP
from tests.bookings.factories import BookingFactory, InstructorFactory, ServiceFactory
from tests.concurrency.meeting import at_once
from tests.factories import UserFactory
from tests.rules.standing import payment_of
from tests.stage import Stage

TONIGHT = datetime(2026, 6, 1, 3, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def taught(instructor: Instructor, *days_ago: float, status: BookingStatus = BookingStatus.COMPLETED) -> None:
    """Let lessons of an instructor have ended so many days before TONIGHT."""
    service, student = ServiceFactory(instructor=instructor), UserFactory()
    for days in days_ago:
        ended_at = TONIGHT - days * DAY
        BookingFactory(
            service=service,
            student=student,
            starts_at=ended_at - timedelta(hours=1),
            made_at=ended_at - 5 * DAY,
            holds_time=False,
            status=status,
            **_AS[status],
        )


_AS = {
    BookingStatus.COMPLETED: {"completed_at": TONIGHT},
    BookingStatus.CANCELLED: {"cancelled_at": TONIGHT, "cancelled_by": "student"},
    BookingStatus.CONFIRMED: {},
    BookingStatus.NO_SHOW: {},
}


def tier_of(instructor: Instructor) -> str:
    instructor.refresh_from_db()
    return instructor.tier


@pytest.mark.rule("P1.3")
@pytest.mark.django_db(transaction=True)
def test_the_lessons_of_30_days_decide() -> None:
    pro, growth, entry, lately = (InstructorFactory(tier=Tier.ENTRY) for _ in range(4))
    taught(pro, *range(1, 12))
    taught(growth, *range(1, 6))
    taught(entry, *range(1, 5), 30, 31)  # a lesson that ended exactly 30 days ago is past
    taught(lately, *range(1, 5), 29.99)

    assert evaluate_tiers(now=TONIGHT) == 3

    assert [tier_of(each) for each in (pro, growth, entry, lately)] == ["pro", "growth", "entry", "growth"]


@pytest.mark.rule("P1.3")
@pytest.mark.django_db(transaction=True)
def test_only_completed_lessons_count() -> None:
    instructor = InstructorFactory(tier=Tier.ENTRY)
    taught(instructor, 1, 2, 3, 4)
    for status in (BookingStatus.CANCELLED, BookingStatus.CONFIRMED, BookingStatus.NO_SHOW):
        taught(instructor, 5, 6, status=status)

    evaluate_tiers(now=TONIGHT)

    assert tier_of(instructor) == "entry"


@pytest.mark.rule("P1.3")
@pytest.mark.django_db(transaction=True)
def test_a_tier_goes_down_one_step_a_night_however_often_the_job_runs() -> None:
    instructor = InstructorFactory(tier=Tier.PRO)
    taught(instructor, 40)

    for _ in range(3):
        evaluate_tiers(now=TONIGHT)
    assert tier_of(instructor) == "growth"
    evaluate_tiers(now=TONIGHT + DAY)

    assert tier_of(instructor) == "entry"


@pytest.mark.rule("P1.3")
@pytest.mark.django_db(transaction=True)
def test_90_days_without_a_lesson_return_to_entry_at_once() -> None:
    rested, resting, new = (InstructorFactory(tier=Tier.PRO) for _ in range(3))
    taught(rested, 90)
    taught(resting, 89.9)

    evaluate_tiers(now=TONIGHT)

    assert [tier_of(each) for each in (rested, resting, new)] == ["entry", "growth", "entry"]


@pytest.mark.rule("P1.3")
@pytest.mark.django_db(transaction=True)
def test_founding_is_kept_for_life() -> None:
    founder = InstructorFactory(tier=Tier.FOUNDING)

    for night in range(100):
        evaluate_tiers(now=TONIGHT + night * DAY)

    assert tier_of(founder) == "founding"


def choose(instructor: Instructor, tier: Tier) -> bool:
    """Choose a tier on the back office's page, as it saves: checked and kept in one transaction."""
    form = modelform_factory(Instructor, form=InstructorForm, fields=["tier", "time_zone"])
    with transaction.atomic():
        filled_in = form({"tier": tier, "time_zone": instructor.time_zone}, instance=instructor)
        if filled_in.is_valid():
            filled_in.save()
    return filled_in.is_valid()


@pytest.mark.rule("P1.3")
@pytest.mark.django_db(transaction=True)
def test_staff_give_no_more_founding_places_than_there_are_and_take_none_away() -> None:
    InstructorFactory.create_batch(FOUNDING_CAP - 1, tier=Tier.FOUNDING)
    hopefuls = InstructorFactory.create_batch(8, tier=Tier.ENTRY)

    won = at_once([partial(choose, hopeful, Tier.FOUNDING) for hopeful in hopefuls])

    assert won.count(True) == 1
    assert Instructor.objects.filter(tier=Tier.FOUNDING).count() == FOUNDING_CAP
    winner = Instructor.objects.get(pk=hopefuls[won.index(True)].pk)
    assert choose(winner, Tier.FOUNDING)
    assert not choose(winner, Tier.PRO)
    assert choose(hopefuls[won.index(False)], Tier.GROWTH)
    evaluate_tiers(now=TONIGHT)
    assert (tier_of(winner), tier_of(hopefuls[won.index(False)])) == ("founding", "entry")


@pytest.mark.rule("P1.2")
@pytest.mark.rule("P1.3")
def test_a_changed_tier_leaves_a_booking_as_it_was_made(stage: Stage) -> None:
    booking = stage.book(hours_ahead=72)

    Instructor.objects.update(tier=Tier.ENTRY)
    later = stage.book(hours_ahead=74)
    stage.travel_to(later.ends_at + timedelta(hours=24), run_what_is_due_then=True)

    assert payment_of(booking).instructor_payout_cents == 10_560  # growth gives up 12 %
    assert payment_of(later).instructor_payout_cents == 10_200  # entry 15 %
