"""`manage.py payouts statement`: what an instructor earned in a month, line by line, as the books have it."""

from __future__ import annotations

from argparse import ArgumentTypeError
from pathlib import Path

from django.core.management.base import CommandParser

from instainstru import clock
from instainstru.money import dollars
from payments.ledger.statements import Month, Statement, statement_of
from payments.management.subcommands import Options, Subcommand, add_instructor, asked_wrongly, payee_named
from payments.serializers.statement_files import FORMS, NOTHING
from payments.serializers.statements import EarningsStatementOut


def a_month(text: str) -> Month:
    try:
        return Month.named(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from error


class StatementOfAMonth(Subcommand):
    name = "statement"
    help = "Show or write an instructor's statement of a month, with the rule of the policy behind each line."
    details = (
        "It is read from the ledger: what was earned, what was taken back, what went to the bank, between the balances "
        "at the month's beginning and end, in the instructor's own time zone."
    )

    @classmethod
    def add_arguments(cls, parser: CommandParser) -> None:
        add_instructor(parser, required=True)
        parser.add_argument("--month", type=a_month, required=True, metavar="2026-11")
        for form in FORMS:
            parser.add_argument(f"--{form}", metavar="PATH", help=f"Write it there as {form.upper()}.")

    def handle(self, options: Options) -> int:
        payee, month, now = payee_named(options["instructor"]), options["month"], clock.now()
        if month > Month.of(now, payee.user.zone):
            raise asked_wrongly(f"{month} has not begun.")
        statement = statement_of(payee, month, now=now)
        written = {form: options[form] for form in FORMS if options[form]}
        for form, path in written.items():
            _write(statement, form, Path(path))
        self.answer({"instructor": payee.user.email, **EarningsStatementOut(statement).data, "written": written})
        self._say(statement)
        for path in written.values():
            self.say(f"Written to {path}.")
        return 0

    def _say(self, statement: Statement) -> None:
        user = statement.payee.user
        self.say(f"{user.name} <{user.email}>, {statement.month}, days in {user.time_zone}")
        self.say(f"  opening balance {dollars(statement.opening)}")
        for line in statement.lines:
            price, fee = line.breakdown.price, line.breakdown.fee
            parts = f" ({dollars(price)} less {dollars(fee)})" if fee else ""
            booking, amount = line.booking or "-", dollars(line.net)
            self.say(f"  {line.day}  {booking:<20}  {amount:>12}{parts}  {line.rule}  {line.what}")
        if not statement.lines:
            self.say(f"  {NOTHING}")
        earned, to_bank = dollars(statement.earned_total), dollars(statement.bank_total)
        so_far = "" if statement.is_complete else " so far"
        self.say(f"  earned {earned}, paid out to the bank {to_bank}{so_far}")
        self.say(f"  closing balance {dollars(statement.closing)}")


def _write(statement: Statement, form: str, path: Path) -> None:
    _, written = FORMS[form]
    try:
        path.write_bytes(written(statement))
    except OSError as error:
        raise asked_wrongly(f"{path} can't be written: {error.strerror}.") from error
