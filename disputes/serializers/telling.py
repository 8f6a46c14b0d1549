"""A case in plain words, to one side of it or to staff: what is said, by when what happens, how it ended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from disputes.models import Case, Chargeback, Evidence, LessonDispute, NoShowReport
from disputes.models.resolution import Resolution
from disputes.operations.available import CaseAction
from disputes.operations.notices import FOUND, GOES_ON, STANDS_STILL
from disputes.policy import CONTEST_TIME
from disputes.queries import began_at, opened_by
from instainstru.money import dollars
from payments.policy.states import DisputeRuling, NoShowRuling, Party
from payments.queries import State, Undertaking, undertaking_of
from payments.serializers.operations import IN_THE_MEANTIME


class CaseKind(StrEnum):
    """What a case is."""

    NO_SHOW = "no_show"
    DISPUTE = "dispute"
    CHARGEBACK = "chargeback"


class CaseState(StrEnum):
    """How far a case is."""

    OPEN = "open"
    CONTESTED = "contested"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """What happens, or is asked for, by when."""

    at: datetime
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What one side said when it brought the case or contested it; `who` is its name to the reader."""

    by: Party
    who: str
    at: datetime
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One piece of evidence, and who showed it, by the name that the reader knows."""

    evidence: Evidence
    who: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a case ended. `undertaking` is what moved the money, if anything did."""

    resolution: Resolution
    ruling: str
    at: datetime
    sentence: str
    reason: str  # for staff alone: it is their own note
    undertaking: Undertaking | None

    @property
    def moved(self) -> Undertaking | None:
        """What has moved the money and is done, so that its amounts are known."""
        return self.undertaking if self.undertaking and self.undertaking.state == State.DONE else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldCase:
    """A case as one reader is told of it."""

    case: Case
    kind: CaseKind
    state: CaseState
    by: Party
    absent: Party | None
    on_behalf_of: Party | None
    began_at: datetime
    title: str
    sentence: str
    deadlines: tuple[Deadline, ...]
    statements: tuple[Statement, ...]
    evidence: tuple[Shown, ...]
    outcome: Outcome | None
    actions: tuple[CaseAction, ...]


def tell(case: Case, *, to: Party, actions: Sequence[CaseAction] = ()) -> ToldCase:
    """Tell one side, or staff, of a case of `queries.cases_of`; of `actions` those that are about it come with it."""
    return ToldCase(
        case=case,
        kind=_KINDS[type(case)],
        state=_state_of(case),
        by=opened_by(case),
        absent=Party(case.absent) if isinstance(case, NoShowReport) else None,
        on_behalf_of=Party(case.on_behalf_of) if isinstance(case, LessonDispute) else None,
        began_at=began_at(case),
        title=_title(case, to=to),
        sentence=_sentence(case, to=to),
        deadlines=tuple(_deadlines(case, to=to)),
        statements=tuple(_statements(case, to=to)),
        evidence=tuple(
            Shown(evidence=piece, who=named(Party(piece.by), to=to).capitalize())
            for piece in case.shown_evidence  # type: ignore[union-attr]  # prefetched by the query
        ),
        outcome=_outcome(case, to=to),
        actions=tuple(action for action in actions if action.case == case),
    )


def named(party: Party, *, to: Party) -> str:
    """Name a party to a reader."""
    return "you" if party == to and party != Party.STAFF else _NAMES[party]


def _state_of(case: Case) -> CaseState:
    if not case.is_open:
        return CaseState.ENDED
    return CaseState.CONTESTED if isinstance(case, NoShowReport) and case.is_contested else CaseState.OPEN


def _title(case: Case, *, to: Party) -> str:
    match case:
        case NoShowReport():
            absent = named(Party(case.absent), to=to)
            return f"{named(Party(case.reported_by), to=to).capitalize()} reported that {absent} did not come"
        case LessonDispute():
            return f"{named(Party(case.opened_by), to=to).capitalize()} opened a dispute"
    return "The payment was taken back by the bank"


def _sentence(case: Case, *, to: Party) -> str:
    """Say where an open case stands; how one ended is its outcome's matter."""
    if not case.is_open:
        return ""
    match case:
        case NoShowReport() if case.is_contested:
            return f"It is contested, so our staff decide. {STANDS_STILL}"
        case NoShowReport():
            return f"If nobody contests it in time, it counts as true. {STANDS_STILL}"
        case LessonDispute():
            return f"Our staff decide. {STANDS_STILL}"
    bank = "your bank" if to == Party.STUDENT else "the student’s bank"
    return f"{bank[0].upper()}{bank[1:]} has taken back {dollars(case.amount_cents)} and decides. {STANDS_STILL}"


def _deadlines(case: Case, *, to: Party) -> Iterator[Deadline]:
    if not case.is_open:
        return
    match case:
        case NoShowReport() if not case.is_contested:
            yield Deadline(at=case.reported_at + CONTEST_TIME, what="The report can be contested until then.")
        case LessonDispute():
            yield Deadline(at=case.evidence_until, what="Both sides are asked to show by then what they have.")
            yield Deadline(at=case.rule_by, what="Our staff decide by then.")
        case Chargeback() if case.respond_by and to != Party.STUDENT:
            yield Deadline(at=case.respond_by, what="The bank takes no evidence after it.")


def _statements(case: Case, *, to: Party) -> Iterator[Statement]:
    match case:
        case NoShowReport():
            said = [(Party(case.reported_by), case.reported_at, case.statement)]
            if case.contested_at:
                said.append((Party(case.absent), case.contested_at, case.contest_statement))
        case LessonDispute():
            said = [(Party(case.opened_by), case.opened_at, case.statement)]
        case _:
            said = []
    for by, at, text in said:
        if text:
            yield Statement(by=by, who=named(by, to=to).capitalize(), at=at, text=text)


def _outcome(case: Case, *, to: Party) -> Outcome | None:
    if case.resolved_at is None:
        return None
    undertaking = undertaking_of(case.operation) if case.operation else None
    return Outcome(
        resolution=Resolution(case.resolution),
        ruling="" if isinstance(case, Chargeback) else case.ruling,
        at=case.resolved_at,
        sentence=" ".join([_how_it_ended(case, undertaking), _what_then(case, undertaking, to=to)]).strip(),
        reason=case.resolution_reason if to == Party.STAFF else "",
        undertaking=undertaking,
    )


def _how_it_ended(case: Case, undertaking: Undertaking | None) -> str:
    match Resolution(case.resolution):
        case Resolution.WITHDRAWN:
            return "The report was withdrawn."
        case Resolution.SUPERSEDED:
            return f"It ended with another case. {case.resolution_reason}"
        case Resolution.BY_THE_BANK:
            won = isinstance(case, Chargeback) and case.status == Chargeback.Status.WON
            return f"The bank decided for the {'instructor' if won else 'student'}."
        case Resolution.CONFIRMED:
            return f"Nobody contested the report in time. {_found(case)}"
    if isinstance(case, LessonDispute) and undertaking and undertaking.state not in IN_THE_MEANTIME:
        return "Our staff decided."  # and the plan says for whom
    return f"Our staff decided. {_found(case)}"


def _found(case: Case) -> str:
    match case:
        case NoShowReport():
            return FOUND[NoShowRuling(case.ruling)]
        case LessonDispute():
            return f"The dispute is won by the {_WON_BY[DisputeRuling(case.ruling)]}."
    return ""


def _what_then(case: Case, undertaking: Undertaking | None, *, to: Party) -> str:
    if undertaking is None:
        return GOES_ON if case.resolution != Resolution.SUPERSEDED else ""
    if undertaking.state in IN_THE_MEANTIME:
        return IN_THE_MEANTIME[undertaking.state]
    plan = undertaking.plan
    match to:
        case Party.STUDENT:
            return plan.to_student
        case Party.INSTRUCTOR:
            return plan.to_instructor
    return f"To the student: {plan.to_student} To the instructor: {plan.to_instructor}"


_KINDS: dict[type[Case], CaseKind] = {
    NoShowReport: CaseKind.NO_SHOW,
    LessonDispute: CaseKind.DISPUTE,
    Chargeback: CaseKind.CHARGEBACK,
}
_NAMES = {
    Party.STUDENT: "the student",
    Party.INSTRUCTOR: "the instructor",
    Party.STAFF: "our staff",
    Party.SYSTEM: "the system",
}
_WON_BY = {DisputeRuling.STUDENT_WINS: "student", DisputeRuling.INSTRUCTOR_WINS: "instructor"}
