"""What each side may do with a booking now, what that would do, and until when (design 3).

Asked of `decide`, so that what is offered is what is accepted, with the consequences that it then has.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from instainstru.refusals import Refused
from payments.policy.completion import require_completable
from payments.policy.decide import decide
from payments.policy.facts import Facts
from payments.policy.plan import Plan
from payments.policy.rules import Rules
from payments.policy.states import Action, BookingStatus, Party, PaymentStatus
from payments.policy.windows import (
    authorization_due_at,
    checkout_expires_at,
    in_words,
    settlement_due_at,
    unpaid_cancellation_due_at,
)

INSTANT = timedelta(microseconds=1)  # nothing that we store is finer


class Choice(StrEnum):
    """What a student or an instructor may choose to do with a booking of theirs."""

    CANCEL = "cancel"
    RESCHEDULE = "reschedule"
    PAY = "pay"
    CONFIRM_PAYMENT = "confirm_payment"
    MARK_COMPLETE = "mark_complete"


@dataclass(frozen=True, slots=True, kw_only=True)
class AvailableAction:
    """One choice that is open now.

    The instants are the last ones at which it holds (P3.2), but for the lesson's start, which belongs to what comes
    after (P3.1). None: until something else happens.
    """

    choice: Choice
    rule: str
    sentence: str  # to the one who may do it
    plan: Plan | None  # None: it moves no money
    unchanged_until: datetime | None = None  # a preview shown now is good so long
    possible_until: datetime | None = None

    @property
    def digest(self) -> str:
        """Fingerprint of the plan's consequences; a choice without a plan always has the same ones."""
        return "" if self.plan is None else self.plan.digest


def is_over(*, payment_status: PaymentStatus | str, owed: int, has_pending_intent: bool) -> bool:
    """Return whether every choice of either side would be refused, whenever it were made.

    Most bookings that are ever read are over: that need not be found out by trying each choice.
    """
    return payment_status == PaymentStatus.SETTLED and not owed and not has_pending_intent


def available_actions(
    facts: Facts, party: Party, now: datetime, *, rules: Rules, operation_under_way: bool = False
) -> tuple[AvailableAction, ...]:
    """Return what a side may do at an instant. Staff and the clockwork have ways of their own.

    While an operation is under way, cancelling is accepted and waits (P7.11); nothing else is.
    """
    if is_over(payment_status=facts.payment_status, owed=facts.owed, has_pending_intent=facts.has_pending_intent):
        return ()
    return tuple(_available(party, facts, now, rules=rules, choices=_NOT_HELD_UP if operation_under_way else _EVERY))


_Judge = Callable[[Facts, datetime, Rules], AvailableAction]


def _available(
    party: Party, facts: Facts, now: datetime, *, rules: Rules, choices: frozenset[Choice]
) -> Iterator[AvailableAction]:
    for choice, judge in _CHOICES.get(party, {}).items():
        if choice not in choices:
            continue
        asked = _as_asked(choice, facts)
        try:
            offered = judge(asked, now, rules)
        except Refused:
            continue
        yield _with_deadlines(offered, judge, asked, now, rules=rules)


def _with_deadlines(
    offered: AvailableAction, judge: _Judge, facts: Facts, now: datetime, *, rules: Rules
) -> AvailableAction:
    """Try the choice again right after each instant at which its answer can change."""
    unchanged = [] if (acts_at := _clockwork_acts_at(facts, now, rules=rules)) is None else [acts_at]
    possible = [] if (ends_at := _state_ends_at(facts, now, rules=rules)) is None else [ends_at]
    for edge in _edges(facts, rules=rules):
        if edge < now:
            continue
        try:
            later = judge(facts, edge + INSTANT, rules)
        except Refused:
            possible.append(edge)
            break
        if not _does_the_same(later.plan, offered.plan):
            unchanged.append(edge)
    first = min(unchanged + possible, default=None)
    last = min(possible, default=None)
    return replace(
        offered,
        unchanged_until=None if first is None else max(now, first),
        possible_until=None if last is None else max(now, last),
    )


def _does_the_same(plan: Plan | None, other: Plan | None) -> bool:
    return plan is other if plan is None or other is None else plan.does_the_same_as(other)


def _edges(facts: Facts, *, rules: Rules) -> list[datetime]:
    """The instants at which time alone can change an answer, in order: the edges of the windows (P3.1, P5.5)."""
    return [
        authorization_due_at(facts.starts_at, rules=rules),
        unpaid_cancellation_due_at(facts.starts_at, rules=rules),
        facts.starts_at,
        facts.ends_at,
    ]


def _clockwork_acts_at(facts: Facts, now: datetime, *, rules: Rules) -> datetime | None:
    """When the clockwork next changes what is true, as far as that is sure: then previews go stale."""
    if facts.payment_status == PaymentStatus.SCHEDULED:
        return authorization_due_at(facts.starts_at, rules=rules)
    return _state_ends_at(facts, now, rules=rules)


def _state_ends_at(facts: Facts, now: datetime, *, rules: Rules) -> datetime | None:
    """When the clockwork ends the booking or its payment, or None if that is not sure."""
    settles_at = settlement_due_at(facts.ends_at, rules=rules)
    match facts.payment_status:
        case PaymentStatus.PAYMENT_METHOD_REQUIRED if facts.booking_status == BookingStatus.PENDING:
            return checkout_expires_at(made_at=facts.made_at, starts_at=facts.starts_at, rules=rules)
        case PaymentStatus.PAYMENT_METHOD_REQUIRED if now < facts.starts_at:
            return unpaid_cancellation_due_at(facts.starts_at, rules=rules)  # P10.1
        case PaymentStatus.PAYMENT_METHOD_REQUIRED:
            return settles_at if now < settles_at else None  # then whether it ends is for the card to say (P10.2)
        case PaymentStatus.SETTLED | PaymentStatus.MANUAL_REVIEW:
            return None
    return settles_at


def _as_asked(choice: Choice, facts: Facts) -> Facts:
    """The facts by which a choice is judged."""
    match choice:
        case Choice.RESCHEDULE:  # for a new time as far away as the old one: the real one is not chosen yet
            return replace(facts, new_starts_at=facts.starts_at)
        case Choice.PAY:
            return replace(facts, student_is_there=True)
    return facts


# --- The choices ----------------------------------------------------------------------------------------------------


def _student_cancels(facts: Facts, now: datetime, rules: Rules) -> AvailableAction:
    plan = decide(facts, Action.STUDENT_CANCEL, now, rules=rules)
    return _planned(Choice.CANCEL, plan, plan.to_student)


def _student_reschedules(facts: Facts, now: datetime, rules: Rules) -> AvailableAction:
    plan = decide(facts, Action.RESCHEDULE, now, rules=rules)
    return _planned(Choice.RESCHEDULE, plan, plan.to_student)


def _student_pays(facts: Facts, now: datetime, rules: Rules) -> AvailableAction:
    """A debt, a due collection, or a hold: whatever the card owes (P5.2, P10.1, P10.2)."""
    if facts.owed:
        action = Action.COLLECT
    elif facts.payment_status != PaymentStatus.PAYMENT_METHOD_REQUIRED:
        raise Refused("already_settled")
    else:
        due = now >= settlement_due_at(facts.ends_at, rules=rules) or facts.collection_refused_at is not None
        action = Action.SETTLE if due else Action.PAY_NOW
    plan = decide(facts, action, now, rules=rules)
    return _planned(Choice.PAY, plan, plan.to_student)


def _student_confirms(facts: Facts, now: datetime, rules: Rules) -> AvailableAction:
    plan = decide(facts, Action.CONFIRM_AUTHORIZATION, now, rules=rules)
    return _planned(Choice.CONFIRM_PAYMENT, plan, plan.to_student)


def _instructor_cancels(facts: Facts, now: datetime, rules: Rules) -> AvailableAction:
    plan = decide(facts, Action.INSTRUCTOR_CANCEL, now, rules=rules)
    return _planned(Choice.CANCEL, plan, plan.to_instructor)


def _instructor_marks_complete(facts: Facts, now: datetime, rules: Rules) -> AvailableAction:
    """P5.5: from the lesson's end on; it changes the booking's status and moves no money."""
    require_completable(
        booking_status=facts.booking_status,
        payment_status=facts.payment_status,
        review_reason=facts.review_reason,
        ends_at=facts.ends_at,
        now=now,
    )
    paid = in_words(rules.settle_after)
    return AvailableAction(
        choice=Choice.MARK_COMPLETE,
        rule="P5.5",
        sentence=f"The lesson counts as given. You are paid {paid} after its end, marked or not.",
        plan=None,
    )


def _planned(choice: Choice, plan: Plan, sentence: str) -> AvailableAction:
    return AvailableAction(choice=choice, rule=plan.rule, sentence=sentence, plan=plan)


_CHOICES: dict[Party, dict[Choice, _Judge]] = {
    Party.STUDENT: {
        Choice.CONFIRM_PAYMENT: _student_confirms,
        Choice.PAY: _student_pays,
        Choice.RESCHEDULE: _student_reschedules,
        Choice.CANCEL: _student_cancels,
    },
    Party.INSTRUCTOR: {
        Choice.MARK_COMPLETE: _instructor_marks_complete,
        Choice.CANCEL: _instructor_cancels,
    },
}
_EVERY = frozenset(Choice)
_NOT_HELD_UP = frozenset({Choice.CANCEL})
