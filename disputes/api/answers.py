"""How every request about cases is done once, and answered."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from rest_framework.exceptions import APIException
from rest_framework.response import Response

from bookings.api.answers import as_seen_by
from bookings.models import Booking
from disputes.models import Case, LessonDispute, NoShowReport
from disputes.operations.available import actions_on_case, case_actions_on, party_towards
from disputes.operations.evidence import EvidenceRefused
from disputes.queries import case_visible_to, cases_of
from disputes.serializers.cases import CaseOut, CasesOut, ToldBooking
from disputes.serializers.telling import tell
from instainstru import clock
from instainstru.accounts.models import User
from instainstru.accounts.requests import SignedInApiRequest
from instainstru.api.catalogue import CATALOGUE
from instainstru.api.idempotency import IdempotencyKey
from instainstru.refusals import Refused

_NAMED: dict[str, type[NoShowReport] | type[LessonDispute]] = {"no_show": NoShowReport, "dispute": LessonDispute}


def taken_in_once(key: IdempotencyKey | None, take_in: Callable[[], Case]) -> str:
    """Return the reference of the case that this request brought or changed when it came first, or do it now."""
    if earlier := _taken_in_by(key):
        return earlier
    try:
        return take_in().ref
    except Refused:
        # The same request, sent twice at once: it is refused because the other one has done it.
        if earlier := _taken_in_by(key):
            return earlier
        raise


def answer_with_case(request: SignedInApiRequest, ref: str, *, status: int = 200) -> Response:
    """Answer with a case as it stands now; raises Http404."""
    case = case_visible_to(request.user, ref=ref)
    party = party_towards(case.booking, request.user)
    told = tell(case, to=party, actions=list(actions_on_case(case, party=party, now=clock.now())))
    return Response(CaseOut(told, context=_seen(request.user, case.booking)).data, status=status)


def cases_shown(request: SignedInApiRequest, booking: Booking) -> dict[str, Any]:
    """Return everything that went wrong with a lesson, and what its reader may do about it."""
    cases, party = cases_of(booking, reader=request.user), party_towards(booking, request.user)
    actions = case_actions_on(booking, cases, party=party, now=clock.now())
    told = ToldBooking(
        booking=booking,
        cases=tuple(tell(case, to=party, actions=actions) for case in cases),
        actions=tuple(action for action in actions if action.case is None),
    )
    return CasesOut(told, context=_seen(request.user, booking)).data


@contextlib.contextmanager
def evidence_problems() -> Iterator[None]:
    """Turn evidence that is not taken into a problem document."""
    try:
        yield
    except EvidenceRefused as refused:
        kind = CATALOGUE[refused.code]
        problem = APIException(kind.why, code=kind.code)
        problem.status_code = kind.status
        raise problem from refused


def _seen(reader: User, booking: Booking) -> dict[str, Any]:
    return as_seen_by(reader) | {"booking_ref": booking.ref}


def _taken_in_by(key: IdempotencyKey | None) -> str | None:
    subject = key.replayed_subject() if key else None
    if subject is None:
        return None
    kind, _, number = subject.partition(":")
    return _NAMED[kind].objects.values_list("ref", flat=True).get(pk=number)
