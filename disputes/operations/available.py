"""What a side, or staff, may do about a lesson that went wrong, and until when: asked of the policy's own functions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial

from bookings.models import Booking
from bookings.operations import party_of
from bookings.operations.subject import BookingSubject
from disputes.models import Case, Chargeback, LessonDispute, NoShowReport
from disputes.operations.evidence import is_heard
from disputes.operations.subject import as_earlier, lesson_of
from disputes.policy import (
    ABSENT,
    ACCUSED_BY,
    CONTEST_TIME,
    STAFF_DISPUTE_TIME,
    Lesson,
    require_contestable,
    require_disputable,
    require_reportable,
    require_withdrawable,
)
from instainstru.accounts.models import User
from instainstru.refusals import Refused
from payments.policy.rules import Rules
from payments.policy.states import Party
from payments.policy.windows import settlement_due_at
from payments.rules import rules_of_version


class CaseChoice(StrEnum):
    """What may be done about a lesson that went wrong."""

    REPORT_NO_SHOW = "report_no_show"
    CONTEST = "contest"
    WITHDRAW = "withdraw"
    OPEN_DISPUTE = "open_dispute"
    ADD_EVIDENCE = "add_evidence"


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseAction:
    """One choice that is open now; `possible_until` is its last instant (P3.2), or None until the case ends."""

    choice: CaseChoice
    rule: str
    sentence: str  # to the one who may do it
    case: Case | None = None  # the one that it is about, if it is about one
    possible_until: datetime | None = None


def case_actions_on(booking: Booking, cases: Sequence[Case], *, party: Party, now: datetime) -> list[CaseAction]:
    """Return what a side may do about a booking whose cases are all given, by what the operations themselves ask."""
    lesson = lesson_of(BookingSubject(booking), [case for case in cases if isinstance(case, LessonDispute)])
    rules = rules_of_version(booking.payment.policy_version)
    return [
        *_report(lesson, cases, party=party, now=now, rules=rules),
        *_dispute(lesson, cases, party=party, now=now, rules=rules, cancelled_at=booking.cancelled_at),
        *(action for case in cases for action in actions_on_case(case, party=party, now=now)),
    ]


def party_towards(booking: Booking, user: User) -> Party:
    """Return on which side of a booking's cases a user stands. Raises ValueError for a stranger."""
    return Party.STAFF if user.is_staff else party_of(booking, user)


def _report(
    lesson: Lesson, cases: Sequence[Case], *, party: Party, now: datetime, rules: Rules
) -> Iterator[CaseAction]:
    earlier = [as_earlier(case) for case in cases if isinstance(case, NoShowReport)]

    def report(absent: Party) -> None:
        require_reportable(lesson, now, by=party, absent=absent, earlier=earlier, rules=rules)

    if any(_allows(partial(report, absent)) for absent in _accusable(party)):
        yield CaseAction(
            choice=CaseChoice.REPORT_NO_SHOW,
            rule="P8.1",
            sentence=_REPORTING[party],
            possible_until=settlement_due_at(lesson.ends_at, rules=rules),
        )


def _dispute(
    lesson: Lesson, cases: Sequence[Case], *, party: Party, now: datetime, rules: Rules, cancelled_at: datetime | None
) -> Iterator[CaseAction]:
    earlier = [as_earlier(case) for case in cases if isinstance(case, LessonDispute)]

    def dispute() -> None:
        require_disputable(lesson, now, by=party, cancelled_at=cancelled_at, earlier=earlier, rules=rules)

    if _allows(dispute):
        own_window = settlement_due_at(lesson.ends_at, rules=rules)
        yield CaseAction(
            choice=CaseChoice.OPEN_DISPUTE,
            rule="P8.4",
            sentence="Say what was wrong with the lesson. Its money stays where it is until our staff have decided.",
            possible_until=lesson.ends_at + STAFF_DISPUTE_TIME if party == Party.STAFF else own_window,
        )


def actions_on_case(case: Case, *, party: Party, now: datetime) -> Iterator[CaseAction]:
    """Return what a side may do about one case."""
    if isinstance(case, NoShowReport):
        yield from _on_report(case, party=party, now=now)
    if is_heard(case, party):
        yield CaseAction(
            choice=CaseChoice.ADD_EVIDENCE,
            rule="P8.5",
            sentence="Tell what happened, and add files if you have any.",
            case=case,
            possible_until=case.respond_by if isinstance(case, Chargeback) else None,
        )


def _on_report(report: NoShowReport, *, party: Party, now: datetime) -> Iterator[CaseAction]:
    def contest() -> None:
        require_contestable(now, reported_at=report.reported_at, is_open=report.is_open)

    def withdraw() -> None:
        require_withdrawable(is_open=report.is_open, is_contested=report.is_contested)

    if party == report.absent and not report.is_contested and _allows(contest):
        yield CaseAction(
            choice=CaseChoice.CONTEST,
            rule="P8.2",
            sentence="Say that you were there; then our staff decide. Uncontested, the report counts as true.",
            case=report,
            possible_until=report.reported_at + CONTEST_TIME,
        )
    if party == report.reported_by and _allows(withdraw):
        yield CaseAction(
            choice=CaseChoice.WITHDRAW,
            rule="P8.2",
            sentence="Take the report back. The payment goes on as if nothing had been reported, and you can’t report "
            "it again.",
            case=report,
            possible_until=report.confirm_at,
        )


def _accusable(party: Party) -> list[Party]:
    return [ACCUSED_BY[party]] if party in ACCUSED_BY else list(ABSENT)


def _allows(require: Callable[[], None]) -> bool:
    try:
        require()
    except Refused:
        return False
    return True


_REPORTING = {
    Party.STUDENT: "Say that your instructor did not come. The lesson’s money stays where it is until that is decided.",
    Party.INSTRUCTOR: "Say that your student did not come. The lesson’s money stays where it is until that is decided.",
    Party.STAFF: "Report a side absent. The lesson’s money stays where it is until that is decided.",
}
