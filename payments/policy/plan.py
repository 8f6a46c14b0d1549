"""Plans and endings: what an action will do, and what it did (design 3). Frozen, comparable, and stored as JSON."""

import hashlib
import json
from dataclasses import dataclass, fields
from enum import StrEnum
from operator import attrgetter
from typing import Any, Self, TypeVar

from payments.policy.accounts import Account, Line
from payments.policy.states import Action, BookingStatus, Call, Fault, Outcome, PaymentStatus, ReviewReason, Verdict

Word = TypeVar("Word", bound=StrEnum)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedStep:
    """One Stripe call to be made. Cents; `transfer` is what a charge's own transfer will carry (`TR`)."""

    call: Call
    amount: int
    transfer: int = 0
    on_session: bool = False  # the student is there and can confirm with the bank
    of: str = ""  # the explicit transfer that is taken back


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditMoves:
    """What happens to the booking's reserved credits, and what new credit is given. Cents."""

    released: int = 0
    issued: int = 0
    forfeited: int = 0
    consumed: int = 0

    @property
    def used(self) -> int:
        """What the student no longer has: the ledger turns it into somebody's money."""
        return self.forfeited + self.consumed

    @classmethod
    def towards(cls, target: int, *, reserved: int) -> Self:
        """Return the moves that leave the student with the credit return target `T` (policy section 7)."""
        return cls(
            released=min(reserved, target), issued=max(0, target - reserved), forfeited=max(0, reserved - target)
        )


NOTHING = CreditMoves()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What an operation leaves behind. `None` states stay as they are."""

    payment_status: PaymentStatus | None = None
    booking_status: BookingStatus | None = None
    outcome: Outcome | None = None
    review_reason: ReviewReason | None = None
    credits: CreditMoves = NOTHING
    lines: tuple[Line, ...] = ()
    moves: bool = False  # the lesson moves to the time that was asked for (P6.1, P6.2)
    refusal_code: str = ""  # what the one who asked is told when it did not work out
    successor: Action | None = None  # what goes on in the same commit (design 4)

    @property
    def gives(self) -> bool:
        """Whether anything is given or booked, beside the states."""
        return self.credits != NOTHING or bool(self.lines) or self.moves


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What one action does: previewed, executed by the engine, kept on the operation's row."""

    action: Action
    rule: str  # "P7.3", shown wherever this plan is shown
    version: str
    booking_status_at_once: BookingStatus | None = None  # takes effect when the operation begins
    revokes: int = 0  # cents of the credit issued for the booking, taken when the operation begins (P9.2)
    steps: tuple[PlannedStep, ...] = ()
    ending: Ending  # if every call succeeds
    to_student: str
    to_instructor: str

    @property
    def digest(self) -> str:
        """Fingerprint of the consequences: a preview goes stale when they change, never because a second passed."""
        consequences = {key: value for key, value in self.as_json().items() if not key.startswith("to_")}
        return hashlib.sha256(json.dumps(consequences, sort_keys=True).encode()).hexdigest()[:32]

    def does_the_same_as(self, other: Self) -> bool:
        """Whether two plans have the same consequences, whatever their words: exactly then their digests are equal."""
        return _consequences(self) == _consequences(other)

    def as_json(self) -> dict[str, Any]:
        return {
            "action": self.action,
            "rule": self.rule,
            "version": self.version,
            "booking_status_at_once": self.booking_status_at_once,
            "revokes": self.revokes,
            "steps": [
                {
                    "call": step.call,
                    "amount": step.amount,
                    "transfer": step.transfer,
                    "on_session": step.on_session,
                    "of": step.of,
                }
                for step in self.steps
            ],
            "ending": ending_as_json(self.ending),
            "to_student": self.to_student,
            "to_instructor": self.to_instructor,
        }

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        """Read a stored plan back: an operation is concluded by the plan that it began with."""
        return cls(
            action=Action(stored["action"]),
            rule=stored["rule"],
            version=stored["version"],
            booking_status_at_once=_optional(BookingStatus, stored["booking_status_at_once"]),
            revokes=stored.get("revokes", 0),  # plans were stored before there were any
            steps=tuple(PlannedStep(**{**step, "call": Call(step["call"])}) for step in stored["steps"]),
            ending=ending_from_json(stored["ending"]),
            to_student=stored["to_student"],
            to_instructor=stored["to_instructor"],
        )


_consequences = attrgetter(*(field.name for field in fields(Plan) if not field.name.startswith("to_")))


@dataclass(frozen=True, slots=True, kw_only=True)
class StepAnswer:
    """How one planned step was answered, as far as the policy cares."""

    call: Call
    verdict: Verdict
    fault: Fault | None = None
    code: str = ""


def ending_as_json(ending: Ending) -> dict[str, Any]:
    credits = ending.credits
    return {
        "payment_status": ending.payment_status,
        "booking_status": ending.booking_status,
        "outcome": ending.outcome,
        "review_reason": ending.review_reason,
        "credits": {
            "released": credits.released,
            "issued": credits.issued,
            "forfeited": credits.forfeited,
            "consumed": credits.consumed,
        },
        "lines": [[line.account, line.amount] for line in ending.lines],
        "moves": ending.moves,
        "refusal_code": ending.refusal_code,
        "successor": ending.successor,
    }


def ending_from_json(stored: dict[str, Any]) -> Ending:
    return Ending(
        payment_status=_optional(PaymentStatus, stored["payment_status"]),
        booking_status=_optional(BookingStatus, stored["booking_status"]),
        outcome=_optional(Outcome, stored["outcome"]),
        review_reason=_optional(ReviewReason, stored["review_reason"]),
        credits=CreditMoves(**stored["credits"]),
        lines=tuple(Line(Account(account), amount) for account, amount in stored["lines"]),
        moves=stored["moves"],
        refusal_code=stored["refusal_code"],
        successor=_optional(Action, stored["successor"]),
    )


def _optional(words: type[Word], stored: str | None) -> Word | None:
    return None if stored is None else words(stored)
