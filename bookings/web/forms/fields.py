"""Fields in which people write amounts and times of day."""

import re
from datetime import time
from typing import Any

from django import forms

from bookings.calendar import GRID, MINUTES_OF_A_DAY, clock_face
from instainstru.money import dollars

DOLLARS = re.compile(r"\$?\s*(\d{1,3}(?:,\d{3})+|\d{1,7})(?:\.(\d{1,2}))?")
QUARTER = GRID.seconds // 60  # minutes; lessons begin at quarter hours, so hours begin and end there


def written(cents: int) -> str:
    """Write cents as they stand in a `DollarsField`."""
    return dollars(cents).removeprefix("$")


class DollarsField(forms.Field):
    """An amount written in dollars, such as `85` or `$1,250.50`; in Python integer cents."""

    widget = forms.TextInput
    default_error_messages = {
        "invalid": "Write an amount in dollars, such as 85 or 85.50.",
        "min_value": "That is less than %(limit)s.",
        "max_value": "That is more than %(limit)s.",
    }

    def __init__(self, *, min_value: int = 0, max_value: int = 1_000_000_00, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.min_value, self.max_value = min_value, max_value

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        return {"inputmode": "decimal", "autocomplete": "off"}

    def to_python(self, value: Any) -> int | None:
        if value in self.empty_values:
            return None
        written = DOLLARS.fullmatch(str(value).strip())
        if written is None:
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid")
        whole, cents = written.groups(default="0")
        return int(whole.replace(",", "")) * 100 + int(cents.ljust(2, "0"))

    def validate(self, value: int | None) -> None:
        super().validate(value)
        if value is None:
            return
        for code, limit, crossed in (
            ("min_value", self.min_value, value < self.min_value),
            ("max_value", self.max_value, value > self.max_value),
        ):
            if crossed:
                raise forms.ValidationError(self.error_messages[code], code=code, params={"limit": dollars(limit)})

    def prepare_value(self, value: Any) -> Any:
        return written(value) if isinstance(value, int) else value


class TimeOfDayField(forms.TimeField):
    """A quarter hour on the wall's clock, in a browser's own control for it; in Python minutes since midnight.

    No such control knows 24:00. So where a day's end is meant (`ends=True`), midnight is 24:00.
    """

    default_error_messages = {"off_the_quarter": "Hours begin and end at a quarter hour, such as 9:15."}

    def __init__(self, *, ends: bool = False, **kwargs: Any) -> None:
        widget = forms.TimeInput(format="%H:%M", attrs={"type": "time", "step": GRID.seconds})
        super().__init__(**{"widget": widget, **kwargs})
        self.ends = ends

    def to_python(self, value: Any) -> int | None:  # type: ignore[override]  # minutes, as the calendar counts
        reading: time | None = super().to_python(value)
        if reading is None:
            return None
        minute = reading.hour * 60 + reading.minute
        if minute % QUARTER or reading.second:
            raise forms.ValidationError(self.error_messages["off_the_quarter"], code="off_the_quarter")
        return MINUTES_OF_A_DAY if self.ends and minute == 0 else minute

    def prepare_value(self, value: Any) -> Any:
        return clock_face(value % MINUTES_OF_A_DAY) if isinstance(value, int) else value
