"""One page between a member of staff and what they are about to do (design 3).

A `ConfirmedAction` says what it would do to one row now, as a `Proposal`, and does exactly that. A `ModelAdmin` with
`ConfirmsActions` offers those that are possible, shows the proposal with its amounts, asks for a reason, and hands over
the fingerprint of what was shown: if the consequences have changed meanwhile, the page is shown anew. Whatever is done
is written down in the same commit; the page sent twice acts once.
"""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from instainstru import clock
from instainstru.admin import audit
from instainstru.refusals import RefusalCode, Refused

Choices = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """One thing that moves: a call, or a line of the books. `amount` and `direction` are in words."""

    what: str
    amount: str
    direction: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What an action would do to one row, as the page shows it."""

    verb: str  # on the red button, with the amount: "Pay the instructor $52.80"
    rule: str
    digest: str  # fingerprint of the consequences
    standing: tuple[tuple[str, str], ...]  # how it stands now: what, and what of it
    movements: tuple[Movement, ...]
    to_student: str
    to_instructor: str
    at_once: tuple[str, ...]
    later: tuple[str, ...]
    warning: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What came of an action, told to whoever did it."""

    sentence: str
    level: int = messages.SUCCESS


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """One of a few ways to do something, as it stands beside the others: what it would do, or why it can't be done."""

    name: str
    query: str
    proposal: Proposal | None = None
    refused: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """An action that is possible now, and the page where it is confirmed."""

    label: str
    explanation: str
    url: str


class ConfirmedAction(ABC):
    """Something that staff may do to one row, after they have seen what it does."""

    name: ClassVar[str]  # in addresses and in the audit entry
    label: ClassVar[str]  # on the button that leads to the page
    explanation: ClassVar[str]
    right: ClassVar[str]  # who may do it
    choices: ClassVar[type[forms.Form]] = forms.Form  # what is asked first, such as an amount; by default nothing
    usual: ClassVar[Choices] = {}  # the choices by which it is seen whether it is possible
    alternatives: ClassVar[Mapping[str, Choices]] = {}  # by name, if there are few: shown beside each other first

    @abstractmethod
    def subject_of(self, row: Any) -> str:
        """Return the reference under which it is written down."""

    @abstractmethod
    def state_of(self, row: Any) -> dict[str, Any]:
        """Return how the row stands now, read anew: the audit entry keeps it before and after."""

    @abstractmethod
    def propose(self, row: Any, choices: Choices, *, now: datetime) -> Proposal:
        """Return what it would do now. Raises Refused if it is not possible."""

    @abstractmethod
    def carry_out(self, row: Any, choices: Choices, *, entry: audit.AuditEntry, preview: str, now: datetime) -> Done:
        """Do what was shown, with `entry` as the receipt; no transaction is open.

        Raises Refused, with "preview_stale" if the digest of what it does is not `preview` any more.
        """

    def is_possible(self, row: Any, *, now: datetime) -> bool:
        """Return whether it may be done now, in one way at least."""
        ways = self.alternatives.values() or [self.usual]
        return any(not isinstance(self.would(row, choices, now=now), Refused) for choices in ways)

    def would(self, row: Any, choices: Choices, *, now: datetime) -> Proposal | Refused:
        """Return what it would do, or why it can't be done."""
        try:
            return self.propose(row, choices, now=now)
        except Refused as refusal:
            return refusal


def fingerprint(*consequences: object) -> str:
    """Return the digest of a proposal that no plan of the policy stands behind."""
    return hashlib.sha256(repr(consequences).encode()).hexdigest()[:32]


class ReasonForm(forms.Form):
    """Why it is done; without a reason nothing is."""

    reason = forms.CharField(
        max_length=2_000,
        widget=forms.Textarea(attrs={"rows": 3, "autofocus": True}),
        help_text="Whoever reads this story later has only this to go by.",
    )
    preview = forms.CharField(max_length=64, widget=forms.HiddenInput)  # the digest of what was shown
    ticket = forms.CharField(max_length=64, widget=forms.HiddenInput)


class ConfirmsActions(admin.ModelAdmin):
    """An admin whose rows staff may do something with, each through the confirmation page."""

    confirmed_actions: Sequence[ConfirmedAction] = ()

    def get_urls(self) -> list[URLPattern]:
        ours = path(
            "<path:object_id>/do/<slug:name>/",
            self.admin_site.admin_view(self.do_view),
            name=f"{self.opts.app_label}_{self.opts.model_name}_do",
        )
        return [ours, *super().get_urls()]

    def possible_actions(self, request: HttpRequest, row: Model, *, now: datetime) -> list[Offer]:
        """Return what this member of staff may do with a row as it stands."""
        return [
            Offer(label=action.label, explanation=action.explanation, url=self._url_of(action, row))
            for action in self.confirmed_actions
            if _may(request, action) and action.is_possible(row, now=now)
        ]

    def do_view(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        action = next((one for one in self.confirmed_actions if one.name == name), None)
        row = self.get_object(request, object_id)
        if action is None or row is None:
            raise Http404
        if not (self.has_view_permission(request, row) and _may(request, action)):
            raise PermissionDenied
        asked = action.choices(request.GET if request.GET or not action.choices.base_fields else None, label_suffix="")
        if not asked.is_valid():
            return self._ask_first(request, action, row, asked)
        choices = asked.cleaned_data
        form = ReasonForm(request.POST) if request.method == "POST" else ReasonForm()
        ticket = request.POST.get("ticket", "")
        if ticket and audit.is_used(ticket):
            return self._done_already(request, row)
        now = clock.now()
        try:
            proposal = action.propose(row, choices, now=now)
            if not form.is_valid():
                return self._ask(request, action, row, proposal, form)
            if form.cleaned_data["preview"] != proposal.digest:
                raise Refused("preview_stale")
            entry = self._entry(request, action, row, proposal, form, now=now)
            done = action.carry_out(row, choices, entry=entry, preview=proposal.digest, now=now)
        except audit.DoneAlready:
            return self._done_already(request, row)
        except Refused as refusal:
            if ticket and audit.is_used(ticket):  # the other click was quicker, and its doing is why this is refused
                return self._done_already(request, row)
            if refusal.code == RefusalCode.PREVIEW_STALE:
                return self._ask_anew(request, action, row, choices, form)
            return self._refused(request, row, refusal)
        messages.add_message(request, done.level, done.sentence)
        return HttpResponseRedirect(self._url_of_row(row))

    def _ask_first(self, request: HttpRequest, action: ConfirmedAction, row: Model, asked: forms.Form) -> HttpResponse:
        """Ask for the choices on which the plan depends; they become part of the page's address."""
        now = clock.now()
        alternatives = [_alternative(action, row, name, now=now) for name in action.alternatives]
        if alternatives and not any(alternative.proposal for alternative in alternatives):
            messages.error(request, alternatives[0].refused)
            return HttpResponseRedirect(self._url_of_row(row))
        context = {**self._page(request, action, row), "form": asked, "alternatives": alternatives}
        return TemplateResponse(request, "admin/choose.html", context)

    def _ask(
        self,
        request: HttpRequest,
        action: ConfirmedAction,
        row: Model,
        proposal: Proposal,
        form: ReasonForm,
        *,
        status: int = 200,
    ) -> HttpResponse:
        """Show what it would do now, under a ticket of its own."""
        context = {
            **self._page(request, action, row),
            "proposal": proposal,
            "form": form,
            "ticket": audit.new_ticket(),
        }
        return TemplateResponse(request, "admin/confirm_plan.html", context, status=status)

    def _page(self, request: HttpRequest, action: ConfirmedAction, row: Model) -> dict[str, Any]:
        return {
            **self.admin_site.each_context(request),
            "title": action.label,
            "subtitle": str(row),
            "opts": self.opts,
            "original": row,
            "action": action,
            "row_url": self._url_of_row(row),
        }

    def _ask_anew(
        self, request: HttpRequest, action: ConfirmedAction, row: Model, choices: Choices, form: ReasonForm
    ) -> HttpResponse:
        """Show the fresh proposal; what was written as a reason stays."""
        stale = Refused(RefusalCode.PREVIEW_STALE)
        messages.warning(request, f"{stale.message} {stale.what_can_be_done}")
        row.refresh_from_db()
        try:
            fresh = action.propose(row, choices, now=clock.now())
        except Refused as refusal:
            return self._refused(request, row, refusal)
        written = ReasonForm(initial={"reason": form.cleaned_data["reason"]})
        return self._ask(request, action, row, fresh, written, status=409)

    def _entry(
        self,
        request: HttpRequest,
        action: ConfirmedAction,
        row: Model,
        proposal: Proposal,
        form: ReasonForm,
        *,
        now: datetime,
    ) -> audit.AuditEntry:
        return audit.AuditEntry(
            asker=audit.asker_of(request),
            ticket=form.cleaned_data["ticket"],
            action=action.name,
            subject=action.subject_of(row),
            reason=form.cleaned_data["reason"],
            now=now,
            before=action.state_of(row),
            shown=asdict(proposal),
            look_after=lambda: action.state_of(row),
        )

    def _done_already(self, request: HttpRequest, row: Model) -> HttpResponse:
        messages.info(request, "That was done already: this page was sent before. Nothing was done twice.")
        return HttpResponseRedirect(self._url_of_row(row))

    def _refused(self, request: HttpRequest, row: Model, refusal: Refused) -> HttpResponse:
        messages.error(request, f"{refusal.message} {refusal.what_can_be_done}")
        return HttpResponseRedirect(self._url_of_row(row))

    def _url_of(self, action: ConfirmedAction, row: Model) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_do", args=[row.pk, action.name])

    def _url_of_row(self, row: Model) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[row.pk])


class OffersActions(ConfirmsActions):
    """An admin whose row's page is Django's own, with what this member of staff may do above it."""

    change_form_template = "admin/row_with_actions.html"

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row = self.get_object(request, unquote(object_id))
        offers = self.possible_actions(request, row, now=clock.now()) if row is not None else []
        return super().change_view(request, object_id, form_url, {"possible_actions": offers, **(extra_context or {})})


def _may(request: HttpRequest, action: ConfirmedAction) -> bool:
    return request.user.has_perm(action.right)


def _alternative(action: ConfirmedAction, row: Model, name: str, *, now: datetime) -> Alternative:
    choices = action.alternatives[name]
    would = action.would(row, choices, now=now)
    if isinstance(would, Refused):
        return Alternative(name=name, query="", refused=f"{would.message} {would.what_can_be_done}")
    return Alternative(name=name, query=urlencode(choices), proposal=would)
