"""An operation that a case halts after any of its calls: nothing further is sent, and in the end nothing is doubled.

If the case ends without a ruling, all stands as if it had never been; if it is ruled, as if the operation had been
done, or not been begun, before (design 4, "Cases").
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from bookings.models import Booking
from credits.queries import balance_of
from instainstru import clock
from instainstru.accounts.models import User
from payments import operations as payments
from payments.models import Operation, Payment
from payments.policy.states import Bearer, DisputeRuling, NoShowRuling, Party
from tests.crash.account import everything_is_right
from tests.crash.happenings import (
    HOUR,
    Given,
    Happening,
    at_the_cardholders_bank,
    booked,
    card,
    clockwork,
    disputed,
    fault,
    heard_from_the_bank,
    moves,
    pays,
    reported,
    reporter_withdraws,
    staff_cancel,
    staff_refund,
    staff_rule_dispute,
    staff_rule_no_show,
    student_cancels,
    then,
    until,
    without_clockwork_until,
)
from tests.rules.standing import Money, money_of, stands
from tests.stage import Stage
from tests.webhooks.conftest import Post

Stands = tuple[str, str, str]


@dataclass(frozen=True, kw_only=True)
class Interrupted:
    """What is under way, the calls that it makes one after the other, and what comes of it if nothing comes between.

    In cents, `had` is the credit of their own that the student gets back if all is undone, `credit` what they have in
    the end.
    """

    given: Given
    act: Happening
    calls: tuple[str, ...]
    cases: tuple[str, ...]
    ends: Stands
    money: Money
    had: int = 0
    credit: int = 0


COLLECTING = then(
    booked(credits=5_000), until(before_start=20 * HOUR), card("declined"), fault("capture", "refuse", "always")
)
OPERATIONS: dict[str, Interrupted] = {
    "middle cancellation": Interrupted(
        given=then(booked(), until(before_start=18 * HOUR)),
        act=student_cancels,
        calls=("capture", "reverse"),
        cases=("dispute", "chargeback"),
        ends=("cancelled", "settled", "student_cancel_12_24_full_credit"),
        money=Money(charged=13_440),
        credit=12_000,
    ),
    "late cancellation": Interrupted(
        given=then(booked(credits=12_000), until(before_start=6 * HOUR)),
        act=student_cancels,
        calls=("capture", "reverse", "payout"),
        cases=("dispute", "chargeback"),
        ends=("cancelled", "settled", "student_cancel_lt12_split_50_50"),
        money=Money(charged=1_440, instructor=5_280),
        had=12_000,
        credit=6_000,
    ),
    "LOCK": Interrupted(
        given=then(booked(), until(before_start=18 * HOUR)),
        act=moves(72 * HOUR),
        calls=("capture", "reverse"),
        cases=("chargeback",),
        ends=("confirmed", "locked", ""),
        money=Money(charged=13_440),
    ),
    "settlement": Interrupted(
        given=then(booked(credits=12_000), without_clockwork_until(after_end=24 * HOUR)),
        act=clockwork,
        calls=("authorize", "capture", "payout"),
        cases=("report", "dispute", "chargeback"),
        ends=("completed", "settled", "lesson_completed_full_payout"),
        money=Money(charged=1_440, instructor=10_560),
        had=12_000,
    ),
    "advance": Interrupted(
        given=then(COLLECTING, until(after_end=96 * HOUR)),
        act=clockwork,
        calls=("payout",),
        cases=("dispute",),
        ends=("completed", "manual_review", "collection_failed"),
        money=Money(instructor=10_560),
        had=12_000,
        credit=7_000,
    ),
    "payment of a debt": Interrupted(
        given=then(COLLECTING, until(after_end=97 * HOUR), card("ok")),
        act=pays,
        calls=("charge",),
        cases=("dispute",),
        ends=("completed", "settled", "capture_failure_instructor_paid"),
        money=Money(charged=8_440, instructor=10_560),
        had=12_000,
        credit=7_000,
    ),
    "staff refund": Interrupted(
        given=then(booked(credits=5_000), until(after_end=25 * HOUR)),
        act=staff_refund(8_440, bearer=Bearer.INSTRUCTOR),
        calls=("reverse", "refund"),
        cases=("dispute", "chargeback"),
        ends=("completed", "settled", "admin_refund"),
        money=Money(charged=8_440, refunded=8_440),
        had=12_000,
        credit=7_000,
    ),
    "staff cancellation": Interrupted(
        given=then(booked(), until(before_start=18 * HOUR), moves(72 * HOUR)),
        act=staff_cancel(with_refund=True),
        calls=("refund",),
        cases=("dispute",),
        ends=("cancelled", "settled", "admin_refund"),
        money=Money(charged=13_440, refunded=13_440),
    ),
}


def charged_back(stage: Stage, booking: Booking) -> None:
    at_the_cardholders_bank("opened")(stage, booking)
    heard_from_the_bank(stage, booking)


def reported_and_open(stage: Stage, booking: Booking) -> None:
    reported(by=Party.STUDENT, contested=False)(stage, booking)


def bank_decides(phase: str) -> Happening:
    def decide(stage: Stage, booking: Booking) -> None:
        at_the_cardholders_bank(phase)(stage, booking)
        heard_from_the_bank(stage, booking)

    return decide


OPENS: dict[str, Happening] = {"report": reported_and_open, "dispute": disputed, "chargeback": charged_back}
COMES_TO_NOTHING: dict[str, Happening] = {
    "report": reporter_withdraws,
    "dispute": staff_rule_dispute(DisputeRuling.INSTRUCTOR_WINS),
    "chargeback": bank_decides("won"),
}
IS_RULED: dict[str, tuple[Happening, str]] = {
    "report": (staff_rule_no_show(NoShowRuling.INSTRUCTOR_ABSENT), "instructor_no_show_full_refund"),
    "dispute": (staff_rule_dispute(DisputeRuling.STUDENT_WINS), "student_wins_dispute_full_refund"),
    "chargeback": (bank_decides("lost"), "chargeback_lost"),
}


def _rows() -> Iterator[object]:
    for name, interrupted in OPERATIONS.items():
        for call in interrupted.calls:
            for kind in ("lost_answer", "timeout_before"):
                for case in interrupted.cases:
                    if case == "chargeback" and not _is_charged(interrupted, call, kind):
                        continue  # no bank takes back what was not charged, or was refunded
                    yield pytest.param(interrupted, call, kind, case, id=f"{name}, {call} {kind}, {case}")


def _is_charged(interrupted: Interrupted, call: str, kind: str) -> bool:
    return call not in ("authorize", "capture", "refund") or (call == "capture" and kind == "lost_answer")


ROWS = pytest.mark.parametrize(("interrupted", "call", "kind", "case"), list(_rows()))


def interrupt(stage: Stage, interrupted: Interrupted, call: str, kind: str, case: str) -> Booking:
    """Let a call go unanswered, open a case, and let the answer come; nothing but that call is sent."""
    booking = interrupted.given(stage)
    assert booking is not None
    stage.simulator.order_fault(call, kind)
    interrupted.act(stage, booking)
    assert Operation.objects.open().exists(), "Everything was answered."
    sent = keys(stage)
    OPENS[case](stage, booking)

    stage.travel(minutes=30)

    assert Payment.objects.get(pk=booking.payment_id).status == "manual_review"
    assert {key for key in keys(stage) - sent if "answer_chargeback" not in key} == set()
    everything_is_right(stage.simulator)
    return booking


def keys(stage: Stage) -> set[str]:
    return {sent["idempotency_key"] for sent in stage.simulator.requests() if sent["idempotency_key"]}


@pytest.mark.rule("P8.1")
@ROWS
def test_a_case_that_comes_to_nothing_changes_nothing(
    stage: Stage, staff: User, interrupted: Interrupted, call: str, kind: str, case: str
) -> None:
    booking = interrupt(stage, interrupted, call, kind, case)

    COMES_TO_NOTHING[case](stage, booking)

    everything_is_right(stage.simulator)
    assert stands(booking) == interrupted.ends
    assert money_of(booking) == interrupted.money
    assert balance_of(student_id=stage.student.pk, at=clock.now()).available == interrupted.credit


@pytest.mark.rule("P8.3")
@pytest.mark.rule("P8.4")
@pytest.mark.rule("P11")
@ROWS
def test_a_ruling_undoes_whatever_was_done_and_no_more(
    stage: Stage, staff: User, interrupted: Interrupted, call: str, kind: str, case: str
) -> None:
    booking = interrupt(stage, interrupted, call, kind, case)
    refunded = money_of(booking).refunded
    rule, outcome = IS_RULED[case]

    rule(stage, booking)

    everything_is_right(stage.simulator)
    money, payment = money_of(booking), Payment.objects.get(pk=booking.payment_id)
    wallet = balance_of(student_id=stage.student.pk, at=clock.now())
    assert (payment.status, payment.settlement_outcome) == ("settled", outcome)
    assert (money.held, money.instructor, payment.owed_cents) == (0, 0, 0)
    assert not Operation.objects.exclude(state=Operation.State.DONE).exists()
    if case == "chargeback":
        assert money.refunded == refunded  # the bank has paid the cardholder, so we don't
        assert wallet.available <= interrupted.had
    else:
        assert money.refunded == money.charged
        assert wallet.available == interrupted.had


@pytest.mark.rule("P8.8")
def test_what_was_halted_waits_until_a_change_at_stripe_was_seen(stage: Stage, staff: User) -> None:
    post = Post()
    booking = interrupt(stage, OPERATIONS["late cancellation"], "capture", "lost_answer", "dispute")
    stage.simulator.refund_in_dashboard(Payment.objects.get(pk=booking.payment_id).intent_id, cents=1_000)
    post.deliver("refund.created")

    staff_rule_dispute(DisputeRuling.INSTRUCTOR_WINS)(stage, booking)
    assert stands(booking) == ("cancelled", "manual_review", "changed_at_stripe")
    payments.see_changes(payment_id=booking.payment_id, actor=staff, now=clock.now())
    stage.travel(minutes=1)

    everything_is_right(stage.simulator)
    assert stands(booking) == ("cancelled", "settled", "student_cancel_lt12_split_50_50")
    assert money_of(booking) == Money(charged=1_440, refunded=1_000, instructor=5_280)
    assert balance_of(student_id=stage.student.pk, at=clock.now()).available == 6_000
