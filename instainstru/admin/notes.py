"""Notes of staff on a row: append-only like everything that staff do, and part of its story."""

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST

from instainstru import clock
from instainstru.admin import audit
from instainstru.admin.rights import WRITE_NOTES


class NoteForm(forms.Form):
    """What one member of staff leaves for the others."""

    note = forms.CharField(max_length=2_000, widget=forms.Textarea(attrs={"rows": 2}))
    ticket = forms.CharField(max_length=64, widget=forms.HiddenInput)


class TakesNotes(admin.ModelAdmin):
    """An admin on whose rows staff write notes; `subject_of` names the row, and its page shows `note_form`."""

    def subject_of(self, row: Model) -> str:
        raise NotImplementedError

    def get_urls(self) -> list[URLPattern]:
        ours = path(
            "<path:object_id>/note/",
            self.admin_site.admin_view(require_POST(self.note_view)),
            name=f"{self.opts.app_label}_{self.opts.model_name}_note",
        )
        return [ours, *super().get_urls()]

    def note_form(self, request: HttpRequest) -> NoteForm | None:
        """Return an empty form for whoever may write a note."""
        return NoteForm(initial={"ticket": audit.new_ticket()}) if _may_write(request) else None

    def note_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404
        if not (self.has_view_permission(request, row) and _may_write(request)):
            raise PermissionDenied
        form = NoteForm(request.POST)
        if form.is_valid():
            self._keep(request, row, form)
        else:
            messages.error(request, "A note says something, in at most 2,000 characters.")
        url = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[row.pk])
        return HttpResponseRedirect(f"{url}#story")

    def _keep(self, request: HttpRequest, row: Model, form: NoteForm) -> None:
        entry = audit.AuditEntry(
            asker=audit.asker_of(request),
            ticket=form.cleaned_data["ticket"],
            action=audit.NOTE,
            subject=self.subject_of(row),
            reason=form.cleaned_data["note"],
            now=clock.now(),
        )
        try:
            with transaction.atomic():
                entry.record("")
        except audit.DoneAlready:
            messages.info(request, "This note was kept already.")
        else:
            messages.success(request, "The note is kept.")


def _may_write(request: HttpRequest) -> bool:
    return request.user.has_perm(WRITE_NOTES)
