"""How the policy's words become the choices of a column."""

from enum import StrEnum


def choices_of(words: type[StrEnum]) -> list[tuple[str, str]]:
    """Return a column's choices, readable: `in_person` is shown as `In person`."""
    return [(word.value, word.value.replace("_", " ").capitalize()) for word in words]


def values_of(words: type[StrEnum]) -> list[str]:
    return [word.value for word in words]
