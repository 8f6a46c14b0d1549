"""`manage.py chaos`: everything breaks while people do business, and no cent is lost."""

import json
from argparse import ArgumentTypeError
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console

from instainstru.local.demo import report as demo
from instainstru.local.processes import CannotRun

INTERRUPTED = 130  # what shells call a program that Ctrl-C ended


class Command(BaseCommand):
    help = (
        "Run the whole marketplace in a data folder of its own, let people use it through the API, and kill, stop, cut "
        "off and slow down everything at random meanwhile. Exits 1 if at the end a cent is lost, doubled or stranded."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--seconds", type=_positive, default=120, help="How long people do business; 120.")
        parser.add_argument("--seed", type=int, default=1, help="What is broken when is drawn from it; 1.")
        parser.add_argument("--clients", type=_positive, default=8, help="People at a time; 8.")
        parser.add_argument("--workers", type=_positive, default=3, help="Celery workers; 3.")
        parser.add_argument("--report", type=Path, metavar="PATH", help="Write the report as JSON.")
        parser.add_argument("--json", action="store_true", help="End with the report as one line of JSON.")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.USES_SIMULATOR:
            raise CommandError("Chaos is for the Stripe simulator alone: unset STRIPE_SECRET_KEY.")
        from instainstru.local.chaos.run import Wish, run  # its settings are made for the simulator alone

        console: Console = demo.console()
        wish = Wish(
            seconds=options["seconds"], seed=options["seed"], clients=options["clients"], workers=options["workers"]
        )
        try:
            report = run(wish, console=console)
        except CannotRun as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            raise SystemExit(INTERRUPTED) from None
        report.show(console)
        if options["report"]:
            report.write(options["report"])
        if options["json"]:
            self.stdout.write(json.dumps(report.as_json()))
        if not report.passed:
            raise SystemExit(1)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ArgumentTypeError("at least 1")
    return number
