"""The instants at which one rule ends and the next begins, and the small print of refusals and endings."""

from datetime import timedelta

import pytest

from instainstru.refusals import Refused
from payments.policy.accounts import Account, Line
from payments.policy.completion import require_completable
from payments.policy.conclude import conclude
from payments.policy.deadlines import deadlines
from payments.policy.decide import decide
from payments.policy.plan import CreditMoves, Ending
from payments.policy.rules import DEFAULT_RULES
from payments.policy.states import Action, BookingStatus, Call, Fault, PaymentStatus
from tests.policy.given import ENDS, SETTLEMENT, STARTS, answered, booked

HOUR, MOMENT = timedelta(hours=1), timedelta(microseconds=1)
UNPAID = {
    "booking_status": BookingStatus.CONFIRMED,
    "payment_status": PaymentStatus.PAYMENT_METHOD_REQUIRED,
    "made_at": STARTS - timedelta(days=3),
    "starts_at": STARTS,
    "ends_at": ENDS,
    "is_held": False,
    "collection_refused_at": None,
    "rules": DEFAULT_RULES,
}


@pytest.mark.rule("P10.1")
def test_the_ladder_counts_from_the_refusal_and_not_from_now() -> None:
    refused_at = STARTS - 24 * HOUR

    due = deadlines(refused_at=refused_at, refusals=1, now=refused_at + HOUR / 2, **UNPAID)

    assert due.authorize_at == refused_at + HOUR


@pytest.mark.rule("P10.1")
def test_what_only_the_student_was_refused_for_is_settled_when_due() -> None:
    due = deadlines(refused_at=None, refusals=0, now=STARTS - 20 * HOUR, **UNPAID)

    assert due.settle_at == SETTLEMENT


@pytest.mark.rule("P10.1")
def test_the_final_warning_and_the_cancellation_are_due_until_their_instants() -> None:
    def due_at(now):
        due = deadlines(refused_at=STARTS - 24 * HOUR, refusals=1, now=now, **UNPAID)
        return due.warn_at is not None, due.expire_at is not None

    assert due_at(STARTS - 13 * HOUR - MOMENT) == (True, True)
    assert due_at(STARTS - 13 * HOUR) == (False, True)
    assert due_at(STARTS - MOMENT) == (False, True)
    assert due_at(STARTS) == (False, False)


@pytest.mark.rule("P5.5")
def test_a_lesson_that_has_not_ended_says_when_it_has() -> None:
    with pytest.raises(Refused) as refusal:
        require_completable(
            booking_status=BookingStatus.CONFIRMED,
            payment_status=PaymentStatus.AUTHORIZED,
            review_reason=None,
            ends_at=ENDS,
            now=ENDS - MOMENT,
        )

    assert (refusal.value.code, refusal.value.context) == ("lesson_not_ended", {"earliest": ENDS})


@pytest.mark.rule("P10.2")
@pytest.mark.parametrize(("hours", "successor"), [(71, None), (72, Action.ADVANCE)])
def test_a_capture_refused_for_72_hours_is_advanced_though_the_hold_lives(hours: int, successor: Action | None) -> None:
    held = booked(
        PaymentStatus.PAYMENT_METHOD_REQUIRED,
        booking=BookingStatus.COMPLETED,
        hold=13_440,
        collection_refused_at=SETTLEMENT,
    )
    at = SETTLEMENT + hours * HOUR
    plan = decide(held, Action.SETTLE, at, rules=DEFAULT_RULES)

    ending = conclude(plan, held, answered(plan, Call.CAPTURE), accepted_at=at, now=at, rules=DEFAULT_RULES)

    assert (ending.refusal_code, ending.successor) == ("card_declined", successor)


@pytest.mark.parametrize(
    ("ending", "gives"),
    [
        (Ending(), False),
        (Ending(credits=CreditMoves(released=1)), True),
        (Ending(lines=(Line(Account.HELD, 1), Line(Account.FEE_INCOME, -1))), True),
        (Ending(moves=True), True),
        (Ending(payment_status=PaymentStatus.AUTHORIZED), False),
    ],
)
def test_an_ending_gives_credits_lines_or_a_move_and_not_a_state(ending: Ending, gives: bool) -> None:
    assert ending.gives is gives


@pytest.mark.rule("P10.3")
@pytest.mark.parametrize("fault", [Fault.OTHER, Fault.PAYEE])
@pytest.mark.parametrize(
    ("action", "hours_ahead"), [(Action.STUDENT_CANCEL, 18), (Action.STUDENT_CANCEL, 6), (Action.RESCHEDULE, 18)]
)
def test_a_void_refused_before_the_card_is_held_gives_and_moves_nothing(
    action: Action, hours_ahead: int, fault: Fault
) -> None:
    """An intent that waits at the bank goes first; as long as it can't, the student's money is not there."""
    at = STARTS - hours_ahead * HOUR
    waiting = booked(PaymentStatus.SCHEDULED, has_pending_intent=True, new_starts_at=STARTS + 48 * HOUR)
    plan = decide(waiting, action, at, rules=DEFAULT_RULES)
    assert [step.call for step in plan.steps[:2]] == [Call.VOID, Call.AUTHORIZE]

    ending = conclude(
        plan, waiting, answered(plan, Call.VOID, fault=fault), accepted_at=at, now=at, rules=DEFAULT_RULES
    )

    assert ending.payment_status == PaymentStatus.MANUAL_REVIEW
    assert not ending.gives
