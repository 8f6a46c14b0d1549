"""The demo's people: brought in once, whole, and in step with the simulator that knows their accounts."""

from typing import Any

import pytest
from django.db.models import Q

from bookings.models import Instructor, Service
from bookings.queries import instructors_listed
from credits.queries import balance_of
from instainstru import clock
from instainstru.accounts.models import User
from instainstru.local.demo import data, people
from instainstru.local.demo.data import OutOfStep
from instainstru.local.demo.story import STORY
from payments.ledger import books
from payments.models import JournalEntry, Payer
from payments.policy.rules import DEFAULT_RULES
from payments.policy.states import Modality

BELOW_THE_FLOOR = Q(modality=Modality.ONLINE, hourly_price_cents__lt=DEFAULT_RULES.price_floors[Modality.ONLINE]) | Q(
    modality=Modality.IN_PERSON, hourly_price_cents__lt=DEFAULT_RULES.price_floors[Modality.IN_PERSON]
)


def everything() -> dict[str, Any]:
    return {
        "users": list(User.objects.order_by("id").values_list("email", "role")),
        "services": list(Service.objects.order_by("id").values()),
        "cards": list(Payer.objects.order_by("id").values()),
        "entries": JournalEntry.objects.count(),
    }


def test_everybody_can_do_business(stripe):
    data.load(stripe)

    assert instructors_listed().count() == len(people.TEACHERS) >= 12
    assert Instructor.objects.values("time_zone").distinct().count() >= 10
    assert not Service.objects.filter(BELOW_THE_FLOOR).exists()
    assert Payer.objects.exclude(payment_method_id="").count() == len(people.LEARNERS)
    visitor = User.objects.get(email=people.address("student"))
    assert balance_of(student_id=visitor.pk, at=clock.now()).available == people.CREDIT
    assert books.findings(ask_stripe=True) == []


def test_everybody_logs_in_with_the_password_that_is_printed(stripe, client):
    data.load(stripe)

    for login in ("student", "declined", "3ds", "instructor", people.STAFF_LOGIN):
        assert client.login(username=people.address(login), password=people.PASSWORD)


def test_a_second_time_changes_nothing(stripe):
    data.load(stripe)
    before = everything()

    data.load(stripe)

    assert everything() == before
    data.require_in_step()


@pytest.mark.parametrize("step", ["_onboard", "save_card", "set_tier"])
def test_an_interrupted_loading_goes_on_where_it_stopped(stripe, monkeypatch, step):
    class Interrupted(Exception):
        pass

    def interrupt(*args: object, **kwargs: object) -> None:
        raise Interrupted

    with monkeypatch.context() as patched, pytest.raises(Interrupted):
        patched.setattr(data, step, interrupt)
        data.load(stripe)

    data.require_in_step()
    data.load(stripe)

    assert instructors_listed().count() == len(people.TEACHERS)
    assert Payer.objects.exclude(payment_method_id="").count() == len(people.LEARNERS)
    assert User.objects.values("email").distinct().count() == User.objects.count()
    assert books.findings(ask_stripe=True) == []


def test_money_that_was_not_booked_any_more_is_booked_later(stripe):
    stripe.fund_platform(data.FUNDS)

    data.require_in_step()
    data.load(stripe)

    assert JournalEntry.objects.filter(cause__startswith=data.FUNDED).count() == 1
    assert books.findings(ask_stripe=True) == []


def test_a_simulator_that_forgot_everything_is_noticed(stripe):
    data.load(stripe)
    stripe.reset()

    with pytest.raises(OutOfStep, match="simulator that belonged to it is gone"):
        data.require_in_step()


def test_a_database_that_forgot_everything_is_noticed(stripe, start_over):
    data.load(stripe)
    start_over()

    with pytest.raises(OutOfStep, match="database that belonged to it is gone"):
        data.require_in_step()


def test_nothing_at_all_is_in_step(stripe):
    data.require_in_step()


@pytest.mark.parametrize("line", STORY, ids=lambda line: line.title)
def test_every_line_of_the_story_adds_up(line):
    expected = line.expected

    assert expected.card == expected.wallet + expected.instructor + expected.platform
    assert line.student in {learner.login for learner in people.LEARNERS}
    assert line.instructor in {teacher.login for teacher in people.TEACHERS}
