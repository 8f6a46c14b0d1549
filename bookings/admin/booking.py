"""Bookings and the time that they keep: to be looked at. Only operations change them."""

from django.contrib import admin
from django.http import HttpRequest

from bookings.models import Booking, OccupiedTime
from instainstru.admin.read_only import ReadOnlyAdmin
from instainstru.money import dollars


class OccupiedTimeInline(admin.TabularInline):
    model = OccupiedTime
    fields = ["instructor_during", "student_during"]
    readonly_fields = ["instructor_during", "student_during"]
    can_delete = False
    extra = max_num = 0

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(Booking)
class BookingAdmin(ReadOnlyAdmin):
    list_display = [
        "ref",
        "status",
        "payment_status",
        "starts_at",
        "minutes",
        "student_name",
        "instructor_name",
        "service_title",
        "lesson_price",
    ]
    list_filter = ["status", "payment__status", "modality", "cancelled_by", "starts_at"]
    list_select_related = ["student", "instructor__user", "payment"]
    date_hierarchy = "starts_at"
    ordering = ["-starts_at", "id"]
    search_fields = ["ref", "student__name", "student__email", "instructor__user__name", "instructor__user__email"]
    show_full_result_count = False
    inlines = [OccupiedTimeInline]
    fieldsets = [
        (None, {"fields": ["ref", "status", "payment", "student", "instructor", "service", "service_title"]}),
        (
            "Lesson",
            {"fields": ["starts_at", "ends_at", "minutes", "modality", "time_zone", "buffer_minutes", "student_note"]},
        ),
        (
            "Course",
            {
                "fields": [
                    "made_at",
                    "confirmed_at",
                    "marked_complete_at",
                    "completed_at",
                    "cancelled_at",
                    "cancelled_by",
                    "cancellation_reason",
                ]
            },
        ),
    ]

    @admin.display(description="payment", ordering="payment__status")
    def payment_status(self, booking: Booking) -> str:
        return booking.payment.get_status_display()

    @admin.display(description="student", ordering="student__name")
    def student_name(self, booking: Booking) -> str:
        return booking.student.name

    @admin.display(description="instructor", ordering="instructor__user__name")
    def instructor_name(self, booking: Booking) -> str:
        return booking.instructor.user.name

    @admin.display(description="price", ordering="payment__lesson_price_cents")
    def lesson_price(self, booking: Booking) -> str:
        return dollars(booking.payment.lesson_price_cents)


@admin.register(OccupiedTime)
class OccupiedTimeAdmin(ReadOnlyAdmin):
    list_display = ["booking", "instructor", "student", "student_during", "instructor_during"]
    list_select_related = ["booking", "instructor__user", "student"]
    ordering = ["-id"]
    search_fields = ["booking__ref", "student__email", "instructor__user__email"]
