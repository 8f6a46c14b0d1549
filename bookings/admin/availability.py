"""Hours and time off, each on a page of its own and on the instructor's."""

from datetime import timedelta

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from bookings.forms import DateExceptionForm, DateExceptionFormSet, TimeOffForm, WeeklyHoursForm, WeeklyHoursFormSet
from bookings.models import DateException, TimeOff, WeeklyHours
from instainstru import clock

OF_THE_INSTRUCTOR = ["instructor__user__name", "instructor__user__email", "instructor__ref"]


class WeeklyHoursInline(admin.TabularInline):
    model = WeeklyHours
    form = WeeklyHoursForm
    formset = WeeklyHoursFormSet
    ordering = ["weekday", "opens"]
    extra = 1


class DateExceptionInline(admin.TabularInline):
    """Those from today on, in whatever zone: earlier ones have a page of their own."""

    model = DateException
    form = DateExceptionForm
    formset = DateExceptionFormSet
    ordering = ["date", "opens"]
    extra = 1

    def get_queryset(self, request: HttpRequest) -> QuerySet[DateException]:
        yesterday = (clock.now() - timedelta(days=1)).date()
        return super().get_queryset(request).filter(date__gte=yesterday)


class TimeOffInline(admin.TabularInline):
    """What has not ended yet: earlier time off has a page of its own."""

    model = TimeOff
    form = TimeOffForm
    ordering = ["starts_at"]
    extra = 1

    def get_queryset(self, request: HttpRequest) -> QuerySet[TimeOff]:
        return super().get_queryset(request).filter(ends_at__gt=clock.now())


@admin.register(WeeklyHours)
class WeeklyHoursAdmin(admin.ModelAdmin):
    form = WeeklyHoursForm
    list_display = ["instructor", "weekday", "__str__"]
    list_filter = ["weekday"]
    list_select_related = ["instructor__user"]
    ordering = ["instructor", "weekday", "opens"]
    search_fields = OF_THE_INSTRUCTOR
    autocomplete_fields = ["instructor"]


@admin.register(DateException)
class DateExceptionAdmin(admin.ModelAdmin):
    form = DateExceptionForm
    list_display = ["instructor", "date", "__str__"]
    list_select_related = ["instructor__user"]
    ordering = ["-date", "instructor", "opens"]
    date_hierarchy = "date"
    search_fields = OF_THE_INSTRUCTOR
    autocomplete_fields = ["instructor"]


@admin.register(TimeOff)
class TimeOffAdmin(admin.ModelAdmin):
    form = TimeOffForm
    list_display = ["instructor", "starts_at", "ends_at", "reason"]
    list_select_related = ["instructor__user"]
    ordering = ["-starts_at"]
    date_hierarchy = "starts_at"
    search_fields = OF_THE_INSTRUCTOR
    autocomplete_fields = ["instructor"]
