"""Instructors with their hours, and what they offer."""

from django.contrib import admin

from bookings.admin.availability import DateExceptionInline, TimeOffInline, WeeklyHoursInline
from bookings.forms import InstructorForm
from bookings.models import Instructor, Service
from instainstru.money import dollars


class ServiceInline(admin.TabularInline):
    model = Service
    fields = ["title", "category", "modality", "hourly_price_cents", "durations", "is_active"]
    ordering = ["id"]
    show_change_link = True
    extra = 0

    def has_delete_permission(self, request: object, obj: object = None) -> bool:
        return False  # bookings point to it; clear "is active" instead


@admin.register(Instructor)
class InstructorAdmin(admin.ModelAdmin):
    form = InstructorForm
    list_display = ["user", "ref", "tier", "city", "time_zone", "is_listed", "joined_at"]
    list_filter = ["is_listed", "tier", "services__category", "time_zone"]
    list_select_related = ["user"]
    date_hierarchy = "joined_at"
    ordering = ["-joined_at", "-id"]
    search_fields = ["user__name", "user__email", "ref", "headline"]
    autocomplete_fields = ["user"]
    readonly_fields = ["ref", "joined_at"]
    inlines = [ServiceInline, WeeklyHoursInline, DateExceptionInline, TimeOffInline]
    fieldsets = [
        (None, {"fields": ["user", "ref", "joined_at", "is_listed", "tier"]}),
        ("Profile", {"fields": ["headline", "bio", "languages", "city"]}),
        (
            "Calendar",
            {"fields": ["time_zone", "buffer_minutes", "minimum_notice_minutes", "booking_horizon_days"]},
        ),
    ]


@admin.register(Service)
class ServiceAdmin(admin.ModelAdmin):
    list_display = ["title", "ref", "instructor", "category", "modality", "hourly_price", "is_active"]
    list_filter = ["is_active", "category", "modality"]
    list_select_related = ["instructor__user"]
    ordering = ["-id"]
    search_fields = ["title", "ref", "instructor__user__name", "instructor__user__email"]
    autocomplete_fields = ["instructor"]
    readonly_fields = ["ref"]

    @admin.display(description="per hour", ordering="hourly_price_cents")
    def hourly_price(self, service: Service) -> str:
        return dollars(service.hourly_price_cents)

    def has_delete_permission(self, request: object, obj: object = None) -> bool:
        return False  # bookings point to it; clear "is active" instead
