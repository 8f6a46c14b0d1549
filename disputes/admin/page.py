"""One page for one case: what both sides say and show, what is at stake, until when, and what staff can do."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from bookings.admin.actions.booking import standing_of
from bookings.admin.booking import BookingAdmin
from bookings.models import Booking
from disputes.admin.story import cases_told
from disputes.admin.words import RESOLUTIONS
from disputes.models import Evidence
from instainstru import clock
from instainstru.admin.confirmation import ConfirmsActions, Offer
from instainstru.admin.links import booking_link
from instainstru.admin.read_only import ReadOnlyAdmin
from instainstru.templatetags.pieces import pill
from payments.admin.words import PARTIES, in_words
from payments.models import Payment
from payments.policy.states import Party


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What somebody said, and on which occasion."""

    what: str
    at: datetime
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One side of a case: who it is, what they said, what they showed."""

    party: str
    name: str
    statements: list[Statement] = field(default_factory=list)
    evidence: list[Evidence] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """Until when something can be done, or, being staff's, is to be done."""

    what: str
    at: datetime
    note: str = ""
    is_ours: bool = False


HOLD_LAPSES = "It is not charged because of that; a ruling after it holds the card anew."


class CaseAdmin(ConfirmsActions, ReadOnlyAdmin):
    """The base of the pages of reports, disputes and chargebacks; `shown_as` says what each of them is."""

    shown_as: str
    ordering = ["-id"]
    search_fields = [
        "booking__ref__startswith",
        "booking__student__name",
        "booking__student__email",
        "booking__instructor__user__name",
        "booking__instructor__user__email",
    ]
    search_help_text = "A booking's reference, or a name or an e-mail address of either side."

    @abstractmethod
    def told(self, case: Any) -> str:
        """Say in one sentence what the case is about."""

    @abstractmethod
    def statements(self, case: Any) -> Iterator[tuple[Party, Statement]]:
        """Return what was said, and by which side."""

    @abstractmethod
    def deadlines(self, case: Any) -> Iterator[Deadline]:
        """Return what is open until when, while the case is open."""

    @abstractmethod
    def ruling(self, case: Any) -> str:
        """Say how it was decided, or nothing."""

    def state_of(self, case: Any) -> tuple[str, str]:
        """Return a case's state as a pill shows it: the word and its label."""
        return ("open", "Open") if case.is_open else ("closed", "Closed")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        with_everybody = ("booking__payment__payer", "booking__student", "booking__instructor__user")
        return super().get_queryset(request).select_related(*with_everybody, "resolved_by", "operation__payment")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the case; it changes by what is done with its booking alone."""
        case = self.get_object(request, unquote(object_id))
        if case is None:
            raise Http404
        if request.method != "GET" or not self.has_view_permission(request, case):
            raise PermissionDenied
        booking, now = case.booking, clock.now()
        cases = cases_told(booking)
        context = {
            **self.admin_site.each_context(request),
            "title": f"{self.shown_as} about {booking.ref}",
            "shown_as": self.shown_as,
            "opts": self.opts,
            "case": case,
            "told": self.told(case),
            "state": self.state_of(case),
            "booking": booking,
            "payment": booking.payment,
            "now": now,
            "sides": list(self._sides(case)),
            "deadlines": sorted(self._deadlines(case), key=lambda deadline: deadline.at),
            "ruling": self.ruling(case),
            "resolution": in_words(case.resolution, RESOLUTIONS),
            "standing": standing_of(booking),
            "news": sorted(cases.news, key=lambda news: news.at),
            "others": [other for other in cases.open if other.url != request.path],
            "possible_actions": [*self.possible_actions(request, case, now=now), *self._of_booking(request, booking)],
            "downloads": self.downloads(case),
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/disputes/case.html", context)

    def downloads(self, case: Any) -> list[tuple[str, str]]:
        """Return what can be read of a case beside its page: words, and an address."""
        return []

    @admin.display(description="state", ordering="resolved_at")
    def state(self, case: Any) -> SafeString:
        word, label = self.state_of(case)
        return format_html('{}<span class="below">{}</span>', pill(word, label), self.ruling(case))

    @admin.display(description="booking", ordering="booking__ref")
    def story(self, case: Any) -> SafeString:
        """Its reference, which leads to the whole story, and both sides below."""
        booking = case.booking
        sides = f"{booking.student.name}, {booking.instructor.user.name}"
        return format_html('{}<span class="below">{}</span>', booking_link(booking.ref), sides)

    def _of_booking(self, request: HttpRequest, booking: Booking) -> list[Offer]:
        """What can be done with a case is done with its booking."""
        bookings = self.admin_site.get_model_admin(Booking)
        assert isinstance(bookings, BookingAdmin)
        if not bookings.has_view_permission(request):
            return []
        return bookings.possible_actions(request, booking, now=clock.now())

    def _sides(self, case: Any) -> Iterator[Side]:
        """Both sides, whether they said anything or not; and staff, if they did."""
        booking: Booking = case.booking
        names = {Party.STUDENT: booking.student.name, Party.INSTRUCTOR: booking.instructor.user.name, Party.STAFF: ""}
        shown: list[Evidence] = list(case.evidence.select_related("author").order_by("shown_at", "id"))
        for party, name in names.items():
            statements = [statement for by, statement in self.statements(case) if by == party and statement.said]
            evidence = [piece for piece in shown if piece.by == party]
            if party != Party.STAFF or statements or evidence:
                yield Side(party=PARTIES[party], name=name, statements=statements, evidence=evidence)

    def _deadlines(self, case: Any) -> Iterator[Deadline]:
        if not case.is_open:
            return
        yield from self.deadlines(case)
        payment: Payment = case.booking.payment
        if payment.capture_before:
            yield Deadline(what="The hold on the card lapses", at=payment.capture_before, note=HOLD_LAPSES)
