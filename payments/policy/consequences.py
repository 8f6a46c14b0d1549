"""What a plan moves, summed up for each side: the amounts that stand beside its sentences wherever it is shown."""

from dataclasses import dataclass

from payments.policy.plan import Plan
from payments.policy.states import Call


@dataclass(frozen=True, slots=True, kw_only=True)
class ForStudent:
    """What a plan does to the card and the credits of a student. Cents."""

    card_held: int  # a hold that stands afterwards
    card_charged: int
    card_freed: int  # a hold that goes
    card_refunded: int
    credits_returned: int
    credits_issued: int
    credits_forfeited: int
    credits_used: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ForInstructor:
    """What a plan pays an instructor: transfers less reversals, so less than nothing if more is taken back. Cents."""

    paid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Consequences:
    """Both sides of a plan."""

    student: ForStudent
    instructor: ForInstructor


def consequences_of(plan: Plan) -> Consequences:
    """Return what a plan moves if every one of its calls succeeds."""
    moved = dict.fromkeys(Call, 0)
    transferred = 0
    for step in plan.steps:
        moved[step.call] += step.amount
        transferred += step.transfer if step.call == Call.CAPTURE else 0
    credit_moves = plan.ending.credits
    return Consequences(
        student=ForStudent(
            card_held=max(0, moved[Call.AUTHORIZE] - moved[Call.CAPTURE]),
            card_charged=moved[Call.CAPTURE] + moved[Call.CHARGE],
            card_freed=moved[Call.VOID],
            card_refunded=moved[Call.REFUND],
            credits_returned=credit_moves.released,
            credits_issued=credit_moves.issued,
            credits_forfeited=credit_moves.forfeited,
            credits_used=credit_moves.consumed,
        ),
        instructor=ForInstructor(
            paid=transferred + moved[Call.PAY] - moved[Call.REVERSE] - moved[Call.TAKE_BACK],
        ),
    )
