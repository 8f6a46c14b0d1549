"""A lesson's cases as its student or its instructor reads them, with where to go to do something about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse

from bookings.models import Booking
from disputes.operations.available import CaseAction, CaseChoice, case_actions_on, party_towards
from disputes.queries import cases_of
from disputes.serializers.telling import ToldCase, tell
from instainstru.accounts.models import User

_LABELS = {
    CaseChoice.REPORT_NO_SHOW: "Report a no-show",
    CaseChoice.OPEN_DISPUTE: "Open a dispute",
    CaseChoice.CONTEST: "Contest the report",
    CaseChoice.WITHDRAW: "Withdraw the report",
    CaseChoice.ADD_EVIDENCE: "Add evidence",
}
_PAGES = {
    CaseChoice.REPORT_NO_SHOW: "no-show-report",
    CaseChoice.OPEN_DISPUTE: "dispute-open",
    CaseChoice.CONTEST: "report-contest",
    CaseChoice.WITHDRAW: "report-withdraw",
    CaseChoice.ADD_EVIDENCE: "evidence-add",
}


@dataclass(frozen=True, slots=True)
class Way:
    """Something that may be done, and the page on which it is done."""

    action: CaseAction
    booking: Booking

    @property
    def label(self) -> str:
        return _LABELS[self.action.choice]

    @property
    def url(self) -> str:
        ref = self.action.case.ref if self.action.case else self.booking.ref
        return reverse(_PAGES[self.action.choice], args=[ref])


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldToSide:
    """One case, and what the reader may do about it."""

    told: ToldCase
    ways: tuple[Way, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Everything that went wrong with a lesson, and what its reader may still do about it."""

    booking: Booking
    cases: tuple[ToldToSide, ...]
    ways: tuple[Way, ...]
    actions: Sequence[CaseAction]

    def way_to(self, choice: CaseChoice) -> Way | None:
        """Return how something that concerns no single case is done, or None if it can't be done now."""
        return next((way for way in self.ways if way.action.choice == choice), None)


def trouble_with(booking: Booking, *, reader: User, now: datetime) -> Trouble:
    """Return a booking's cases as its student or instructor is told of them."""
    party = party_towards(booking, reader)
    cases = cases_of(booking, reader=reader)
    actions = case_actions_on(booking, cases, party=party, now=now)
    return Trouble(
        booking=booking,
        cases=tuple(
            ToldToSide(told=told, ways=tuple(Way(action, booking) for action in told.actions))
            for told in (tell(case, to=party, actions=actions) for case in cases)
        ),
        ways=tuple(Way(action, booking) for action in actions if action.case is None),
        actions=actions,
    )
