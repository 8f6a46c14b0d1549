"""Evidence, and its files: served to whoever may look, as nothing that a browser would run (P8.5)."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import FileResponse, Http404, HttpRequest
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString

from disputes.admin.filters import ShownBy
from disputes.admin.story import file_of, page_of
from disputes.admin.words import KINDS
from disputes.models import Evidence
from disputes.serializers.files import hand_out
from instainstru.admin.columns import NOTHING
from instainstru.admin.links import booking_link
from instainstru.admin.read_only import ReadOnlyAdmin


@admin.register(Evidence)
class EvidenceAdmin(ReadOnlyAdmin):
    list_display = ["ref", "whose", "in_short", "file_link", "case_link"]
    list_filter = [("by", ShownBy)]
    list_select_related = ["author", "report__booking", "dispute__booking", "chargeback__booking"]
    ordering = ["-id"]
    search_fields = [
        "ref__exact",
        "author__email",
        "author__name",
        "report__booking__ref__startswith",
        "dispute__booking__ref__startswith",
        "chargeback__booking__ref__startswith",
    ]
    search_help_text = "A booking's reference, a piece's own reference, or its author's name or e-mail address."
    readonly_fields = ["case_link", "story", "file_link"]
    fields = [
        "ref",
        "case_link",
        "story",
        "by",
        "author",
        "statement",
        "file_link",
        "content_type",
        "bytes",
        "sha256",
        "shown_at",
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Evidence]:
        return super().get_queryset(request).select_related(*self.list_select_related)

    def get_urls(self) -> list[URLPattern]:
        file = path("<path:object_id>/file/", self.admin_site.admin_view(self.file_view), name="disputes_evidence_file")
        return [file, *super().get_urls()]

    def file_view(self, request: HttpRequest, object_id: str) -> FileResponse:
        """Hand out a file to whoever may look at evidence."""
        evidence = self.get_object(request, unquote(object_id))
        if evidence is None or not evidence.file:
            raise Http404
        if not self.has_view_permission(request, evidence):
            raise PermissionDenied
        return hand_out(evidence)

    @admin.display(description="shown by", ordering="by")
    def whose(self, evidence: Evidence) -> SafeString:
        return format_html('{}<span class="below">{}</span>', evidence.get_by_display(), evidence.author.name)

    @admin.display(description="case")
    def case_link(self, evidence: Evidence) -> SafeString:
        case = evidence.case
        booking = case.booking.ref
        return format_html(
            '<a href="{}">{}</a><span class="below">{}</span>', page_of(case), KINDS[type(case)], booking
        )

    @admin.display(description="whole story")
    def story(self, evidence: Evidence) -> SafeString | str:
        return booking_link(evidence.case.booking.ref)

    @admin.display(description="statement")
    def in_short(self, evidence: Evidence) -> str:
        said = evidence.statement
        return said if len(said) <= 120 else f"{said[:120]}…"

    @admin.display(description="file")
    def file_link(self, evidence: Evidence) -> SafeString | str:
        if not evidence.file:
            return NOTHING
        return format_html('<a href="{}">{}</a>', file_of(evidence), evidence.file_name or evidence.ref)
