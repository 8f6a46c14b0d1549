"""A student's cancellation that a case had halted, and that goes on when the case ends: what was moved stays moved."""

import pytest

from payments.policy.accounts import Account
from payments.policy.decide import decide
from payments.policy.facts import Facts
from payments.policy.plan import Plan
from payments.policy.pricing import Terms
from payments.policy.rules import DEFAULT_RULES
from payments.policy.states import Action, Call, PaymentStatus
from payments.policy.windows import Window
from tests.policy.given import ALL_CREDIT, CARD_ONLY, IN, booked, priced

REVERSE, PAY = Call.REVERSE, Call.PAY
MIDDLE, LATE = Window.MIDDLE, Window.LATE
HALF_BY_CARD = priced(credits=8_160)  # the card pays 52.80, which is the instructor's half, too


def student_cancels(facts: Facts, window: Window) -> Plan:
    return decide(facts, Action.STUDENT_CANCEL, IN[window], rules=DEFAULT_RULES)


def halted(terms: Terms, *, instructor_holds: int, refunded: int = 0) -> Facts:
    """Return the facts beneath the freeze: the card was charged, and the payment's status is still the former one."""
    return booked(
        PaymentStatus.AUTHORIZED, terms=terms, hold=0, captured=terms.card_total, instructor_holds=instructor_holds,
        refunded=refunded,
    )  # fmt: skip


HALTED = {  # the rule and the last call that was sent: terms, window, what the instructor holds -> the calls to come
    "P7.2 captured": (CARD_ONLY, MIDDLE, 10_560, [(REVERSE, 10_560)]),
    "P7.2 reversed": (CARD_ONLY, MIDDLE, 0, []),
    "P7.3 captured": (CARD_ONLY, LATE, 10_560, [(REVERSE, 10_560), (PAY, 5_280)]),
    "P7.3 reversed": (CARD_ONLY, LATE, 0, [(PAY, 5_280)]),
    "P7.3 paid": (CARD_ONLY, LATE, 5_280, []),
    "P7.3 all credit, captured": (ALL_CREDIT, LATE, 1_440, [(REVERSE, 1_440), (PAY, 5_280)]),
    "P7.3 all credit, reversed": (ALL_CREDIT, LATE, 0, [(PAY, 5_280)]),
    "P7.3 all credit, paid": (ALL_CREDIT, LATE, 5_280, []),
    "P7.3 captured, and its transfer is the half": (HALF_BY_CARD, LATE, 5_280, []),
}


@pytest.mark.rule("P8.1")
@pytest.mark.parametrize(
    ("terms", "window", "holds", "calls"),
    [pytest.param(*case, marks=pytest.mark.rule(name.split()[0]), id=name) for name, case in HALTED.items()],
)
def test_a_halted_cancellation_goes_on_from_where_it_stood_to_the_same_end(
    terms: Terms, window: Window, holds: int, calls: list[tuple[Call, int]]
) -> None:
    at_one_go = student_cancels(booked(PaymentStatus.AUTHORIZED, terms=terms), window)

    plan = student_cancels(halted(terms, instructor_holds=holds), window)

    assert [(step.call, step.amount) for step in plan.steps] == calls
    assert plan.ending == at_one_go.ending
    assert (plan.rule, plan.to_student, plan.to_instructor) == (
        at_one_go.rule,
        at_one_go.to_student,
        at_one_go.to_instructor,
    )


@pytest.mark.rule("P7.2")
@pytest.mark.rule("P8.8")
def test_of_a_halted_cancellation_what_was_not_refunded_meanwhile_is_booked() -> None:
    plan = student_cancels(halted(CARD_ONLY, instructor_holds=0, refunded=1_000), MIDDLE)

    assert {line.account: line.amount for line in plan.ending.lines} == {
        Account.HELD: 12_440,
        Account.CREDITS: -12_000,
        Account.FEE_INCOME: -440,
    }
