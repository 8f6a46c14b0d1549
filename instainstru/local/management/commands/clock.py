"""`manage.py clock`: what time it is in the marketplace, and travelling on."""

import json
import re
from argparse import SUPPRESS, ArgumentTypeError
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from instainstru import clock
from instainstru.local import journey
from instainstru.local.gate import CannotTravel
from instainstru.local.scenarios.times import read_distance
from instainstru.models import ClockOffset

TELL_EVERY = timedelta(seconds=2)
A_JOURNEY = (
    "Every sweep that waits for an instant on the way runs at that instant, and web server, worker and simulator come "
    "along. What CLOCKWORK runs once a night by the wall's clock (tiers, reconciling, clearing away) does not run on a "
    "journey."
)


class Command(BaseCommand):
    help = (
        f"Show product time, or travel. {A_JOURNEY} Works beside a running demo, where no real money is. Exits 0 if it "
        "is there, 1 if it can't travel, 2 if asked wrongly."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="Answer with one JSON object.")
        ways = parser.add_subparsers(dest="way", metavar="advance|to")
        advance = ways.add_parser(
            "advance", help="Travel on by so much, such as 24h, 30m or 2d12h.", description=A_JOURNEY
        )
        advance.add_argument(
            "distance", type=_distance, help="Numbers with d, h, m or s behind each, added up: 24h, 30m, 2d12h."
        )
        to = ways.add_parser(
            "to", help="Travel to an instant in ISO form, UTC unless it says otherwise.", description=A_JOURNEY
        )
        to.add_argument(
            "instant", type=_instant, help="Such as 2026-11-05, 2026-11-05T09:00 or 2026-11-05T09:00+01:00."
        )
        for way in (advance, to):
            way.add_argument("--dry-run", action="store_true", help="Only tell which sweeps are known to fall due.")
            way.add_argument("--json", action="store_true", default=SUPPRESS, help="Answer with one JSON object.")

    def handle(self, *args: Any, way: str | None, json: bool, dry_run: bool = False, **options: Any) -> None:
        until = None
        if way is not None:
            until = options["instant"] if way == "to" else clock.now() + options["distance"]
        if until is not None and until < clock.now():
            raise CommandError(f"Time goes forward only: it is {_shown(clock.now())} already.", returncode=2)
        if until is not None and not dry_run:
            self._travel_to(until)
        due = [(at, sweep) for at, sweep in journey.next_due() if not dry_run or until is None or at <= until]
        if json:
            self.stdout.write(_as_json(due, until=until if dry_run else None))
        else:
            self._show(due, until=until if dry_run else None)

    def _travel_to(self, instant: datetime) -> None:
        told_at = clock.wall()

        def tell(arrived_at: datetime) -> None:
            nonlocal told_at
            if clock.wall() - told_at >= TELL_EVERY:
                told_at = clock.wall()
                self.stderr.write(f"{_shown(arrived_at)}, on the way to {_shown(instant)}")

        try:
            journey.travel_to(instant, tell=tell)
        except CannotTravel as error:
            raise CommandError(str(error)) from error

    def _show(self, due: list[tuple[datetime, str]], *, until: datetime | None) -> None:
        ahead = _ahead()
        self.stdout.write(f"product time  {_shown(clock.now())}")
        self.stdout.write(f"wall          {_shown(clock.wall())}  ({ahead} behind)" if ahead else "as on the wall")
        if until is not None:
            self.stdout.write(f"would go to   {_shown(until)}")
        for at, sweep in due:
            self.stdout.write(f"next          {_shown(at)}  {sweep}")


def _as_json(due: list[tuple[datetime, str]], *, until: datetime | None) -> str:
    return json.dumps(
        {
            "dry_run": until is not None,
            "product_time": clock.now().isoformat(),
            "wall": clock.wall().isoformat(),
            "ahead_seconds": _ahead().total_seconds(),
            "would_go_to": until.isoformat() if until else None,
            "next": [{"at": at.isoformat(), "sweep": sweep} for at, sweep in due],
        }
    )


def _ahead() -> timedelta:
    return timedelta(seconds=round(ClockOffset.current().total_seconds()))


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
