"""Bookings: one page each that explains everything, and what staff may do about it. Only operations change them."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from bookings.admin.actions import ACTIONS
from bookings.admin.story import ahead_of, money_of, records_of, timeline_of
from bookings.admin.story.records import with_everybody
from bookings.models import Booking, BookingMove, OccupiedTime
from instainstru import clock
from instainstru.admin.confirmation import ConfirmsActions
from instainstru.admin.notes import TakesNotes
from instainstru.admin.read_only import ReadOnlyAdmin
from instainstru.money import dollars
from instainstru.templatetags.pieces import pill
from payments.admin.filters import PaymentStatusInWords, ReviewReasonInWords
from payments.admin.words import BOOKING_STATUSES, OUTCOMES, PAYMENT_STATUSES, REVIEW_REASONS, in_words


@admin.register(Booking)
class BookingAdmin(TakesNotes, ConfirmsActions, ReadOnlyAdmin):
    list_display = [
        "ref",
        "state",
        "starts_at",
        "sides",
        "service_title",
        "lesson_price",
    ]
    list_filter = [
        "status",
        ("payment__status", PaymentStatusInWords),
        ("payment__review_reason", ReviewReasonInWords),
        "starts_at",
        "modality",
        "cancelled_by",
    ]
    ordering = ["-id"]
    search_fields = [
        "ref__startswith",
        "student__name",
        "student__email",
        "instructor__user__name",
        "instructor__user__email",
        "payment__intent_id__exact",
        "payment__charge_id__exact",
        "payment__transfer_id__exact",
    ]
    search_help_text = "A booking's reference, a name or an e-mail address of either side, or pi_…, ch_…, tr_…"
    confirmed_actions = ACTIONS

    def get_queryset(self, request: HttpRequest) -> QuerySet[Booking]:
        return with_everybody(super().get_queryset(request))

    def get_urls(self) -> list[URLPattern]:
        by_reference = path(
            "of/<slug:reference>/", self.admin_site.admin_view(self.of_reference_view), name="booking-of-reference"
        )
        return [by_reference, *super().get_urls()]

    def of_reference_view(self, request: HttpRequest, reference: str) -> HttpResponse:
        """Lead on from a reference, which is all that the apps below know of a booking."""
        booking = get_object_or_404(Booking.objects.only("pk"), ref=reference)
        return HttpResponseRedirect(reverse("admin:bookings_booking_change", args=[booking.pk]))

    def subject_of(self, row: Any) -> str:
        return row.ref

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the story; there is nothing to change here."""
        booking = self.get_object(request, unquote(object_id))
        if booking is None:
            raise Http404
        if request.method != "GET" or not self.has_view_permission(request, booking):
            raise PermissionDenied
        now = clock.now()
        records = records_of(booking)
        payment = booking.payment
        context = {
            **self.admin_site.each_context(request),
            "title": f"Booking {booking.ref}",
            "opts": self.opts,
            "booking": booking,
            "payment": payment,
            "now": now,
            "records": records,
            "booking_in_words": in_words(booking.status, BOOKING_STATUSES),
            "payment_in_words": in_words(payment.status, PAYMENT_STATUSES),
            "frozen_because": in_words(payment.review_reason, REVIEW_REASONS),
            "stopped_before": in_words(payment.kept_review_reason, REVIEW_REASONS),
            "outcome": in_words(payment.settlement_outcome, OUTCOMES),
            "ahead": ahead_of(records, now=now),
            "money": money_of(records),
            "timeline": timeline_of(records),
            "possible_actions": self.possible_actions(request, booking, now=now),
            "note_form": self.note_form(request),
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/bookings/booking/change_form.html", context)

    @admin.display(description="booking, payment", ordering="status")
    def state(self, booking: Booking) -> SafeString:
        payment = booking.payment
        return format_html(
            '{}<span class="below">{}</span>',
            pill(booking.status, booking.get_status_display()),
            pill(payment.status, payment.get_status_display()),
        )

    @admin.display(description="student, instructor", ordering="student__name")
    def sides(self, booking: Booking) -> SafeString:
        return format_html('{}<span class="below">{}</span>', booking.student.name, booking.instructor.user.name)

    @admin.display(description="price", ordering="payment__lesson_price_cents")
    def lesson_price(self, booking: Booking) -> str:
        return dollars(booking.payment.lesson_price_cents)


@admin.register(OccupiedTime)
class OccupiedTimeAdmin(ReadOnlyAdmin):
    list_display = ["booking", "instructor", "student", "student_during", "instructor_during"]
    list_select_related = ["booking", "instructor__user", "student"]
    ordering = ["-id"]
    search_fields = ["booking__ref__startswith", "student__email", "instructor__user__email"]
    search_help_text = "A booking's reference, or the e-mail address of either side."


@admin.register(BookingMove)
class BookingMoveAdmin(ReadOnlyAdmin):
    list_display = ["booking", "from_start", "to_start", "rule", "asked_at", "moved_at"]
    list_select_related = ["booking"]
    ordering = ["-id"]
    search_fields = ["booking__ref__startswith"]
    search_help_text = "A booking's reference."
