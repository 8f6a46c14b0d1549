"""What a plan moves, summed up for each side."""

from payments.policy.consequences import Consequences, ForInstructor, ForStudent, consequences_of
from payments.policy.plan import CreditMoves, Ending, Plan, PlannedStep
from payments.policy.states import Action, Call

NOTHING = dict.fromkeys(ForStudent.__slots__, 0)


def a_plan(*steps: PlannedStep, credits: CreditMoves | None = None) -> Plan:
    return Plan(
        action=Action.SETTLE,
        rule="P5.5",
        version="2.1.1",
        steps=steps,
        ending=Ending(credits=credits or CreditMoves()),
        to_student="",
        to_instructor="",
    )


def moves(plan: Plan, *, paid: int = 0, **student: int) -> bool:
    """Return whether a plan moves exactly that, and nothing else."""
    expected = Consequences(student=ForStudent(**NOTHING | student), instructor=ForInstructor(paid=paid))
    return consequences_of(plan) == expected


def call(kind: Call, amount: int, transfer: int = 0) -> PlannedStep:
    return PlannedStep(call=kind, amount=amount, transfer=transfer)


def test_a_hold_stands_until_it_is_charged() -> None:
    hold, capture = call(Call.AUTHORIZE, 13_440, 10_560), call(Call.CAPTURE, 13_440, 10_560)

    assert moves(a_plan(hold), card_held=13_440)
    assert moves(a_plan(hold, capture), card_charged=13_440, paid=10_560)
    assert moves(a_plan(capture), card_charged=13_440, paid=10_560)


def test_what_is_paid_is_what_goes_less_what_comes_back() -> None:
    capture, pay = call(Call.CAPTURE, 13_440, 10_560), call(Call.PAY, 5_280)

    assert moves(a_plan(capture, call(Call.REVERSE, 10_560)), card_charged=13_440)
    assert moves(a_plan(capture, call(Call.REVERSE, 10_560), pay), card_charged=13_440, paid=5_280)
    assert moves(a_plan(pay, pay), paid=10_560)
    assert moves(a_plan(call(Call.REVERSE, 100)), paid=-100)
    assert moves(a_plan(call(Call.TAKE_BACK, 200)), paid=-200)


def test_every_hold_that_goes_and_every_refund_counts() -> None:
    assert moves(a_plan(call(Call.VOID, 0), call(Call.VOID, 13_440)), card_freed=13_440)
    assert moves(a_plan(call(Call.VOID, 100), call(Call.VOID, 200)), card_freed=300)
    assert moves(a_plan(call(Call.REFUND, 500)), card_refunded=500)


def test_a_debt_is_charged_like_a_lesson() -> None:
    assert moves(a_plan(call(Call.CHARGE, 13_440)), card_charged=13_440)
    assert moves(a_plan(call(Call.CAPTURE, 1, 1), call(Call.CHARGE, 2)), card_charged=3, paid=1)


def test_credits_are_named_one_by_one() -> None:
    gives = CreditMoves(released=1, issued=2, forfeited=3, consumed=4)

    assert moves(a_plan(credits=gives), credits_returned=1, credits_issued=2, credits_forfeited=3, credits_used=4)
