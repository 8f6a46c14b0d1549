"""When an instructor is open: the week, a date that differs, time off. One empty line is always there to be filled."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms

from bookings.calendar import Hours, overlap_among
from bookings.models import Weekday, WeeklyHours
from bookings.models.availability import CLOSES_AFTER_OPENING, HOURS_OVERLAP, validate_end_of_time_off
from bookings.web.forms.fields import TimeOfDayField
from instainstru.limits import validate_in_reach

STRETCHES_A_DAY = 12  # more is a slip of the hand


class StretchForm(forms.Form):
    """One stretch of a day's hours; left empty it is none."""

    opens = TimeOfDayField(required=False, label="From")
    closes = TimeOfDayField(required=False, label="To", ends=True)

    def clean(self) -> dict[str, Any]:
        hours = super().clean() or {}
        opens, closes = hours.get("opens"), hours.get("closes")
        if "opens" in hours and "closes" in hours:
            if (opens is None) != (closes is None):
                self.add_error("closes" if closes is None else "opens", "Write both, or neither.")
            elif opens is not None and closes <= opens:
                self.add_error("closes", CLOSES_AFTER_OPENING)
        return hours

    @property
    def stretch(self) -> Hours | None:
        opens, closes = self.cleaned_data.get("opens"), self.cleaned_data.get("closes")
        return None if opens is None or closes is None else Hours(opens, closes)


class DayForm:
    """The stretches of one day, as numbered lines."""

    def __init__(self, name: str, label: str, *, hours: Iterable[Hours] = (), data: Any = None) -> None:
        self.name, self.label = name, label
        initial = [{"opens": stretch.opens, "closes": stretch.closes} for stretch in sorted(hours)]
        count = len(initial) + 1 if data is None else _lines_sent(data, name)
        self.lines = [
            StretchForm(
                data,
                prefix=f"{name}-{number}",
                initial=initial[number] if number < len(initial) else None,
            )
            for number in range(min(count, STRETCHES_A_DAY))
        ]
        self.fault = ""

    def is_valid(self) -> bool:
        valid = all([line.is_valid() for line in self.lines])  # noqa: C419 - each line shows its own fault
        if valid and overlap_among(self.stretches):
            self.fault, valid = HOURS_OVERLAP, False
        return valid

    @property
    def stretches(self) -> list[Hours]:
        return sorted(stretch for line in self.lines if (stretch := line.stretch))


class WeekForm:
    """The hours that return every week: a `DayForm` for each day."""

    def __init__(self, kept: Iterable[WeeklyHours], *, data: Any = None) -> None:
        hours: dict[int, list[Hours]] = defaultdict(list)
        for row in kept:
            hours[row.weekday].append(Hours(row.opens, row.closes))
        self.days = [
            DayForm(f"day-{weekday.value}", str(weekday.label), hours=hours[weekday.value], data=data)
            for weekday in Weekday
        ]
        self.is_bound = data is not None

    def is_valid(self) -> bool:
        return self.is_bound and all([day.is_valid() for day in self.days])  # noqa: C419

    @property
    def week(self) -> Iterator[tuple[int, Hours]]:
        """What was written, for `operations.availability`."""
        for weekday, day in enumerate(self.days):
            for stretch in day.stretches:
                yield weekday, stretch


class ExceptionForm(forms.Form):
    """A date that does not follow the week: closed, or with hours of its own."""

    day = forms.DateField(
        label="Date",
        validators=[validate_in_reach],
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
    )
    kind = forms.ChoiceField(
        label="On that day",
        choices=[("closed", "I am closed"), ("hours", "I have other hours:")],
        widget=forms.RadioSelect,
        initial="closed",
    )
    opens = TimeOfDayField(required=False, label="From")
    closes = TimeOfDayField(required=False, label="To", ends=True)

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._today = today
        self.fields["day"].widget.attrs["min"] = today.isoformat()

    def clean_day(self) -> date:
        day: date = self.cleaned_data["day"]
        if day < self._today:
            raise forms.ValidationError("That day is over.")
        return day

    def clean(self) -> dict[str, Any]:
        written = super().clean() or {}
        if written.get("kind") == "hours" and {"opens", "closes"} <= written.keys():
            opens, closes = written["opens"], written["closes"]
            if opens is None or closes is None:
                self.add_error("opens" if opens is None else "closes", "Write from when to when.")
            elif closes <= opens:
                self.add_error("closes", CLOSES_AFTER_OPENING)
        return written

    @property
    def hours(self) -> list[Hours]:
        """The hours of that date; none close it."""
        written = self.cleaned_data
        return [] if written["kind"] == "closed" else [Hours(written["opens"], written["closes"])]


class DayOnlyForm(forms.Form):
    """A date that a button names."""

    day = forms.DateField(validators=[validate_in_reach], widget=forms.HiddenInput)


class TimeOffForm(forms.Form):
    """A stretch of time in which no lesson is given, on the clock of the instructor's zone."""

    starts = forms.DateTimeField(
        label="From", validators=[validate_in_reach], widget=forms.DateTimeInput(attrs={"type": "datetime-local"})
    )
    ends = forms.DateTimeField(
        label="Until",
        validators=[validate_in_reach, validate_end_of_time_off],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
    )
    reason = forms.CharField(required=False, max_length=200, help_text="For you and our staff alone.")

    def __init__(self, *args: Any, zone: ZoneInfo, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._zone = zone

    def clean_starts(self) -> datetime:
        return self._instant(self.cleaned_data["starts"])

    def clean_ends(self) -> datetime:
        return self._instant(self.cleaned_data["ends"])

    def clean(self) -> dict[str, Any]:
        written = super().clean() or {}
        starts, ends = written.get("starts"), written.get("ends")
        if starts and ends and ends <= starts:
            self.add_error("ends", "Time off ends after it starts.")
        return written

    def _instant(self, reading: datetime) -> datetime:
        """Django read the wall clock as if it hung in UTC; it hangs in the instructor's zone."""
        return reading.replace(tzinfo=self._zone).astimezone(UTC)


def _lines_sent(data: Any, name: str) -> int:
    return next((number for number in range(STRETCHES_A_DAY) if f"{name}-{number}-opens" not in data), STRETCHES_A_DAY)
