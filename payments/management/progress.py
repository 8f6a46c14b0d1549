"""How far a command is, told on stderr: also beside `--json`, since only stdout has to parse."""

from __future__ import annotations

from datetime import timedelta

from django.core.management.base import BaseCommand

from instainstru import clock

TELL_EVERY = timedelta(seconds=2)  # what is done in a moment tells nothing


class Progress:
    """Tells of a command's progress every few seconds, however often it hears of it."""

    def __init__(self, command: BaseCommand) -> None:
        self._command = command
        self._told_at = clock.wall()

    def tell(self, text: str) -> None:
        if clock.wall() - self._told_at >= TELL_EVERY:
            self._told_at = clock.wall()
            self._command.stderr.write(text)
