"""What can be kept and reckoned with at all, of the text and the dates that people send."""

import re
from datetime import UTC, date, datetime

from django.core.exceptions import ValidationError
from django.utils.dateparse import parse_datetime

# Python's calendar begins in year 1 and ends with 9999: another zone, or a sum, may lie beyond it near either.
YEARS = range(1900, 2200)
HALF_A_CHARACTER = re.compile("[\ud800-\udfff]")  # of a pair that UTF-16 would write


def is_kept(text: str) -> bool:
    """Return whether PostgreSQL and Redis can keep a text."""
    return "\0" not in text and HALF_A_CHARACTER.search(text) is None


def is_in_reach(day: date) -> bool:
    """Return whether a day or an instant can be reckoned with, whatever is added and wherever it is read."""
    return day.year in YEARS


def validate_in_reach(day: date) -> None:
    """Raise ValidationError unless a day or an instant `is_in_reach`."""
    if not is_in_reach(day):
        raise ValidationError(f"Name a date from {YEARS[0]} to {YEARS[-1]}.", code="out_of_reach")


def read_instant(text: str) -> datetime | None:
    """Return the instant that a text names with its offset, in UTC, or None if it names none that is in reach."""
    try:
        instant = parse_datetime(text)
    except ValueError:
        return None
    if instant is None or instant.tzinfo is None or not is_in_reach(instant):
        return None
    return instant.astimezone(UTC)
