"""`manage.py demo`: the whole marketplace on this machine, with a story, until Ctrl-C."""

import argparse
import ipaddress
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from instainstru.local.demo import report
from instainstru.local.demo.programs import SIMULATOR_PORT, WEB_PORT, Places
from instainstru.local.demo.run import Wish, run
from instainstru.local.gate import CannotTravel
from instainstru.local.processes import CannotRun
from instainstru.local.servers.profile import Profile
from payments.management.subcommands import a_positive_number

INTERRUPTED = 130  # what shells call a program that Ctrl-C ended


class Command(BaseCommand):
    help = (
        "Start PostgreSQL, Redis, the Stripe simulator, the web server, a worker and beat; tell a story through the "
        "HTTP API with the travelling clock, show what everybody got, prove the books, and stay up until Ctrl-C. "
        "The data stays and a later start goes on from it; `make demo-reset` clears it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="Tell the story and end; exit 1 unless all is right.")
        parser.add_argument("--again", action="store_true", help="Tell the story although it was told here before.")
        parser.add_argument("--report", type=Path, metavar="PATH", help="Write the table as JSON.")
        parser.add_argument("--web-port", type=a_positive_number, default=WEB_PORT, metavar="PORT")
        parser.add_argument("--simulator-port", type=a_positive_number, default=SIMULATOR_PORT, metavar="PORT")
        parser.add_argument(
            "--host", type=_address, default="127.0.0.1", help="The address of this machine to listen on and link to."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.USES_SIMULATOR:
            raise CommandError("The demo plays with the Stripe simulator alone: unset STRIPE_SECRET_KEY.")
        folder = Profile.named("default").folder
        places = Places(
            host=options["host"],
            web_port=options["web_port"],
            simulator_port=options["simulator_port"],
            folder=folder,
        )
        wish = Wish(once=options["once"], again=options["again"], report=options["report"])
        console = report.console()
        try:
            right = run(places, wish, console=console)
        except (CannotRun, CannotTravel) as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            raise SystemExit(INTERRUPTED) from None
        if not right:
            raise SystemExit(1)


def _address(text: str) -> str:
    try:
        address = ipaddress.ip_address(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no address. Write 127.0.0.1, or ::1.") from error
    if address.is_unspecified:
        raise argparse.ArgumentTypeError("links have to name one address; give that of this machine")
    return text
