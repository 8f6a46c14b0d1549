"""A command of several subcommands for finance: one JSON object or words, progress aside, refusals without tracebacks.

Exit codes: 0 all is well, 1 something needs a person, 2 asked wrongly, or Stripe can't be asked.
"""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from argparse import ArgumentTypeError
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.serializers.json import DjangoJSONEncoder

from instainstru import clock
from instainstru.accounts.models import Role, User
from instainstru.admin.audit import Asker
from instainstru.refusals import Refused
from payments.gateway.errors import GatewayTrouble
from payments.management.progress import Progress
from payments.models import Payee

EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)  # days may be added to either
UNITS = {"d": "days", "h": "hours", "m": "minutes"}

Options = dict[str, Any]


class Subcommand(ABC):
    """One thing that a command does. It says what it found through `say`, or as a whole through `answer`."""

    name: ClassVar[str]
    help: ClassVar[str]
    details: ClassVar[str] = ""

    def __init__(self, command: BaseCommand, *, as_json: bool) -> None:
        self._command = command
        self.as_json = as_json
        self.tell = Progress(command).tell

    @classmethod
    @abstractmethod
    def add_arguments(cls, parser: CommandParser) -> None:
        """Declare what is asked for beside `--json`."""

    @abstractmethod
    def handle(self, options: Options) -> int:
        """Do it and return the exit code. Raises Refused, GatewayTrouble, CommandError."""

    def say(self, text: str, *, well: bool | None = None) -> None:
        """Write a line for a person; good news green, bad news red."""
        if not self.as_json:
            style = self._command.style
            painted = text if well is None else style.SUCCESS(text) if well else style.ERROR(text)
            self._command.stdout.write(painted)

    def answer(self, body: Options) -> None:
        """Write the one JSON object, if that is wanted."""
        if self.as_json:
            self._command.stdout.write(json.dumps(body, cls=DjangoJSONEncoder))


class CommandOfSubcommands(BaseCommand):
    """Leads to one of its subcommands."""

    subcommands: ClassVar[Sequence[type[Subcommand]]]

    def add_arguments(self, parser: CommandParser) -> None:
        names = "|".join(subcommand.name for subcommand in self.subcommands)
        ways = parser.add_subparsers(dest="subcommand", metavar=names, required=True)
        for subcommand in self.subcommands:
            way = ways.add_parser(
                subcommand.name, help=subcommand.help, description=f"{subcommand.help} {subcommand.details}".strip()
            )
            subcommand.add_arguments(way)
            way.add_argument("--json", action="store_true", help="Answer with one JSON object.")

    def handle(self, *args: Any, subcommand: str, json: bool, **options: Any) -> None:
        found = next(known for known in self.subcommands if known.name == subcommand)
        try:
            code = found(self, as_json=json).handle(options)
        except Refused as refusal:
            raise CommandError(f"{refusal.message} {refusal.what_can_be_done}") from refusal
        except GatewayTrouble as trouble:
            raise CommandError(f"Stripe can't be asked: {trouble}", returncode=2) from trouble
        if code:
            raise SystemExit(code)


def asked_wrongly(text: str) -> CommandError:
    return CommandError(text, returncode=2)


def an_instant(text: str) -> datetime:
    """Read `2026-11-05`, `2026-11-05T09:00+01:00`, or so far ahead: `+2d`, `+36h`. UTC unless it says otherwise."""
    if ahead := re.fullmatch(r"\+(\d{1,4})([dhm])", text):
        return clock.now() + timedelta(**{UNITS[ahead[2]]: int(ahead[1])})
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is no instant. Write 2026-11-05T09:00, or +2d.") from error
    instant = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
    if not EARLIEST <= instant < LATEST:
        raise ArgumentTypeError(f"{text!r} is too far away: from {EARLIEST.year} on, and before {LATEST.year}.")
    return instant


def a_number(text: str) -> int:
    if not re.fullmatch(r"-?\d{1,18}", text, re.ASCII):
        raise ArgumentTypeError(f"{text!r} is no whole number.")
    return int(text)


def a_positive_number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text)):
        raise ArgumentTypeError(f"{text!r} is not a number above zero.")
    return int(text)


def positive_numbers(text: str) -> set[int]:
    """Read `1,2,5`."""
    return {a_positive_number(part.strip()) for part in text.split(",")}


def add_instructor(parser: CommandParser, *, required: bool = False) -> None:
    parser.add_argument(
        "--instructor", metavar="REF", required=required, help="By e-mail address, or account at Stripe (acct_…)."
    )


def add_staff(parser: CommandParser, *, required: bool = True) -> None:
    parser.add_argument(
        "--as", dest="staff", metavar="EMAIL", required=required, help="Which member of staff does it; it is kept."
    )


def payee_named(reference: str) -> Payee:
    """Return an instructor's account. Raises CommandError if there is none."""
    payees = Payee.objects.select_related("user")
    found = payees.filter(account_id=reference).first() or payees.filter(user__email=reference.lower()).first()
    if found is None:
        raise asked_wrongly(f"No instructor with an account at Stripe is known as {reference}.")
    return found


def staff_named(email: str, *, right: str) -> Asker:
    """Return a member of staff who may do it. Raises CommandError for anybody else."""
    user = User.objects.active().with_role(Role.STAFF).filter(email=email.lower()).first()
    if user is None:
        raise asked_wrongly(f"Nobody of our staff has the address {email}.")
    if not user.has_perm(right):
        raise asked_wrongly(f"{user.name} may not do this: the right {right} is missing.")
    return Asker(user)


def in_utc(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
