"""How an operation ends when Stripe says no: the branch that the policy names for each call of each action."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from payments.policy.conclude import conclude
from payments.policy.decide import decide
from payments.policy.facts import Books, Facts, Wish
from payments.policy.plan import NOTHING
from payments.policy.rules import DEFAULT_RULES
from payments.policy.states import Action, Bearer, BookingStatus, Call, Fault, PaymentStatus, ReviewReason, Verdict
from payments.policy.windows import Window
from tests.policy.given import IN, SETTLEMENT, SOME_CREDIT, STARTS, answered, booked, unpaid_checkout

SCHEDULED, AUTHORIZED, LOCKED, CARD_REFUSED = (
    PaymentStatus.SCHEDULED,
    PaymentStatus.AUTHORIZED,
    PaymentStatus.LOCKED,
    PaymentStatus.PAYMENT_METHOD_REQUIRED,
)


def in_review(reason: ReviewReason) -> dict[str, Any]:
    return {"payment_status": PaymentStatus.MANUAL_REVIEW, "review_reason": reason}


CARD_IS_NEEDED = {"payment_status": CARD_REFUSED, "refusal_code": "card_declined"}
STUDENT_IS_NEEDED = {"payment_status": CARD_REFUSED, "refusal_code": "authentication_required"}
TIME_IS_GONE = {
    "booking_status": BookingStatus.CANCELLED,
    "refusal_code": "slot_unavailable",
    "successor": Action.END_UNPAID,
}
BEFORE_12_HOURS = STARTS - timedelta(hours=12, microseconds=1)
AT_12_HOURS = STARTS - timedelta(hours=12)


@dataclass(frozen=True, kw_only=True)
class No:
    """Which call of which action was refused, and what the operation leaves behind; `given` is what still stands."""

    rule: str
    action: Action
    facts: Facts
    at: datetime
    call: Call
    ends: dict[str, Any]
    given: bool = False
    verdict: Verdict = Verdict.REFUSED
    fault: Fault = Fault.CARD
    afterwards: Facts | None = field(default=None)


STUDENT_CANCEL, INSTRUCTOR_CANCEL, SETTLE = Action.STUDENT_CANCEL, Action.INSTRUCTOR_CANCEL, Action.SETTLE
ASKED_FOR_3DS = {"verdict": Verdict.ACTION_REQUIRED, "fault": None}
WAITS_AT_THE_BANK = {"has_pending_intent": True}

AT_THE_INSTRUCTORS_COST = booked(
    PaymentStatus.SETTLED, booking=BookingStatus.COMPLETED, captured=13_440, instructor_holds=10_560,
    wish=Wish(bearer=Bearer.INSTRUCTOR),
)  # fmt: skip
LOCKED_WITHOUT_REVERSAL = booked(LOCKED, terms=SOME_CREDIT, instructor_holds=8_440, books=Books(held_balance=-8_440))

REFUSALS = {
    # --- Checkout, and paying for it
    "checkout, card refused": No(
        rule="P5.2", action=Action.CHECKOUT, facts=unpaid_checkout(), at=IN[Window.LATE],
        call=Call.AUTHORIZE, ends=CARD_IS_NEEDED,
    ),
    "checkout, bank wants the student": No(
        rule="P5.2", action=Action.CHECKOUT, facts=unpaid_checkout(), at=IN[Window.LATE],
        call=Call.AUTHORIZE, ends=STUDENT_IS_NEEDED, **ASKED_FOR_3DS,
    ),
    "checkout, instructor can't be paid": No(
        rule="P10.2", action=Action.CHECKOUT, facts=unpaid_checkout(), at=IN[Window.LATE],
        call=Call.AUTHORIZE, fault=Fault.PAYEE, ends=TIME_IS_GONE,
    ),
    "pay now, card refused again": No(
        rule="P5.2", action=Action.PAY_NOW, facts=unpaid_checkout(), at=IN[Window.LATE],
        call=Call.AUTHORIZE, ends=CARD_IS_NEEDED,
    ),
    "pay now for a lesson, card refused again": No(
        rule="P10.1", action=Action.PAY_NOW, facts=booked(CARD_REFUSED), at=IN[Window.MIDDLE],
        call=Call.AUTHORIZE, ends=CARD_IS_NEEDED,
    ),
    "pay now, the intent at the bank can't be cancelled": No(
        rule="P10.3", action=Action.PAY_NOW, facts=unpaid_checkout(**WAITS_AT_THE_BANK), at=IN[Window.LATE],
        call=Call.VOID, fault=Fault.OTHER, ends=in_review(ReviewReason.VOID_REFUSED),
    ),
    "pay now for a lesson, instructor can't be paid": No(
        rule="P10.2", action=Action.PAY_NOW, facts=booked(CARD_REFUSED), at=IN[Window.MIDDLE],
        call=Call.AUTHORIZE, fault=Fault.PAYEE, ends=in_review(ReviewReason.PAYEE_UNPAYABLE),
    ),
    "back from the bank, which said no": No(
        rule="P5.2", action=Action.CONFIRM_AUTHORIZATION, facts=unpaid_checkout(**WAITS_AT_THE_BANK),
        at=IN[Window.LATE], call=Call.INSPECT, ends=CARD_IS_NEEDED,
    ),
    "back from the bank too early": No(
        rule="P5.2", action=Action.CONFIRM_AUTHORIZATION, facts=unpaid_checkout(**WAITS_AT_THE_BANK),
        at=IN[Window.LATE], call=Call.INSPECT, ends={"refusal_code": "authentication_required"}, **ASKED_FOR_3DS,
    ),
    # --- The authorization that was scheduled
    "authorize, card refused": No(
        rule="P10.1", action=Action.AUTHORIZE, facts=booked(SCHEDULED), at=IN[Window.MIDDLE],
        call=Call.AUTHORIZE, ends=CARD_IS_NEEDED,
    ),
    "authorize, bank wants the student": No(
        rule="P10.1", action=Action.AUTHORIZE, facts=booked(SCHEDULED), at=IN[Window.MIDDLE],
        call=Call.AUTHORIZE, ends=STUDENT_IS_NEEDED, **ASKED_FOR_3DS,
    ),
    "authorize, refused a moment before 12 h": No(
        rule="P10.1", action=Action.AUTHORIZE, facts=booked(SCHEDULED), at=BEFORE_12_HOURS,
        call=Call.AUTHORIZE, ends=CARD_IS_NEEDED,
    ),
    "authorize, refused at 12 h": No(
        rule="P10.1", action=Action.AUTHORIZE, facts=booked(SCHEDULED), at=AT_12_HOURS,
        call=Call.AUTHORIZE, ends=CARD_IS_NEEDED | {"successor": Action.EXPIRE},
    ),
    "authorize, refused after 12 h": No(
        rule="P10.1", action=Action.AUTHORIZE, facts=booked(SCHEDULED), at=IN[Window.LATE],
        call=Call.AUTHORIZE, ends=CARD_IS_NEEDED | {"successor": Action.EXPIRE},
    ),
    "authorize, refused after the start": No(
        rule="P10.1", action=Action.AUTHORIZE, facts=booked(SCHEDULED), at=IN[Window.STARTED],
        call=Call.AUTHORIZE, ends=CARD_IS_NEEDED,
    ),
    "authorize, instructor can't be paid": No(
        rule="P10.2", action=Action.AUTHORIZE, facts=booked(SCHEDULED), at=IN[Window.MIDDLE],
        call=Call.AUTHORIZE, fault=Fault.PAYEE, ends=in_review(ReviewReason.PAYEE_UNPAYABLE),
    ),
    # --- Settlement
    "settle, capture refused": No(
        rule="P10.2", action=SETTLE, facts=booked(AUTHORIZED), at=SETTLEMENT,
        call=Call.CAPTURE, ends=CARD_IS_NEEDED,
    ),
    "settle, hold gone": No(
        rule="P10.2", action=SETTLE, facts=booked(AUTHORIZED), at=SETTLEMENT,
        call=Call.CAPTURE, fault=Fault.HOLD_GONE, ends={"successor": SETTLE},
    ),
    "settle, the new hold gone too": No(
        rule="P10.2", action=SETTLE, facts=booked(SCHEDULED), at=SETTLEMENT,
        call=Call.CAPTURE, fault=Fault.HOLD_GONE, ends=CARD_IS_NEEDED,
    ),
    "settle, card refused": No(
        rule="P10.1", action=SETTLE, facts=booked(SCHEDULED), at=SETTLEMENT,
        call=Call.AUTHORIZE, ends=CARD_IS_NEEDED,
    ),
    "settle, bank wants the student": No(
        rule="P10.1", action=SETTLE, facts=booked(SCHEDULED), at=SETTLEMENT,
        call=Call.AUTHORIZE, ends=STUDENT_IS_NEEDED, **ASKED_FOR_3DS,
    ),
    "settle, top-up refused": No(
        rule="P10.3", action=SETTLE, facts=booked(AUTHORIZED, terms=SOME_CREDIT), at=SETTLEMENT,
        call=Call.PAY, fault=Fault.OTHER, ends=in_review(ReviewReason.PAYOUT_REFUSED), given=True,
    ),
    "settle, instructor's account can't take the top-up": No(
        rule="P10.2", action=SETTLE, facts=booked(AUTHORIZED, terms=SOME_CREDIT), at=SETTLEMENT,
        call=Call.PAY, fault=Fault.PAYEE, ends=in_review(ReviewReason.PAYEE_UNPAYABLE), given=True,
    ),
    "settlement that had to hold the card first, the instructor's account is closed at the top-up": No(
        rule="P10.2", action=SETTLE, facts=booked(SCHEDULED, terms=SOME_CREDIT), at=SETTLEMENT,
        call=Call.PAY, fault=Fault.PAYEE, ends=in_review(ReviewReason.PAYEE_UNPAYABLE), given=True,
    ),
    "settle, capture refused for the instructor's account": No(
        rule="P10.2", action=SETTLE, facts=booked(AUTHORIZED), at=SETTLEMENT,
        call=Call.CAPTURE, fault=Fault.PAYEE, ends=in_review(ReviewReason.PAYEE_UNPAYABLE),
    ),
    "settle, the intent at the bank can't be cancelled": No(
        rule="P10.3", action=SETTLE, facts=booked(CARD_REFUSED, **WAITS_AT_THE_BANK), at=SETTLEMENT,
        call=Call.VOID, fault=Fault.OTHER, ends=in_review(ReviewReason.VOID_REFUSED),
    ),
    # --- The student's cancellation
    "early, void refused": No(
        rule="P10.3", action=STUDENT_CANCEL, facts=booked(AUTHORIZED, terms=SOME_CREDIT), at=IN[Window.EARLY],
        call=Call.VOID, fault=Fault.OTHER, ends=in_review(ReviewReason.VOID_REFUSED), given=True,
    ),
    "middle, capture refused": No(
        rule="P7.9", action=STUDENT_CANCEL, facts=booked(AUTHORIZED), at=IN[Window.MIDDLE],
        call=Call.CAPTURE, ends=in_review(ReviewReason.CAPTURE_REFUSED),
    ),
    "late, capture refused": No(
        rule="P7.9", action=STUDENT_CANCEL, facts=booked(AUTHORIZED), at=IN[Window.LATE],
        call=Call.CAPTURE, fault=Fault.OTHER, ends=in_review(ReviewReason.CAPTURE_REFUSED),
    ),
    "middle, hold gone": No(
        rule="P10.2", action=STUDENT_CANCEL, facts=booked(AUTHORIZED), at=IN[Window.MIDDLE],
        call=Call.CAPTURE, fault=Fault.HOLD_GONE, ends={"successor": STUDENT_CANCEL},
    ),
    "middle, the new hold gone too": No(
        rule="P7.9", action=STUDENT_CANCEL, facts=booked(SCHEDULED), at=IN[Window.MIDDLE],
        call=Call.CAPTURE, fault=Fault.HOLD_GONE, ends=in_review(ReviewReason.CAPTURE_REFUSED),
    ),
    "middle, late authorization refused": No(
        rule="P7.8", action=STUDENT_CANCEL, facts=booked(SCHEDULED), at=IN[Window.MIDDLE],
        call=Call.AUTHORIZE, ends={"refusal_code": "card_declined", "successor": Action.END_UNPAID},
    ),
    "late, late authorization wants the student": No(
        rule="P7.8", action=STUDENT_CANCEL, facts=booked(SCHEDULED), at=IN[Window.LATE],
        call=Call.AUTHORIZE, ends={"refusal_code": "authentication_required", "successor": Action.END_UNPAID},
        **ASKED_FOR_3DS,
    ),
    "middle, reversal refused": No(
        rule="P10.3", action=STUDENT_CANCEL, facts=booked(AUTHORIZED), at=IN[Window.MIDDLE],
        call=Call.REVERSE, fault=Fault.OTHER, ends=in_review(ReviewReason.REVERSAL_REFUSED), given=True,
    ),
    "late, half payout refused": No(
        rule="P10.3", action=STUDENT_CANCEL, facts=booked(AUTHORIZED, terms=SOME_CREDIT), at=IN[Window.LATE],
        call=Call.PAY, fault=Fault.OTHER, ends=in_review(ReviewReason.PAYOUT_REFUSED), given=True,
    ),
    "locked and late, half payout refused": No(
        rule="P10.3", action=STUDENT_CANCEL, facts=booked(LOCKED), at=IN[Window.LATE],
        call=Call.PAY, fault=Fault.OTHER, ends=in_review(ReviewReason.PAYOUT_REFUSED), given=True,
    ),
    "late, instructor's account can't take the half": No(
        rule="P10.2", action=STUDENT_CANCEL, facts=booked(AUTHORIZED), at=IN[Window.LATE],
        call=Call.PAY, fault=Fault.PAYEE, ends=in_review(ReviewReason.PAYEE_UNPAYABLE), given=True,
    ),
    # --- The instructor's cancellation, and endings without charge
    "instructor cancels, void refused": No(
        rule="P10.3", action=INSTRUCTOR_CANCEL, facts=booked(AUTHORIZED, terms=SOME_CREDIT), at=IN[Window.LATE],
        call=Call.VOID, fault=Fault.OTHER, ends=in_review(ReviewReason.VOID_REFUSED), given=True,
    ),
    "instructor cancels, refund refused": No(
        rule="P10.3", action=INSTRUCTOR_CANCEL, facts=booked(LOCKED, terms=SOME_CREDIT), at=IN[Window.LATE],
        call=Call.REFUND, fault=Fault.OTHER, ends=in_review(ReviewReason.REFUND_REFUSED),
    ),
    "checkout expires, void refused": No(
        rule="P10.3", action=Action.EXPIRE, facts=unpaid_checkout(SOME_CREDIT, **WAITS_AT_THE_BANK), at=STARTS,
        call=Call.VOID, fault=Fault.OTHER, ends=in_review(ReviewReason.VOID_REFUSED), given=True,
    ),
    "race lost, void refused": No(
        rule="P10.3", action=Action.END_UNPAID,
        facts=unpaid_checkout(SOME_CREDIT, hold=8_440, time_was_taken=True), at=IN[Window.LATE],
        call=Call.VOID, fault=Fault.OTHER, ends=in_review(ReviewReason.VOID_REFUSED), given=True,
    ),
    # --- Staff
    "staff refund, reversal refused": No(
        rule="P8.6", action=Action.STAFF_REFUND, facts=AT_THE_INSTRUCTORS_COST, at=SETTLEMENT,
        call=Call.REVERSE, fault=Fault.OTHER, ends=in_review(ReviewReason.REVERSAL_REFUSED),
    ),
    "staff refund, the instructor's account is closed": No(
        rule="P8.6", action=Action.STAFF_REFUND, facts=AT_THE_INSTRUCTORS_COST, at=SETTLEMENT,
        call=Call.REVERSE, fault=Fault.PAYEE, ends=in_review(ReviewReason.PAYEE_UNPAYABLE),
    ),
    "staff refund, refund refused": No(
        rule="P8.6", action=Action.STAFF_REFUND, facts=AT_THE_INSTRUCTORS_COST, at=SETTLEMENT,
        call=Call.REFUND, fault=Fault.OTHER, ends=in_review(ReviewReason.REFUND_REFUSED),
    ),
    "staff cancel, reversal refused": No(
        rule="P8.7", action=Action.STAFF_CANCEL, facts=LOCKED_WITHOUT_REVERSAL, at=IN[Window.EARLY],
        call=Call.REVERSE, fault=Fault.OTHER, ends=in_review(ReviewReason.REVERSAL_REFUSED),
    ),
    "staff cancel, the instructor's account is closed": No(
        rule="P8.7", action=Action.STAFF_CANCEL, facts=LOCKED_WITHOUT_REVERSAL, at=IN[Window.EARLY],
        call=Call.REVERSE, fault=Fault.PAYEE, ends=in_review(ReviewReason.PAYEE_UNPAYABLE),
    ),
    "staff cancel, refund refused": No(
        rule="P8.7", action=Action.STAFF_CANCEL, facts=LOCKED_WITHOUT_REVERSAL, at=IN[Window.EARLY],
        call=Call.REFUND, fault=Fault.OTHER, ends=in_review(ReviewReason.REFUND_REFUSED),
    ),
    "staff cancel, void refused": No(
        rule="P10.3", action=Action.STAFF_CANCEL, facts=booked(AUTHORIZED, terms=SOME_CREDIT), at=IN[Window.LATE],
        call=Call.VOID, fault=Fault.OTHER, ends=in_review(ReviewReason.VOID_REFUSED), given=True,
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    "no", [pytest.param(no, marks=pytest.mark.rule(no.rule), id=name) for name, no in REFUSALS.items()]
)
def test_a_refusal_ends_in_the_branch_that_the_policy_names(no: No) -> None:
    plan = decide(no.facts, no.action, no.at, rules=DEFAULT_RULES)
    answers = answered(plan, no.call, verdict=no.verdict, fault=no.fault)

    ending = conclude(plan, no.facts, answers, accepted_at=no.at, now=no.at, rules=DEFAULT_RULES)

    left = {
        name: getattr(ending, name)
        for name in ("payment_status", "booking_status", "outcome", "review_reason", "refusal_code", "successor")
        if getattr(ending, name)
    }
    assert left == no.ends
    assert ending.credits == (plan.ending.credits if no.given else NOTHING)
    assert ending.lines == (plan.ending.lines if no.given else ())


@pytest.mark.parametrize(
    ("action", "facts", "at"),
    [
        (Action.CHECKOUT, unpaid_checkout(), IN[Window.LATE]),
        (Action.AUTHORIZE, booked(SCHEDULED), IN[Window.MIDDLE]),
        (Action.PAY_NOW, unpaid_checkout(), IN[Window.LATE]),
        (Action.CONFIRM_AUTHORIZATION, unpaid_checkout(**WAITS_AT_THE_BANK), IN[Window.LATE]),
        (Action.EXPIRE, unpaid_checkout(**WAITS_AT_THE_BANK), STARTS),
        (Action.END_UNPAID, booked(SCHEDULED, hold=13_440), IN[Window.LATE]),
        (SETTLE, booked(AUTHORIZED, terms=SOME_CREDIT), SETTLEMENT),
        (STUDENT_CANCEL, booked(AUTHORIZED), IN[Window.LATE]),
        (INSTRUCTOR_CANCEL, booked(AUTHORIZED), IN[Window.LATE]),
    ],
    ids=lambda value: str(value) if isinstance(value, Action) else "",
)
def test_what_stripe_agrees_to_ends_as_planned(action: Action, facts: Facts, at: datetime) -> None:
    plan = decide(facts, action, at, rules=DEFAULT_RULES)

    assert conclude(plan, facts, answered(plan), accepted_at=at, now=at, rules=DEFAULT_RULES) == plan.ending


@pytest.mark.rule("P5.3")
@pytest.mark.parametrize("action", [Action.CHECKOUT, Action.PAY_NOW])
def test_a_card_that_is_held_too_late_for_the_time_is_let_go(action: Action) -> None:
    facts = unpaid_checkout()
    late = IN[Window.LATE]
    plan = decide(facts, action, late, rules=DEFAULT_RULES)
    raced = unpaid_checkout(hold=13_440, time_was_taken=True)

    ending = conclude(plan, raced, answered(plan), accepted_at=late, now=late, rules=DEFAULT_RULES)

    assert (ending.booking_status, ending.refusal_code, ending.successor) == (
        BookingStatus.CANCELLED,
        "slot_unavailable",
        Action.END_UNPAID,
    )
    assert ending.payment_status is None  # the successor settles it


@pytest.mark.rule("P3.1")
def test_the_windows_of_an_ending_are_those_of_the_request() -> None:
    """Refused after T−12 h, but asked for before: it is not cancelled at once, however slow Stripe was."""
    facts, asked = booked(SCHEDULED), BEFORE_12_HOURS
    plan = decide(facts, Action.AUTHORIZE, asked, rules=DEFAULT_RULES)
    answers = answered(plan, Call.AUTHORIZE)

    ending = conclude(plan, facts, answers, accepted_at=asked, now=IN[Window.LATE], rules=DEFAULT_RULES)

    assert ending.successor is None


@pytest.mark.rule("P10.1")
@pytest.mark.rule("P10.4")
@pytest.mark.parametrize(
    ("answered_at", "successor"),
    [(AT_12_HOURS, Action.EXPIRE), (STARTS - timedelta(microseconds=1), Action.EXPIRE), (STARTS, None)],
)
def test_a_refusal_that_was_long_in_coming_takes_no_lesson_away_that_has_begun(
    answered_at: datetime, successor: Action | None
) -> None:
    facts = booked(SCHEDULED)
    plan = decide(facts, Action.AUTHORIZE, AT_12_HOURS, rules=DEFAULT_RULES)
    answers = answered(plan, Call.AUTHORIZE)

    ending = conclude(plan, facts, answers, accepted_at=AT_12_HOURS, now=answered_at, rules=DEFAULT_RULES)

    assert (ending.payment_status, ending.successor) == (CARD_REFUSED, successor)
