"""Forms in which staff edit instructors and their hours."""

from collections import defaultdict
from datetime import date, datetime
from typing import Any

from django import forms
from django.forms.models import BaseInlineFormSet

from bookings.calendar import ALL_DAY, Hours, clock_face, minute_of, overlap_among
from bookings.models import DateException, TimeOff, WeeklyHours
from bookings.models.availability import HOURS_OVERLAP, validate_end_of_time_off
from bookings.operations.tiers import count_founding_places_left
from instainstru.accounts.time_zones import choices_by_region
from instainstru.limits import validate_in_reach
from payments.policy.states import Tier


class ClockFaceField(forms.Field):
    """Minutes since local midnight, written as a clock shows them: from `00:00` to `24:00`."""

    widget = forms.TextInput(attrs={"size": 5, "maxlength": 5, "placeholder": "09:30"})

    def to_python(self, value: Any) -> int | None:
        if value in self.empty_values:
            return None
        try:
            return minute_of(value.strip())
        except ValueError as error:
            raise forms.ValidationError(str(error)) from None

    def prepare_value(self, value: Any) -> Any:
        return clock_face(value) if isinstance(value, int) else value


class WeeklyHoursForm(forms.ModelForm):
    opens = ClockFaceField()
    closes = ClockFaceField()

    class Meta:
        model = WeeklyHours
        fields = ["instructor", "weekday", "opens", "closes"]


class DateExceptionForm(forms.ModelForm):
    opens = ClockFaceField(required=False, help_text="Empty on a closed day.")
    closes = ClockFaceField(required=False, help_text="Empty on a closed day.")

    class Meta:
        model = DateException
        fields = ["instructor", "date", "opens", "closes"]

    def clean_date(self) -> date:
        day: date = self.cleaned_data["date"]
        validate_in_reach(day)
        return day


class TimeOffForm(forms.ModelForm):
    class Meta:
        model = TimeOff
        fields = ["instructor", "starts_at", "ends_at", "reason"]

    def clean_starts_at(self) -> datetime:
        starts_at: datetime = self.cleaned_data["starts_at"]
        validate_in_reach(starts_at)
        return starts_at

    def clean_ends_at(self) -> datetime:
        ends_at: datetime = self.cleaned_data["ends_at"]
        validate_in_reach(ends_at)
        validate_end_of_time_off(ends_at)
        return ends_at


class HoursFormSet(BaseInlineFormSet):
    """Hours on their instructor's page; the day is the first column. Overlaps are named before the database does."""

    day_field: str

    def clean(self) -> None:
        super().clean()
        days: dict[Any, list[Hours]] = defaultdict(list)
        for form in self.forms:
            hours = form.cleaned_data if form.is_valid() else {}
            if hours and not hours.get("DELETE"):
                closed = hours["opens"] is None or hours["closes"] is None
                stretch = ALL_DAY if closed else Hours(hours["opens"], hours["closes"])
                days[hours[self.day_field]].append(stretch)
        if any(overlap_among(stretches) for stretches in days.values()):
            raise forms.ValidationError(HOURS_OVERLAP)


class WeeklyHoursFormSet(HoursFormSet):
    day_field = "weekday"


class DateExceptionFormSet(HoursFormSet):
    day_field = "date"


class InstructorForm(forms.ModelForm):
    """The admin page names the fields, and saves in the transaction in which this is checked."""

    time_zone = forms.ChoiceField(choices=choices_by_region, help_text="The zone in which the calendar is kept.")

    def clean_tier(self) -> str:
        """P1.3: founding places are few, and kept for life."""
        before, tier = self.initial.get("tier"), self.cleaned_data["tier"]
        if before == Tier.FOUNDING and tier != Tier.FOUNDING:
            raise forms.ValidationError("A founding place is kept for life.")
        if tier == Tier.FOUNDING != before and not count_founding_places_left():
            raise forms.ValidationError("All founding places are taken.")
        return tier
