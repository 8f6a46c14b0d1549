"""`manage.py chaos`: everything breaks while people do business, and no cent is lost."""

import json
from argparse import ArgumentTypeError
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console

from instainstru.local.demo import report as demo
from instainstru.local.processes import CannotRun
from payments.management.subcommands import a_number, a_positive_number

if TYPE_CHECKING:
    from instainstru.local.chaos.machines_report import MachinesReport
    from instainstru.local.chaos.report import Report

INTERRUPTED = 130  # what shells call a program that Ctrl-C ended


class Command(BaseCommand):
    help = (
        "Run the whole marketplace in a data folder of its own, let people use it through the API, and kill, stop, cut "
        "off and slow down everything at random meanwhile. Exits 1 if at the end a cent is lost, doubled or stranded."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--seconds", type=a_positive_number, default=120, help="How long people do business; 120.")
        parser.add_argument("--seed", type=a_number, default=1, help="What is broken when is drawn from it; 1.")
        parser.add_argument("--clients", type=a_positive_number, default=8, help="People at a time; 8.")
        parser.add_argument("--workers", type=a_positive_number, default=3, help="Celery workers; 3.")
        parser.add_argument(
            "--machines",
            type=_several,
            metavar="N",
            help="Instead, N machines share a backlog and one of them dies; the seconds and workers don't count then.",
        )
        parser.add_argument("--settlements", type=a_positive_number, default=300, help="The machines' backlog; 300.")
        parser.add_argument("--report", type=Path, metavar="PATH", help="Write the report as JSON.")
        parser.add_argument("--json", action="store_true", help="End with the report as one line of JSON.")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.USES_SIMULATOR:
            raise CommandError("Chaos is for the Stripe simulator alone: unset STRIPE_SECRET_KEY.")
        console = demo.console()
        try:
            report = _run(console, **options)
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


def _run(
    console: Console,
    *,
    machines: int | None,
    settlements: int,
    seconds: int,
    seed: int,
    clients: int,
    workers: int,
    **_: Any,
) -> "Report | MachinesReport":
    from instainstru.local.chaos import machines as several  # its settings are made for the simulator alone
    from instainstru.local.chaos import run as one

    if machines is None:
        wish = one.Wish(seconds=seconds, seed=seed, clients=clients, workers=workers)
        return one.run(wish, console=console)
    return several.run(
        several.Wish(machines=machines, settlements=settlements, clients=clients, seed=seed), console=console
    )


def _several(text: str) -> int:
    if (number := a_positive_number(text)) < 2:
        raise ArgumentTypeError("At least 2, as one of them dies.")
    return number
