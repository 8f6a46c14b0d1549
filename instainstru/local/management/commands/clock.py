"""`manage.py clock`: what time it is in the marketplace, and travelling on."""

import re
from argparse import ArgumentTypeError
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from instainstru import clock
from instainstru.local import journey
from instainstru.local.gate import CannotTravel
from instainstru.local.scenarios.times import read_distance
from instainstru.models import ClockOffset


class Command(BaseCommand):
    help = (
        "Show product time, or travel: every sweep that falls due on the way runs at its own instant, and web server, "
        "worker and simulator come along. Works beside a running demo, where no real money is."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        ways = parser.add_subparsers(dest="way", metavar="advance|to")
        advance = ways.add_parser("advance", help="Travel on by so much, such as 24h, 30m or 2d12h.")
        advance.add_argument("distance", type=_distance)
        to = ways.add_parser("to", help="Travel to an instant in ISO form, UTC unless it says otherwise.")
        to.add_argument("instant", type=_instant)

    def handle(self, *args: Any, way: str | None, **options: Any) -> None:
        match way:
            case "advance":
                self._travel_to(clock.now() + options["distance"])
            case "to":
                self._travel_to(options["instant"])
        self._show()

    def _travel_to(self, instant: datetime) -> None:
        if instant < clock.now():
            raise CommandError(f"Time goes forward only: it is {_shown(clock.now())} already.")
        try:
            journey.travel_to(instant)
        except CannotTravel as error:
            raise CommandError(str(error)) from error

    def _show(self) -> None:
        ahead = timedelta(seconds=round(ClockOffset.current().total_seconds()))
        self.stdout.write(f"product time  {_shown(clock.now())}")
        self.stdout.write(f"wall          {_shown(clock.wall())}  ({ahead} behind)" if ahead else "as on the wall")
        for at, sweep in journey.next_due():
            self.stdout.write(f"next          {_shown(at)}  {sweep}")


def _shown(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%a %Y-%m-%d %H:%M:%S UTC")


def _distance(text: str) -> timedelta:
    if not re.fullmatch(r"(\d+[dhms])+", text):
        raise ArgumentTypeError(f"{text!r} is no distance. Write 24h, 30m, 2d12h …")
    return read_distance(text)


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(
            f"{text!r} is no instant. Write 2026-11-05T09:00, or 2026-11-05T09:00+01:00."
        ) from error
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)
