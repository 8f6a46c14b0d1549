"""Reports, disputes and chargebacks: their lists, and what each one's page says."""

from __future__ import annotations

from collections.abc import Iterator

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString

from disputes.admin.actions.evidence import SubmitEvidence
from disputes.admin.deadlines import rule_dispute_by, rule_report_by
from disputes.admin.filters import Contested, OpenOrClosed, Submitted
from disputes.admin.page import CaseAdmin, Deadline, Statement
from disputes.admin.words import DISPUTE_RULINGS, KINDS, NO_SHOW_RULINGS, side
from disputes.models import Chargeback, EvidenceSubmission, LessonDispute, NoShowReport
from disputes.operations.evidence_pack import pack_of
from disputes.operations.evidence_pdf import as_pdf, as_zip
from disputes.policy import CONTEST_TIME
from instainstru.admin.columns import instant
from instainstru.admin.links import booking_link
from instainstru.admin.read_only import ReadOnlyAdmin
from instainstru.money import dollars
from instainstru.templatetags.pieces import pill
from payments.admin.words import in_words
from payments.policy.states import Party

PACKS = {"pdf": ("application/pdf", as_pdf), "zip": ("application/zip", as_zip)}


@admin.register(NoShowReport)
class NoShowReportAdmin(CaseAdmin):
    shown_as = KINDS[NoShowReport]
    list_display = ["about", "state", "next_deadline", "story", "reported_at"]
    list_filter = [OpenOrClosed, Contested, "reported_by", "absent", "resolution", "ruling"]

    def told(self, case: NoShowReport) -> str:
        return f"{side(case.reported_by).capitalize()} reported that {side(case.absent)} did not come."

    def statements(self, case: NoShowReport) -> Iterator[tuple[Party, Statement]]:
        yield Party(case.reported_by), Statement(what="Reported", at=case.reported_at, said=case.statement)
        if case.contested_at:
            contested = Statement(what="Contested", at=case.contested_at, said=case.contest_statement)
            yield Party(case.absent), contested

    def deadlines(self, case: NoShowReport) -> Iterator[Deadline]:
        if case.is_contested:
            if by := rule_report_by(case):
                yield Deadline(what="Staff are to have ruled", at=by, is_ours=True)
            return
        until = case.reported_at + CONTEST_TIME
        yield Deadline(what="It can be contested until", at=until, note="After that it is confirmed by the clockwork.")

    def ruling(self, case: NoShowReport) -> str:
        return in_words(case.ruling, NO_SHOW_RULINGS)

    def state_of(self, case: NoShowReport) -> tuple[str, str]:
        if not case.is_open:
            return super().state_of(case)
        return ("contested", "Contested") if case.is_contested else ("open", "Not contested")

    @admin.display(description="who was absent", ordering="absent")
    def about(self, case: NoShowReport) -> str:
        return f"{side(case.absent).capitalize()}, says {side(case.reported_by)}"

    @admin.display(description="due")
    def next_deadline(self, case: NoShowReport) -> SafeString | str:
        """When it is to be ruled, or is confirmed by itself."""
        return instant(rule_report_by(case) or case.confirm_at)


@admin.register(LessonDispute)
class LessonDisputeAdmin(CaseAdmin):
    shown_as = KINDS[LessonDispute]
    list_display = ["about", "state", "next_deadline", "story", "opened_at"]
    list_filter = [OpenOrClosed, "opened_by", "on_behalf_of", "resolution", "ruling"]

    def told(self, case: LessonDispute) -> str:
        behalf = f" for {side(case.on_behalf_of)}" if case.on_behalf_of != case.opened_by else ""
        return f"{side(case.opened_by).capitalize()} opened a dispute{behalf}."

    def statements(self, case: LessonDispute) -> Iterator[tuple[Party, Statement]]:
        yield Party(case.opened_by), Statement(what="Opened", at=case.opened_at, said=case.statement)

    def deadlines(self, case: LessonDispute) -> Iterator[Deadline]:
        yield Deadline(what="Both sides show evidence until", at=case.evidence_until)
        if by := rule_dispute_by(case):
            yield Deadline(what="Staff are to have ruled", at=by, is_ours=True)

    def ruling(self, case: LessonDispute) -> str:
        return in_words(case.ruling, DISPUTE_RULINGS)

    @admin.display(description="opened by", ordering="opened_by")
    def about(self, case: LessonDispute) -> str:
        return side(case.opened_by).capitalize()

    @admin.display(description="due")
    def next_deadline(self, case: LessonDispute) -> SafeString | str:
        return instant(rule_dispute_by(case))


@admin.register(Chargeback)
class ChargebackAdmin(CaseAdmin):
    shown_as = KINDS[Chargeback]
    confirmed_actions = [SubmitEvidence()]
    list_display = ["dispute_id", "state", "amount_cents", "respond_by", "story"]
    list_filter = ["status", Submitted, "bank_reason"]
    search_fields = [*CaseAdmin.search_fields, "dispute_id__exact"]
    search_help_text = "A booking's reference, a name or an e-mail address of either side, or dp_…"

    def get_urls(self) -> list[URLPattern]:
        pack = path(
            "<path:object_id>/pack.<slug:form>",
            self.admin_site.admin_view(self.pack_view),
            name="disputes_chargeback_pack",
        )
        return [pack, *super().get_urls()]

    def pack_view(self, request: HttpRequest, object_id: str, form: str) -> HttpResponse:
        """Hand out what our records say, as it stands now: a PDF, or a ZIP with the files of the booking's cases."""
        chargeback = self.get_object(request, unquote(object_id))
        if chargeback is None or form not in PACKS:
            raise Http404
        if not self.has_view_permission(request, chargeback):
            raise PermissionDenied
        content_type, written = PACKS[form]
        name = f"{chargeback.booking.ref}-{chargeback.dispute_id}.{form}"
        return HttpResponse(
            written(pack_of(chargeback)),
            content_type=content_type,
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    def downloads(self, case: Chargeback) -> list[tuple[str, str]]:
        return [
            (words, reverse("admin:disputes_chargeback_pack", args=[case.pk, form]))
            for form, words in (("pdf", "Our evidence (PDF)"), ("zip", "with its files (ZIP)"))
        ]

    def told(self, case: Chargeback) -> str:
        told = f"The cardholder's bank took {dollars(case.amount_cents)} back. The cardholder says: "
        frozen = f" {dollars(case.frozen_cents)} of credit is frozen with it." if case.frozen_cents else ""
        return f"{told}{case.bank_reason.replace('_', ' ')}.{frozen}"

    def statements(self, case: Chargeback) -> Iterator[tuple[Party, Statement]]:
        return iter(())

    def deadlines(self, case: Chargeback) -> Iterator[Deadline]:
        if case.respond_by:
            sent = "Our evidence was submitted." if case.submitted_at else "Nothing was submitted so far."
            yield Deadline(what="The bank takes evidence until", at=case.respond_by, note=sent)

    def ruling(self, case: Chargeback) -> str:
        return "" if case.is_open else case.get_status_display()

    def state_of(self, case: Chargeback) -> tuple[str, str]:
        return case.status, case.get_status_display()


@admin.register(EvidenceSubmission)
class EvidenceSubmissionAdmin(ReadOnlyAdmin):
    """What went to the bank for us."""

    list_display = ["chargeback", "state", "story", "author", "asked_at", "answered_at", "attempts"]
    list_filter = [("answered_at", admin.EmptyFieldListFilter)]
    list_select_related = ["chargeback__booking", "author"]
    ordering = ["-id"]
    search_fields = ["chargeback__dispute_id__exact", "chargeback__booking__ref__startswith"]
    search_help_text = "A booking's reference, or dp_…"
    readonly_fields = ["story"]

    @admin.display(description="state", ordering="answered_at")
    def state(self, submission: EvidenceSubmission) -> SafeString:
        if submission.answered_at is None:
            return pill("unanswered", "No answer yet")
        return pill("refused", "Refused") if submission.refusal else pill("done", "Taken")

    @admin.display(description="whole story")
    def story(self, submission: EvidenceSubmission) -> SafeString | str:
        return booking_link(submission.chargeback.booking.ref)
