"""What the booking's story tells of its cases: what happened, what is due, whom it waits for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django.db.models import Prefetch
from django.urls import reverse

from bookings.admin.story.cases import CaseFile, CaseNews, Cases, OpenCase
from bookings.models import Booking
from disputes.admin.deadlines import rule_dispute_by, rule_report_by
from disputes.admin.words import DISPUTE_RULINGS, NO_SHOW_RULINGS, RESOLUTIONS, side
from disputes.models import Chargeback, Evidence, LessonDispute, NoShowReport
from disputes.models.resolution import Resolution
from instainstru.money import dollars
from payments.admin.words import in_words

Case = NoShowReport | LessonDispute | Chargeback


def cases_told(booking: Booking) -> Cases:
    """Tell of every case about a booking, in a fixed number of statements."""
    evidence = Prefetch("evidence", queryset=Evidence.objects.select_related("author").order_by("shown_at", "id"))
    reports = _with(NoShowReport.objects.select_related("reporter", "contester", "resolved_by"), evidence, booking)
    disputes = _with(LessonDispute.objects.select_related("opener", "resolved_by"), evidence, booking)
    chargebacks = _with(Chargeback.objects.select_related("resolved_by"), evidence, booking)
    every: list[Case] = [*reports, *disputes, *chargebacks]
    return Cases(
        news=(
            *(news for report in reports for news in _of_report(report, reports)),
            *(news for dispute in disputes for news in _of_dispute(dispute)),
            *(news for chargeback in chargebacks for news in _of_chargeback(chargeback)),
            *(news for case in every for news in _of_evidence(case)),
        ),
        due=tuple(due for case in every if case.is_open for due in _due(case)),
        waits=tuple(wait for case in every if case.is_open for wait in _waits(case)),
        open=tuple(OpenCase(label=_label(case), url=page_of(case)) for case in every if case.is_open),
    )


def page_of(case: Case) -> str:
    """Return the address of a case's page."""
    return reverse(f"admin:disputes_{case._meta.model_name}_change", args=[case.pk])


def file_of(evidence: Evidence) -> str:
    """Return the address from which staff read a file."""
    return reverse("admin:disputes_evidence_file", args=[evidence.pk])


def _with(rows: Any, evidence: Prefetch, booking: Booking) -> list[Any]:
    found = list(rows.filter(booking=booking).prefetch_related(evidence).order_by("id"))
    for case in found:
        case.booking = booking  # it is at hand, with its payment
    return found


def _of_report(report: NoShowReport, reports: Iterable[NoShowReport]) -> Iterator[CaseNews]:
    url = page_of(report)
    crossed = {other.reported_at for other in reports if other != report}
    yield CaseNews(
        at=report.reported_at,
        what=f"{side(report.reported_by).capitalize()} reported {side(report.absent)} absent.",
        who=report.reporter.name,
        said=report.statement,
        url=url,
    )
    if report.contested_at and report.contester:  # of two that cross each other the later one has no contester
        both = report.contested_at in crossed
        yield CaseNews(
            at=report.contested_at,
            what="Both sides have reported each other, which counts as contested."
            if both
            else f"{side(report.absent).capitalize()} contested the report of a no-show.",
            who="" if both else report.contester.name,
            said=report.contest_statement,
            url=url,
        )
    yield from _end(report, "The report of a no-show", in_words(report.ruling, NO_SHOW_RULINGS))


def _of_dispute(dispute: LessonDispute) -> Iterator[CaseNews]:
    behalf = f" for {side(dispute.on_behalf_of)}" if dispute.on_behalf_of != dispute.opened_by else ""
    yield CaseNews(
        at=dispute.opened_at,
        what=f"{side(dispute.opened_by).capitalize()} opened a dispute{behalf}.",
        who=dispute.opener.name,
        said=dispute.statement,
        url=page_of(dispute),
    )
    yield from _end(dispute, "The dispute", in_words(dispute.ruling, DISPUTE_RULINGS))


def _of_chargeback(chargeback: Chargeback) -> Iterator[CaseNews]:
    url = page_of(chargeback)
    yield CaseNews(
        at=chargeback.opened_at,
        what=f"The cardholder's bank took {dollars(chargeback.amount_cents)} back: "
        f"{chargeback.bank_reason.replace('_', ' ')}.",
        url=url,
    )
    if chargeback.submitted_at:
        yield CaseNews(at=chargeback.submitted_at, what="Our evidence went to the bank.", url=url)
    yield from _end(chargeback, "The chargeback", chargeback.get_status_display())


def _end(case: Case, called: str, ruling: str) -> Iterator[CaseNews]:
    if case.resolved_at is None:
        return
    decided = f" {ruling}." if ruling and case.resolution != Resolution.WITHDRAWN else ""
    yield CaseNews(
        at=case.resolved_at,
        what=f"{called} ended: {in_words(case.resolution, RESOLUTIONS).lower()}.{decided}",
        who=case.resolved_by.name if case.resolved_by else "",
        said=case.resolution_reason,
        url=page_of(case),
    )


def _of_evidence(case: Case) -> Iterator[CaseNews]:
    for evidence in case.evidence.all():
        yield CaseNews(
            at=evidence.shown_at,
            what=f"{side(evidence.by).capitalize()} showed evidence.",
            who=evidence.author.name,
            said=evidence.statement,
            url=page_of(case),
            files=(CaseFile(name=evidence.file_name, url=file_of(evidence)),) if evidence.file else (),
        )


def _due(case: Case) -> Iterator[tuple[datetime, str]]:
    match case:
        case NoShowReport():
            if case.confirm_at:
                yield case.confirm_at, "Nobody contesting it, the report of a no-show is confirmed."
            if by := rule_report_by(case):
                yield by, "Staff are to have ruled on the no-show."
        case LessonDispute():
            if by := rule_dispute_by(case):
                yield by, "Staff are to have ruled on the dispute."
        case Chargeback():
            if case.respond_by and case.submitted_at is None:
                yield case.respond_by, "The bank takes no evidence any more."


def _waits(case: Case) -> Iterator[str]:
    match case:
        case NoShowReport() if case.is_contested:
            yield "The no-show is contested: staff rule."
        case NoShowReport():
            yield f"{side(case.absent).capitalize()} can contest the report of a no-show."
        case LessonDispute():
            yield "A dispute is open: staff rule."
        case Chargeback() if case.submitted_at:
            yield "The cardholder's bank decides."
        case Chargeback():
            yield "The cardholder's bank waits for our evidence."


def _label(case: Case) -> str:
    match case:
        case NoShowReport():
            state = "contested" if case.is_contested else "not contested so far"
            return f"Report of {side(case.reported_by)}: {side(case.absent)} absent, {state}"
        case LessonDispute():
            return f"Dispute opened by {side(case.opened_by)}"
        case Chargeback():
            return f"Chargeback of {dollars(case.amount_cents)}"
