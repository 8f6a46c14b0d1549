"""`payouts audit`: every account at Stripe against what it should be, and setting right what can be."""

import threading
from functools import partial

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from instainstru import clock
from instainstru.accounts.models import User
from instainstru.models import StaffAction
from payments import operations as payments
from payments.gateway import client, schedules
from payments.gateway.schedules import PayoutState, Schedule
from payments.models import Payee, ScheduleChange
from payments.operations import payout_audit
from payments.operations.payout_audit import accounts_to_audit
from tests.bookings.factories import PayeeFactory
from tests.concurrency.meeting import PATIENCE, at_once
from tests.factories import UserFactory
from tests.payments.commands.conftest import calls
from tests.stage import Stage, make_service


@pytest.fixture
def payee(stage: Stage) -> Payee:
    return Payee.objects.get(user=stage.instructor)


def change_at_stripe(stage: Stage, payee: Payee, finance: User) -> None:
    schedules.set_schedule(payee.account_id, Schedule.named("weekly:friday"), key="by hand")


def change_what_is_held(stage: Stage, payee: Payee, finance: User) -> None:
    payments.hold_payouts(payee=payee, actor=finance, reason="Letters came back.", now=clock.now())
    schedules.set_schedule(payee.account_id, Schedule.named("daily"), key="by hand")


def leave_unanswered(stage: Stage, payee: Payee, finance: User) -> None:
    stage.simulator.order_fault("account", "timeout_before")
    payments.hold_payouts(payee=payee, actor=finance, reason="Letters came back.", now=clock.now())


def lose_the_right(stage: Stage, payee: Payee, finance: User) -> None:
    stage.simulator.make_unpayable(payee.account_id)


def miss_the_event(stage: Stage, payee: Payee, finance: User) -> None:
    Payee.objects.update(is_payable=False)


def lose_the_account(stage: Stage, payee: Payee, finance: User) -> None:
    Payee.objects.update(account_id="acct_of_nobody")


# What happens: the differences found, those left after --fix, and the schedule at Stripe then.
GAPS = {
    "a schedule changed in Stripe's dashboard": (change_at_stripe, ["schedule_differs"], [], "daily"),
    "a hold undone in Stripe's dashboard": (change_what_is_held, ["schedule_differs"], [], "manual"),
    "a hold that Stripe has not answered": (leave_unanswered, ["unanswered"], [], "manual"),
    "transfers taken away": (lose_the_right, ["cannot_be_paid", "not_as_known"], ["cannot_be_paid"], "daily"),
    "an event that never came": (miss_the_event, ["not_as_known"], [], "daily"),
    "an account that is gone": (lose_the_account, ["not_seen"], ["not_seen"], None),
}


@pytest.mark.parametrize(("happens", "found", "left", "schedule"), GAPS.values(), ids=GAPS)
def test_what_differs_is_told_with_a_next_step_and_set_right_if_it_can_be(
    stage: Stage, payee: Payee, finance: User, happens, found, left, schedule
) -> None:
    assert calls("payouts", "audit").code == 0
    happens(stage, payee, finance)

    told = calls("payouts", "audit", "--json")
    assert (told.code, [each["kind"] for each in told.json["differences"]]) == (1, found)
    assert all(each["next_step"] and not each["fixed"] for each in told.json["differences"])
    assert calls("payouts", "audit", "--json").json == told.json  # looking changes nothing

    fixed = calls("payouts", "audit", "--fix", "--as", finance.email, "--json")
    assert [each["kind"] for each in fixed.json["differences"] if not each["fixed"]] == left
    assert fixed.code == bool(left)
    again = calls("payouts", "audit", "--json")
    assert [each["kind"] for each in again.json["differences"]] == left
    if schedule:
        assert str(schedules.payout_state(payee.account_id).schedule) == schedule


def test_what_is_set_right_is_written_down(stage: Stage, payee: Payee, finance: User) -> None:
    change_at_stripe(stage, payee, finance)

    told = calls("payouts", "audit", "--fix", "--as", finance.email)

    change = ScheduleChange.objects.get()
    assert (change.kind, change.schedule, change.asked_by) == ("correct", "daily", finance)
    assert change.reason == "It was weekly:friday at Stripe."
    assert StaffAction.objects.get().action == "correct-payout-schedule"
    assert "schedule differs: weekly:friday, should be daily. Set right." in told.text


def test_what_somebody_else_has_set_right_meanwhile_is_not_asked_for_again(
    stage: Stage, payee: Payee, finance: User
) -> None:
    change_at_stripe(stage, payee, finance)
    first, second = (payout_audit.gaps_of(accounts_to_audit().get()) for _ in range(2))
    ((gap,), (same,)) = list(first), list(second)

    assert payout_audit.fix(gap, actor=finance, now=clock.now())
    assert payout_audit.fix(same, actor=finance, now=clock.now())

    assert ScheduleChange.objects.count() == 1


def test_a_correction_that_stripe_refuses_stays_a_difference(stage: Stage, payee: Payee, finance: User) -> None:
    change_at_stripe(stage, payee, finance)
    stage.simulator.order_fault("account", "refuse")

    assert calls("payouts", "audit", "--fix", "--as", finance.email).code == 1

    assert calls("payouts", "audit", "--fix", "--as", finance.email).code == 0


def test_two_at_once_set_it_right_once(
    stage: Stage, payee: Payee, finance: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both have seen the difference before either sets it right; the second may have to leave it to the first."""
    change_at_stripe(stage, payee, finance)
    gate = threading.Barrier(2, timeout=PATIENCE)

    def look_together(account_id: str) -> PayoutState:
        state = schedules.payout_state(account_id)
        gate.wait()
        return state

    with monkeypatch.context() as patched:
        patched.setattr(payout_audit, "payout_state", look_together)
        told = at_once([partial(calls, "payouts", "audit", "--fix", "--as", finance.email)] * 2)

    assert min(each.code for each in told) == 0
    assert ScheduleChange.objects.count() == StaffAction.objects.count() == 1
    assert not ScheduleChange.objects.unanswered().exists()
    assert calls("payouts", "audit").code == 0


def test_an_account_whose_onboarding_is_not_finished_is_no_difference_unless_we_think_so(stage: Stage) -> None:
    new = payments.open_account(instructor=UserFactory(as_instructor=True), now=clock.now())
    assert calls("payouts", "audit").code == 0

    Payee.objects.filter(pk=new.pk).update(is_payable=True)

    kinds = [each["kind"] for each in calls("payouts", "audit", "--json").json["differences"]]
    assert kinds == ["not_paid_out", "cannot_be_paid", "not_as_known"]


def test_what_stripe_pays_out_no_more_is_told(stage: Stage, payee: Payee, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = client.get

    def stopped(path: str, **query: object) -> dict:
        return asked(path, **query) | {"payouts_enabled": False}

    monkeypatch.setattr(client, "get", stopped)

    told = calls("payouts", "audit", "--json")

    assert [each["kind"] for each in told.json["differences"]] == ["not_paid_out"]


def test_a_dry_run_says_what_it_would_set_right_and_changes_nothing(stage: Stage, payee: Payee, finance: User) -> None:
    change_at_stripe(stage, payee, finance)
    lose_the_right(stage, payee, finance)

    told = calls("payouts", "audit", "--fix", "--dry-run", "--json")
    words = calls("payouts", "audit", "--fix", "--as", finance.email, "--dry-run").text

    assert (told.code, told.json["dry_run"], told.json["left"]) == (1, True, 3)
    assert [(each["kind"], each["would_fix"], each["fixed"]) for each in told.json["differences"]] == [
        ("schedule_differs", True, False), ("cannot_be_paid", False, False), ("not_as_known", True, False),
    ]  # fmt: skip
    assert "schedule differs: weekly:friday, should be daily. Would be set right." in words
    assert not ScheduleChange.objects.exists()
    assert not StaffAction.objects.exists()
    assert str(schedules.payout_state(payee.account_id).schedule) == "weekly:friday"


def test_stripe_s_silence_about_one_account_keeps_nobody_from_the_others(
    stage: Stage, payee: Payee, finance: User
) -> None:
    other = Payee.objects.get(user=make_service(stage.simulator).instructor.user)
    change_at_stripe(stage, other, finance)
    stage.simulator.order_fault("read", "error_500")

    told = calls("payouts", "audit", "--fix", "--as", finance.email, "--json")

    assert (told.code, [each["account"] for each in told.json["not_answered"]]) == (2, [payee.account_id])
    assert [(each["account"], each["fixed"]) for each in told.json["differences"]] == [(other.account_id, True)]
    assert calls("payouts", "audit", "--json").json["not_answered"] == []


def test_stripe_s_silence_is_an_exit_code_of_its_own(stage: Stage, payee: Payee) -> None:
    stage.simulator.order_fault("read", "timeout_before", times="always")

    told = calls("payouts", "audit")

    stage.simulator.order_fault("read", "none")
    assert told.code == 2
    assert f"{payee.account_id}: not answered: " in told.text
    assert told.text.endswith("1 accounts, 0 differences, 0 left, 1 not answered.\n")


def test_somebody_named_sets_it_right_or_nobody_does(stage: Stage, staff: User) -> None:
    assert calls("payouts", "audit", "--fix").code == 2
    assert calls("payouts", "audit", "--fix", "--as", staff.email).code == 2


@pytest.mark.django_db
def test_it_reads_all_accounts_in_as_many_statements_as_one() -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as statements:
            assert list(accounts_to_audit())
        return len(statements)

    PayeeFactory()
    one = cost()
    PayeeFactory.create_batch(10)

    assert cost() == one == 3


def test_many_accounts_are_looked_at_once_each(stage: Stage) -> None:
    for _ in range(3):
        make_service(stage.simulator)

    assert calls("payouts", "audit", "--json").json["accounts"] == 4
