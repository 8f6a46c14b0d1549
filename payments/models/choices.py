"""The policy's words as database choices: the policy itself knows no Django."""

from enum import StrEnum


def choices_of(words: type[StrEnum]) -> list[tuple[str, str]]:
    """Return a field's choices for an enumeration of the policy."""
    return [(word.value, word.value.replace("_", " ").capitalize()) for word in words]
