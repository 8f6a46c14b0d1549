"""Reading cases: those of a booking, one of them, and what was shown in it; each by those alone whom it concerns."""

from datetime import datetime

from django.db.models import Prefetch, Q, QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404

from bookings.models import Booking
from disputes.models import Case, Chargeback, Evidence, LessonDispute, NoShowReport
from instainstru.accounts.models import User
from payments.policy.states import Party

KINDS: dict[str, type[Case]] = {"ns": NoShowReport, "dp": LessonDispute, "cb": Chargeback}  # by a reference's prefix


def cases_of(booking: Booking, *, reader: User) -> list[Case]:
    """Return the cases about a booking in the order in which they came, each with what the reader may see of it.

    The evidence is in `shown_evidence`. Three statements, and one more for each kind of case that there is.
    """
    found: list[Case] = []
    for model in KINDS.values():
        found += _dressed(model, reader=reader).filter(booking=booking)
    return sorted(found, key=began_at)


def case_visible_to(user: User, *, ref: str) -> Case:
    """Return a case about a booking that this user may see; anybody else's is not found (raises Http404)."""
    model = KINDS.get(ref.partition("_")[0])
    if model is None:
        raise Http404
    cases = _dressed(model, reader=user).filter(booking__in=Booking.objects.visible_to(user))
    case: Case = get_object_or_404(
        cases.select_related("booking__student", "booking__instructor__user", "booking__service", "booking__payment"),
        ref=ref,
    )
    return case


def evidence_visible_to(user: User) -> QuerySet[Evidence]:
    """Return what was shown in cases about bookings that this user may see.

    What was shown against a chargeback is between us and whoever showed it: it is the cardholder who disputes.
    """
    own = Booking.objects.visible_to(user)
    if user.is_staff:
        return Evidence.objects.all()
    return Evidence.objects.filter(
        Q(report__booking__in=own) | Q(dispute__booking__in=own) | Q(chargeback__booking__in=own, author=user)
    )


def began_at(case: Case) -> datetime:
    return case.reported_at if isinstance(case, NoShowReport) else case.opened_at


def opened_by(case: Case) -> Party:
    """Return who brought a case; a chargeback is the student's, through the bank."""
    match case:
        case NoShowReport():
            return Party(case.reported_by)
        case LessonDispute():
            return Party(case.opened_by)
    return Party.STUDENT


def _dressed(model: type[Case], *, reader: User) -> QuerySet[Case]:
    shown = evidence_visible_to(reader) if model is Chargeback else Evidence.objects.all()
    return model.objects.select_related("operation__payment").prefetch_related(
        Prefetch("evidence", queryset=shown.order_by("shown_at", "id"), to_attr="shown_evidence")
    )
