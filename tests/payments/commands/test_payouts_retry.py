"""`payouts retry`: what Stripe has refused is asked for once more, exactly as shown, by somebody named (P10.3)."""

import threading
from datetime import timedelta
from functools import partial

import pytest

from bookings.models import Booking
from bookings.operations import cancel_booking
from instainstru import clock
from instainstru.accounts.models import User
from instainstru.models import StaffAction
from payments.management.payouts import retry
from payments.models import Payment
from payments.policy.plan import Plan
from tests.concurrency.meeting import PATIENCE, at_once, effects_at_stripe
from tests.factories import UserFactory
from tests.money import assert_balances
from tests.payments.commands.conftest import calls
from tests.stage import Stage

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@pytest.fixture
def stopped(stage: Stage) -> Booking:
    """A lesson whose top-up was refused: 50.00 of credit, 21.20 still to be paid."""
    stage.give_credit(5_000)
    booking = stage.book(hours_ahead=72, credits=5_000)
    stage.simulator.order_fault("payout", "refuse")
    stage.travel_to(booking.ends_at + DAY, run_what_is_due_then=True)
    return booking


def status_of(booking: Booking) -> str:
    return Payment.objects.get(pk=booking.payment_id).status


@pytest.mark.rule("P10.3")
def test_a_dry_run_shows_the_plan_and_a_retry_does_it(stage: Stage, stopped: Booking, finance: User) -> None:
    shown = calls("payouts", "retry", "--dry-run", "--json")
    assert shown.json["payments"] == [
        {
            "reference": stopped.ref,
            "reason": "payout_refused",
            "result": None,
            "steps": [{"call": "pay", "amount_cents": 2_120}],
        }
    ]
    assert (shown.code, status_of(stopped)) == (0, "manual_review")
    assert calls("payouts", "retry", "--dry-run").text.endswith("\n1 would be retried.\n")

    done = calls("payouts", "retry", "--as", finance.email, "--note", "The bank was closed.", "--json")

    assert (done.code, done.json["payments"][0]["result"], status_of(stopped)) == (0, "settled", "settled")
    assert_balances(stage, card=8_440, instructor=10_560, platform=-2_395, fees=275)
    written = StaffAction.objects.get()
    assert (written.actor, written.action, written.subject, written.reason) == (
        finance, "retry", stopped.ref, "The bank was closed.",
    )  # fmt: skip
    assert (written.before["reason"], written.address) == ("payout_refused", None)
    again = calls("payouts", "retry", "--as", finance.email, "--payment", stopped.ref)
    assert (again.code, "nothing waits for staff any more" in again.text) == (0, True)


def test_refused_again_it_waits_on_and_the_exit_code_says_so(stage: Stage, stopped: Booking, finance: User) -> None:
    stage.simulator.order_fault("payout", "refuse")

    told = calls("payouts", "retry", "--as", finance.email, "--json")

    assert (told.code, told.json["failed"], told.json["payments"][0]["result"]) == (1, 1, "stopped")
    assert status_of(stopped) == "manual_review"


def test_a_reversal_is_retried_and_a_capture_is_not_asked_for_here(stage: Stage, finance: User) -> None:
    reversal, capture = stage.book(hours_ahead=72), stage.book(hours_ahead=74)
    stage.travel_to(reversal.starts_at - 18 * HOUR)
    for booking, call in ((reversal, "reverse"), (capture, "capture")):
        stage.simulator.order_fault(call, "refuse")
        cancel_booking(booking=booking, actor=stage.student, now=clock.now())

    assert calls("payouts", "retry", "--as", finance.email, "--reason", "payout_refused").code == 0
    assert status_of(reversal) == "manual_review"
    assert calls("payouts", "retry", "--as", finance.email, "--payment", capture.ref).code == 2
    assert calls("payouts", "retry", "--as", finance.email).code == 0

    assert (status_of(reversal), status_of(capture)) == ("settled", "manual_review")


@pytest.mark.rule("P10.3")
def test_two_at_once_retry_once(stage: Stage, stopped: Booking, finance: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both have seen what stopped before either does anything about it."""
    gate, plan_of_retry = threading.Barrier(2, timeout=PATIENCE), retry.plan_of_retry

    def plan_together(payment_id: int) -> Plan:
        plan = plan_of_retry(payment_id)
        gate.wait()
        return plan

    monkeypatch.setattr(retry, "plan_of_retry", plan_together)

    told = at_once([partial(calls, "payouts", "retry", "--as", finance.email, "--json")] * 2)

    results = sorted(each.json["payments"][0]["result"] for each in told)
    assert results[1] == "settled"
    assert results[0] in ("already_settled", "operation_in_progress")
    assert sorted(each.code for each in told) == [0, 1]
    assert (status_of(stopped), StaffAction.objects.count()) == ("settled", 1)
    assert effects_at_stripe(stage.simulator, stopped)["payout"] == 1
    assert_balances(stage, card=8_440, instructor=10_560, platform=-2_395, fees=275)


@pytest.mark.parametrize(
    ("who", "why"),
    [
        ((), "Say who does it"),
        (("--as", "nobody@example.com"), "Nobody of our staff"),
        (("--as", "student@example.com"), "Nobody of our staff"),
        (("--as", "staff@example.com"), "the right instainstru.move_money is missing"),
    ],
    ids=["nobody", "a stranger", "a student", "staff without the right"],
)
def test_only_staff_who_may_move_money_do_it(stopped: Booking, staff: User, who: tuple[str, ...], why: str) -> None:
    told = calls("payouts", "retry", *who)

    assert (told.code, why in told.refusal) == (2, True)
    assert status_of(stopped) == "manual_review"


def test_somebody_who_has_left_does_nothing_any_more(stopped: Booking, finance: User) -> None:
    User.objects.filter(pk=finance.pk).update(is_active=False)

    assert calls("payouts", "retry", "--as", finance.email).code == 2


@pytest.mark.django_db
def test_a_stranger_s_reference_is_told():
    superuser = UserFactory(as_superuser=True)

    assert calls("payouts", "retry", "--as", superuser.email, "--payment", "bk_nobody").code == 2
