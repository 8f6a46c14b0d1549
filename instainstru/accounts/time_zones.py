"""The time zones that a person or a calendar may be kept in: the IANA names that have a place."""

import zoneinfo
from functools import cache

from django.core.exceptions import ValidationError

REGIONS = ("Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")
UTC = "UTC"


@cache
def known_names() -> frozenset[str]:
    """Return every name that may be chosen: `Region/Place`, and UTC."""
    placed = {name for name in zoneinfo.available_timezones() if name.partition("/")[0] in REGIONS and "/" in name}
    return frozenset(placed | {UTC})


@cache
def choices_by_region() -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the names grouped for a `<select>`, readable: `America/New_York` is shown as `New York`."""
    grouped = [("Universal", [(UTC, "UTC")])]
    for region in REGIONS:
        names = sorted(name for name in known_names() if name.startswith(f"{region}/"))
        grouped.append((region, [(name, name.partition("/")[2].replace("_", " ")) for name in names]))
    return grouped


def validate_time_zone(name: str) -> None:
    """Raise ValidationError unless the name is an IANA time zone that may be chosen."""
    if name not in known_names():
        raise ValidationError("Enter an IANA time zone such as America/New_York.", code="unknown_time_zone")
