"""Instants as scenarios write them: `start-18h`, `booked+29m59s`, `newend+24h`, `now`."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta

_UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
_TIME = re.compile(r"(?P<anchor>[a-z]+)(?:(?P<sign>[+-])(?P<distance>(?:\d+[dhms])+))?")


def read_time(written: str, anchors: Mapping[str, datetime]) -> datetime:
    """Return the instant that a scenario writes, given what its anchors are. Raises ValueError for any other text."""
    found = _TIME.fullmatch(written)
    if found is None or found["anchor"] not in anchors:
        raise ValueError(f"{written!r} is no time of a scenario.")
    distance = read_distance(found["distance"] or "0s")
    return anchors[found["anchor"]] + (-distance if found["sign"] == "-" else distance)


def read_distance(written: str) -> timedelta:
    """Return a sum of parts such as `23h59m59s`."""
    parts = re.findall(r"(\d+)([dhms])", written)
    return sum((timedelta(**{_UNITS[unit]: int(number)}) for number, unit in parts), timedelta(0))
