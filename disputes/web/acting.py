"""Doing something about a lesson that went wrong: report, contest, withdraw, dispute, show evidence.

Each page says what it does and until when, and does it once: a second click, or a reload, ends where the first did.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from bookings.models import Booking
from bookings.web.own import own_booking, refused
from disputes import operations
from disputes.forms import DisputeForm, EvidenceForm, EvidenceForTheBankForm, StatementForm, sentence_of
from disputes.models import Case, Chargeback, LessonDispute, NoShowReport
from disputes.models.resolution import Resolution
from disputes.operations.available import CaseChoice, actions_on_case, party_towards
from disputes.operations.evidence import EvidenceRefused, add_evidence
from disputes.policy import ACCUSED_BY
from disputes.queries import case_visible_to
from disputes.web.told import Way, trouble_with
from instainstru import clock
from instainstru.accounts.access import either_side, may_move_money
from instainstru.accounts.requests import SignedInRequest
from instainstru.api.uploads import was_too_large
from instainstru.refusals import Refused

ASKING = ["GET", "HEAD", "POST"]
_HEADINGS = {
    CaseChoice.REPORT_NO_SHOW: ("Report a no-show", "Report the no-show"),
    CaseChoice.OPEN_DISPUTE: ("Open a dispute about this lesson", "Open the dispute"),
    CaseChoice.CONTEST: ("Contest the report of a no-show", "I was there"),
    CaseChoice.WITHDRAW: ("Withdraw the report?", "Withdraw the report"),
    CaseChoice.ADD_EVIDENCE: ("Add evidence", "Add it"),
}


@either_side
@may_move_money
@require_http_methods(ASKING)
def report_no_show(request: SignedInRequest, ref: str) -> HttpResponse:
    """Report that the other side did not come (P8.1)."""
    booking, now = own_booking(request.user, ref), clock.now()
    by = party_towards(booking, request.user)

    def report(statement: str) -> Case:
        return operations.report_no_show(
            booking=booking, actor=request.user, by=by, absent=ACCUSED_BY[by], statement=statement, now=now
        )

    def done_before() -> bool:
        return NoShowReport.objects.unresolved().filter(booking=booking, reported_by=by).exists()

    way = trouble_with(booking, reader=request.user, now=now).way_to(CaseChoice.REPORT_NO_SHOW)
    form = _form(request, StatementForm)
    return _asked(request, booking, CaseChoice.REPORT_NO_SHOW, way, form, report, done_before, said="Reported.")


@either_side
@may_move_money
@require_http_methods(ASKING)
def open_dispute(request: SignedInRequest, ref: str) -> HttpResponse:
    """Dispute a lesson (P8.4)."""
    booking, now = own_booking(request.user, ref), clock.now()
    by = party_towards(booking, request.user)

    def dispute(statement: str) -> Case:
        return operations.open_dispute(booking=booking, actor=request.user, by=by, statement=statement, now=now)

    def done_before() -> bool:
        return LessonDispute.objects.unresolved().filter(booking=booking, opened_by=by).exists()

    way = trouble_with(booking, reader=request.user, now=now).way_to(CaseChoice.OPEN_DISPUTE)
    form = _form(request, DisputeForm)
    return _asked(
        request, booking, CaseChoice.OPEN_DISPUTE, way, form, dispute, done_before, said="The dispute is open."
    )


@either_side
@require_http_methods(ASKING)
def contest(request: SignedInRequest, ref: str) -> HttpResponse:
    """Contest a report, as the side that is said not to have come (P8.2)."""
    report, now = _own_report(request, ref), clock.now()
    if party_towards(report.booking, request.user) != report.absent:
        raise Http404

    def say_no(statement: str) -> Case:
        return operations.contest_no_show(report=report, actor=request.user, statement=statement, now=now)

    way = _way(report, request, CaseChoice.CONTEST, now=now)
    said = "Contested. Our staff decide."
    form = _form(request, StatementForm)
    return _asked(request, report.booking, CaseChoice.CONTEST, way, form, say_no, said=said, case=report)


@either_side
@may_move_money
@require_http_methods(ASKING)
def withdraw(request: SignedInRequest, ref: str) -> HttpResponse:
    """Take a report of one's own back (P8.2)."""
    report, now = _own_report(request, ref), clock.now()
    if party_towards(report.booking, request.user) != report.reported_by:
        raise Http404

    def take_back(statement: str) -> Case:
        return operations.withdraw_no_show(report=report, now=now)

    def done_before() -> bool:
        return NoShowReport.objects.filter(pk=report.pk, resolution=Resolution.WITHDRAWN).exists()

    way = _way(report, request, CaseChoice.WITHDRAW, now=now)
    said = "The report is withdrawn."
    return _asked(
        request, report.booking, CaseChoice.WITHDRAW, way, None, take_back, done_before, said=said, case=report
    )


@either_side
@require_http_methods(ASKING)
def show_evidence(request: SignedInRequest, ref: str) -> HttpResponse:
    """Show words, a file, or both in an open case (P8.5)."""
    case, now = case_visible_to(request.user, ref=ref), clock.now()
    way = _way(case, request, CaseChoice.ADD_EVIDENCE, now=now)
    form = _form(request, EvidenceForTheBankForm if isinstance(case, Chargeback) else EvidenceForm)
    if form.is_valid():
        try:
            add_evidence(
                case=case,
                actor=request.user,
                by=party_towards(case.booking, request.user),
                statement=form.cleaned_data["statement"],
                file=form.cleaned_data["file"],
                now=now,
            )
        except EvidenceRefused as refusal:
            messages.error(request, sentence_of(refusal))
        else:
            messages.success(request, "Added.")
        return redirect("booking-cases", ref=case.booking.ref)
    if way is None:
        return redirect("booking-cases", ref=case.booking.ref)
    return _ask(request, case.booking, way, form, case=case)


def _asked(
    request: SignedInRequest,
    booking: Booking,
    choice: CaseChoice,
    way: Way | None,
    form: StatementForm | None,
    act: Callable[[str], Case],
    done_before: Callable[[], bool] = lambda: False,
    *,
    said: str,
    case: Case | None = None,
) -> HttpResponse:
    """Show what it does, or do it; with the file that was sent beside the words."""
    if request.method == "POST" and (form is None or form.is_valid()):
        try:
            concerned = act(form.cleaned_data["statement"] if form else "")
        except Refused as refusal:
            if not done_before():
                back = reverse("booking-cases", args=[booking.ref])
                return refused(request, refusal, back=back, back_label="Back to what happened")
        else:
            messages.success(request, said)
            if form and form.cleaned_data["file"]:
                _add_file(request, booking, concerned, form)
        return redirect("booking-cases", ref=booking.ref)
    if way is None:
        return redirect("booking-cases", ref=booking.ref)
    return _ask(request, booking, way, form, case=case)


def _add_file(request: SignedInRequest, booking: Booking, case: Case, form: StatementForm) -> None:
    """Show the file that came with the words; the case stands even if it is not taken any more."""
    by = party_towards(booking, request.user)
    try:
        add_evidence(case=case, actor=request.user, by=by, file=form.cleaned_data["file"], now=clock.now())
    except EvidenceRefused as refusal:
        messages.error(request, sentence_of(refusal))


def _ask(
    request: SignedInRequest, booking: Booking, way: Way, form: StatementForm | None, *, case: Case | None
) -> HttpResponse:
    heading, button = _HEADINGS[way.action.choice]
    told = None
    if case is not None:
        trouble = trouble_with(booking, reader=request.user, now=clock.now())
        told = next(one.told for one in trouble.cases if one.told.case == case)
    context = {
        "booking": booking,
        "way": way,
        "heading": heading,
        "button": button,
        "form": form,
        "told": told,
    }
    return render(request, "disputes/act.html", context, status=422 if form and form.errors else 200)


def _form(request: SignedInRequest, kind: type[StatementForm]) -> StatementForm:
    if request.method != "POST":
        return kind()
    return kind(request.POST, request.FILES, too_large=was_too_large(request))


def _own_report(request: SignedInRequest, ref: str) -> NoShowReport:
    case = case_visible_to(request.user, ref=ref)
    if not isinstance(case, NoShowReport):
        raise Http404
    return case


def _way(case: Case, request: SignedInRequest, choice: CaseChoice, *, now: datetime) -> Way | None:
    party = party_towards(case.booking, request.user)
    actions = actions_on_case(case, party=party, now=now)
    return next((Way(action, case.booking) for action in actions if action.choice == choice), None)
