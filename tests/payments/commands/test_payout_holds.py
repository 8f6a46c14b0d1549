"""`payouts hold` and `release`: what an instructor has at Stripe stays there, or goes to the bank again."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from bookings.models import Booking
from instainstru import clock
from instainstru.accounts.models import User
from instainstru.models import StaffAction
from payments import operations as payments
from payments import tasks
from payments.gateway import schedules
from payments.gateway.schedules import MANUAL, Schedule, check_usual_schedule
from payments.models import Payee, Payment, PayoutHold, ScheduleChange
from tests.concurrency.meeting import at_once
from tests.payments.commands.conftest import calls
from tests.stage import Stage, make_service

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


@pytest.fixture
def payee(stage: Stage) -> Payee:
    return Payee.objects.get(user=stage.instructor)


@pytest.fixture
def taken(stage: Stage) -> Booking:
    """A lesson that was taken and is due to be settled."""
    booking = stage.book(hours_ahead=72)
    stage.travel_to(booking.ends_at + DAY)
    return booking


def hold(
    staff: User, *more: str, instructor: str = "instructor@example.com", reason: str = "Letters came back."
) -> tuple[str, ...]:
    return ("payouts", "hold", instructor, "--reason", reason, "--as", staff.email, *more)


def release(staff: User, *more: str) -> tuple[str, ...]:
    return ("payouts", "release", "instructor@example.com", "--reason", "We spoke.", "--as", staff.email, *more)


def schedule_at_stripe(payee: Payee) -> str:
    return str(schedules.payout_state(payee.account_id).schedule)


def has_at_stripe(stage: Stage, payee: Payee) -> int:
    return sum(stage.simulator.summary()["balances"]["accounts"][payee.account_id].values())


def a_day_of_payouts(stage: Stage) -> list[int]:
    return [payout["amount"] for payout in stage.simulator._ask("POST", "/_control/payouts/run", {})]


def schedule_calls(stage: Stage) -> list[str]:
    return [entry["idempotency_key"] for entry in stage.simulator.requests() if entry["call"] == "account"]


# --- What a hold does ---------------------------------------------------------------------------------------------


@pytest.mark.rule("P5.5")
def test_a_held_instructor_is_paid_and_the_money_stays_at_stripe_until_it_is_released(
    stage: Stage, taken: Booking, payee: Payee, finance: User
) -> None:
    assert calls(*hold(finance)).code == 0
    assert schedule_at_stripe(payee) == "manual"

    stage.travel_to(taken.ends_at + DAY, run_what_is_due_then=True)

    assert Payment.objects.get(pk=taken.payment_id).status == "settled"
    assert (a_day_of_payouts(stage), has_at_stripe(stage, payee)) == ([], 10_560)
    assert stage.disorder() == []

    assert calls(*release(finance)).code == 0

    assert schedule_at_stripe(payee) == "daily"
    assert (a_day_of_payouts(stage), has_at_stripe(stage, payee)) == ([10_560], 0)


def test_it_is_kept_who_held_what_when_and_why(stage: Stage, payee: Payee, finance: User) -> None:
    told = calls(*hold(finance, "--json"))
    calls(*release(finance))

    assert told.json == {
        "dry_run": False,
        "instructor": "instructor@example.com",
        "account": payee.account_id,
        "result": "done",
        "schedule": "manual",
        "refusal": None,
        "hold": {
            "since": "2026-03-02T15:00:00Z",
            "by": "finance@example.com",
            "reason": "Letters came back.",
            "released_at": None,
        },
    }
    kept = PayoutHold.objects.get()
    assert (kept.held_by, kept.reason, kept.released_by, kept.release_reason) == (
        finance, "Letters came back.", finance, "We spoke.",
    )  # fmt: skip
    assert list(StaffAction.objects.order_by("id").values_list("action", "subject", "reason")) == [
        ("hold-payouts", payee.account_id, "Letters came back."),
        ("release-payouts", payee.account_id, "We spoke."),
    ]


def test_doing_it_twice_is_doing_it_once(stage: Stage, payee: Payee, finance: User) -> None:
    calls(*hold(finance))
    again = calls(*hold(finance, reason="Once more."))
    assert again.code == 0
    assert "held already, since 2026-03-02 15:00 UTC, by Fiona Finance: Letters came back." in again.text

    calls(*release(finance))
    released = calls(*release(finance, "--json"))
    assert (released.code, released.json["result"], released.json["hold"]) == (0, "already", None)
    assert (PayoutHold.objects.count(), StaffAction.objects.count(), len(schedule_calls(stage))) == (1, 2, 2)


def test_held_again_it_is_another_hold_with_keys_of_its_own(stage: Stage, payee: Payee, finance: User) -> None:
    for order in (hold, release, hold):
        assert calls(*order(finance)).code == 0

    assert PayoutHold.objects.count() == 2
    assert schedule_calls(stage) == [f"{payee.account_id}/payout-schedule/{number}/1" for number in (1, 2, 3)]
    assert schedule_at_stripe(payee) == "manual"


@pytest.mark.parametrize(("order", "would"), [(hold, "would be held"), (release, "not held already")])
def test_a_dry_run_tells_and_asks_nobody(stage: Stage, finance: User, order, would: str) -> None:
    stage.simulator.forget_requests()

    told = calls(*order(finance, "--dry-run"))

    assert (told.code, would in told.text, stage.simulator.requests()) == (0, True, [])
    assert not PayoutHold.objects.exists()


def test_who_may_not_or_asks_wrongly_changes_nothing(stage: Stage, staff: User, finance: User) -> None:
    for asked in (hold(staff), hold(finance, instructor="nobody@example.com"), hold(finance, reason=" ")):
        told = calls(*asked)
        assert (told.code, told.text) == (2, "")
        assert told.refusal

    assert not ScheduleChange.objects.exists()


# --- When Stripe says no, or nothing ------------------------------------------------------------------------------


@pytest.mark.rule("P10.4")
@pytest.mark.parametrize("fault", ["timeout_before", "lost_answer", "error_500", "error_429", "stored_500"])
@pytest.mark.parametrize("order", [hold, release])
def test_what_is_not_answered_is_asked_again_by_the_sweep(
    stage: Stage, payee: Payee, finance: User, order, fault: str
) -> None:
    if order is release:
        calls(*hold(finance))
    stage.simulator.order_fault("account", fault)

    told = calls(*order(finance, "--json"))

    assert told.code == 1
    assert told.json["result"] == "unanswered"
    assert PayoutHold.objects.in_force().count() == 1  # it is in force until Stripe has said yes to its release
    stage.travel(minutes=2)
    assert schedule_at_stripe(payee) == {hold: "manual", release: "daily"}[order]
    assert not ScheduleChange.objects.unanswered().exists()
    assert PayoutHold.objects.in_force().count() == {hold: 1, release: 0}[order]


@pytest.mark.rule("P10.4")
def test_asking_again_repeats_the_key_and_a_release_waits_for_the_hold_s_answer(
    stage: Stage, payee: Payee, finance: User
) -> None:
    stage.simulator.order_fault("account", "timeout_before", times=3)
    calls(*hold(finance))

    waits = calls(*release(finance))

    assert (waits.code, "not answered an earlier change" in waits.refusal) == (2, True)
    assert calls(*hold(finance, "--json")).json["result"] == "unanswered"
    assert calls(*hold(finance, "--json")).json["result"] == "already"
    assert set(schedule_calls(stage)) == {f"{payee.account_id}/payout-schedule/1/1"}
    assert calls(*release(finance)).code == 0


def test_a_failure_that_the_key_remembers_is_looked_up_and_tried_under_the_next_key(
    stage: Stage, payee: Payee, finance: User
) -> None:
    stage.simulator.order_fault("account", "stored_500")
    calls(*hold(finance))
    calls(*hold(finance))  # only replays it

    assert calls(*hold(finance, "--json")).json["result"] == "already"
    assert schedule_calls(stage)[-1] == f"{payee.account_id}/payout-schedule/1/2"


def test_a_definite_no_is_told_and_nothing_is_held(stage: Stage, payee: Payee, finance: User) -> None:
    stage.simulator.order_fault("account", "refuse")

    told = calls(*hold(finance))

    assert (told.code, "payouts_not_allowed" in told.text) == (1, True)
    assert not PayoutHold.objects.in_force().exists()
    assert calls(*hold(finance)).code == 0


def test_a_release_that_is_refused_leaves_the_hold(stage: Stage, payee: Payee, finance: User) -> None:
    calls(*hold(finance))
    stage.simulator.order_fault("account", "refuse")

    assert calls(*release(finance)).code == 1

    assert PayoutHold.objects.in_force().exists()
    assert calls(*release(finance)).code == 0


def test_a_worker_s_death_after_the_order_leaves_it_to_the_sweep(
    stage: Stage, payee: Payee, finance: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def die(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(schedules, "set_schedule", die)
        with pytest.raises(Killed):
            payments.hold_payouts(payee=payee, actor=finance, reason="Letters came back.", now=clock.now())

    tasks.send_schedule_change.run(change_id=ScheduleChange.objects.get().pk)

    assert schedule_at_stripe(payee) == "manual"


def test_no_transaction_is_open_while_stripe_is_asked(stage: Stage, payee: Payee, finance: User) -> None:
    with transaction.atomic(), pytest.raises(RuntimeError, match="durable"):
        payments.hold_payouts(payee=payee, actor=finance, reason="Letters came back.", now=clock.now())


# --- At the same time ---------------------------------------------------------------------------------------------


def test_many_at_once_hold_once(stage: Stage, payee: Payee, finance: User) -> None:
    def order() -> bool:
        asked = payments.hold_payouts(payee=payee, actor=finance, reason="Letters came back.", now=clock.now())
        return asked.is_new

    orders = at_once([order] * 4)

    assert sum(order is True for order in orders) == 1
    assert PayoutHold.objects.count() == ScheduleChange.objects.count() == 1
    assert sum(entry["effect"] for entry in stage.simulator.requests() if entry["call"] == "account") == 1
    assert schedule_at_stripe(payee) == "manual"


def test_many_at_once_release_once(stage: Stage, payee: Payee, finance: User) -> None:
    calls(*hold(finance))
    stage.simulator.forget_requests()

    def order() -> bool:
        return payments.release_payouts(payee=payee, actor=finance, reason="We spoke.", now=clock.now()).is_new

    orders = at_once([order] * 4)

    assert sum(order is True for order in orders) == 1
    assert (PayoutHold.objects.in_force().count(), ScheduleChange.objects.unanswered().count()) == (0, 0)
    assert ScheduleChange.objects.filter(kind="release").count() == 1
    assert sum(entry["effect"] for entry in stage.simulator.requests() if entry["call"] == "account") == 1
    assert schedule_at_stripe(payee) == "daily"


def test_the_database_holds_an_account_once(stage: Stage, payee: Payee, finance: User) -> None:
    calls(*hold(finance))

    with pytest.raises(IntegrityError, match="payouts_of_an_account_are_held_once"):
        PayoutHold.objects.create(payee=payee, reason="Twice.", held_by=finance, held_at=clock.now())


# --- The usual schedule -------------------------------------------------------------------------------------------

NAMES = {
    "manual": {"interval": "manual"},
    "daily": {"interval": "daily"},
    "weekly:friday": {"interval": "weekly", "weekly_anchor": "friday"},
    "monthly:31": {"interval": "monthly", "monthly_anchor": "31"},
}


@pytest.mark.parametrize(("name", "parameters"), NAMES.items(), ids=NAMES)
def test_a_schedule_is_read_as_it_is_written(name: str, parameters: dict) -> None:
    schedule = Schedule.named(name)

    assert str(schedule) == name
    assert schedule.as_parameters() == {"settings": {"payouts": {"schedule": parameters}}}
    assert Schedule.of(schedule.as_parameters()) == schedule


@pytest.mark.parametrize("name", ["", "yearly", "weekly", "weekly:noday", "monthly:32", "monthly:0", "daily:friday"])
def test_what_is_no_schedule_is_refused_at_the_start(settings, name: str) -> None:
    settings.STRIPE_PAYOUT_SCHEDULE = name

    assert [error.id for error in check_usual_schedule()] == ["payments.E004"]


def test_a_usual_schedule_that_never_pays_out_is_refused_at_the_start(settings) -> None:
    assert check_usual_schedule() == []
    settings.STRIPE_PAYOUT_SCHEDULE = str(MANUAL)

    assert [error.id for error in check_usual_schedule()] == ["payments.E004"]


def test_a_new_account_has_the_usual_schedule_and_goes_back_to_it(stage: Stage, finance: User, settings) -> None:
    settings.STRIPE_PAYOUT_SCHEDULE = "weekly:friday"
    user = make_service(stage.simulator).instructor.user
    payee = Payee.objects.get(user=user)
    assert schedule_at_stripe(payee) == "weekly:friday"

    calls(*hold(finance, instructor=user.email))
    payments.release_payouts(payee=payee, actor=finance, reason="We spoke.", now=clock.now())

    assert schedule_at_stripe(payee) == "weekly:friday"
