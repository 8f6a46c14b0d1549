"""Instants in templates, in the reader's own time zone and with its name, so that nobody has to guess.

{{ lesson.starts_at|in_zone:user.zone }}         Thu, Mar 5, 2026, 12:00 PM EST
{% span_in_zone starts_at ends_at user.zone %}    Thu, Mar 5, 2026, 12:00 PM – 1:00 PM EST
"""

from datetime import datetime
from zoneinfo import ZoneInfo

from django import template
from django.utils import dateformat
from django.utils.html import format_html
from django.utils.safestring import SafeString

from instainstru import clock

register = template.Library()

DAY = "D, M j, Y"
TIME = "g:i A"


@register.filter
def in_zone(instant: datetime | None, zone: ZoneInfo | str) -> str:
    """Write an aware instant as day, time and the zone's own name at that instant."""
    if instant is None:
        return ""
    there = _there(instant, zone)
    return f"{dateformat.format(there, f'{DAY}, {TIME}')} {_zone_name(there)}"


@register.filter
def day_in_zone(instant: datetime | None, zone: ZoneInfo | str) -> str:
    """Write the day on which an aware instant falls there."""
    return "" if instant is None else dateformat.format(_there(instant, zone), DAY)


@register.filter
def time_in_zone(instant: datetime, zone: ZoneInfo | str) -> str:
    """Write what the clock shows there, without its day."""
    return dateformat.format(_there(instant, zone), TIME)


@register.simple_tag
def time_elsewhere(instant: datetime, zone: ZoneInfo | str, beside: ZoneInfo | str) -> str:
    """Write what the clock shows there, with the weekday if it is another one than beside it."""
    there = _there(instant, zone)
    same_day = there.date() == _there(instant, beside).date()
    return dateformat.format(there, TIME if same_day else f"D {TIME}")


@register.filter
def place(zone: ZoneInfo | str) -> str:
    """Write a zone by its place, as people say it: `America/New_York` is `New York`."""
    return str(zone).rpartition("/")[2].replace("_", " ")


@register.simple_tag
def span_in_zone(start: datetime, end: datetime, zone: ZoneInfo | str) -> str:
    """Write a lesson's start and end; the day is named twice only if they differ."""
    start_there, end_there = _there(start, zone), _there(end, zone)
    if start_there.date() != end_there.date():
        return f"{in_zone(start, zone)} – {in_zone(end, zone)}"
    first = dateformat.format(start_there, f"{DAY}, {TIME}")
    return f"{first} – {dateformat.format(end_there, TIME)} {_zone_name(end_there)}"


@register.simple_tag
def product_now(zone: ZoneInfo | str) -> str:
    """Write the present instant of product time, which in the demo may be ahead of the wall's."""
    return in_zone(clock.now(), zone)


@register.filter
def time_element(instant: datetime | None, zone: ZoneInfo | str) -> SafeString | str:
    """Write an instant as a `<time>` that machines can read as well."""
    if instant is None:
        return ""
    return format_html('<time datetime="{}">{}</time>', instant.isoformat(), in_zone(instant, zone))


def _there(instant: datetime, zone: ZoneInfo | str) -> datetime:
    try:
        return instant.astimezone(ZoneInfo(zone) if isinstance(zone, str) else zone)
    except OverflowError:  # on the last or the first day of Python's calendar another zone's day is none
        return instant


def _zone_name(there: datetime) -> str:
    name = there.tzname() or ""
    return f"UTC{name}" if name.startswith(("+", "-")) else name  # some zones have no letters, only "-03"
