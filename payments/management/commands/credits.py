"""`manage.py credits liability`: what we owe students in credit, and what has expired."""

from __future__ import annotations

from datetime import UTC, date, datetime

from django.core.management.base import CommandParser
from django.db.models import Sum
from django.db.models.functions import TruncMonth

from credits.queries import liability
from instainstru import clock
from instainstru.money import dollars
from payments.management.subcommands import CommandOfSubcommands, Options, Subcommand, an_instant, asked_wrongly, in_utc
from payments.models import Posting
from payments.policy.accounts import Account


class LiabilityInCredit(Subcommand):
    name = "liability"
    help = "What we owe students in credit: by state, by the month of expiry, and the breakage booked so far."
    details = (
        "Reckoned from the students' wallets and compared with the control account of the ledger. Exits 0 if they "
        "agree, 1 if they do not (then `manage.py verify_books` says with whom), 2 if asked wrongly."
    )

    @classmethod
    def add_arguments(cls, parser: CommandParser) -> None:
        parser.add_argument(
            "--at", type=an_instant, metavar="INSTANT", help="As of then, such as 2026-11-30T23:59:59; now by default."
        )

    def handle(self, options: Options) -> int:
        now = clock.now()
        at = options["at"] or now
        if at > now:
            raise asked_wrongly(f"{in_utc(at)} is still to come.")
        months = liability(at=at)
        by_state = {
            "available": sum(each.available for each in months),
            "reserved": sum(each.reserved for each in months),
            "frozen": sum(each.frozen for each in months),
        }
        outstanding, booked, breakage = sum(by_state.values()), _control_account(at=at), _breakage_by_month(at=at)
        self.answer(
            {
                "at": at,
                "outstanding_cents": outstanding,
                "by_state_cents": by_state,
                "by_expiry": [
                    {
                        "month": f"{each.expires_in:%Y-%m}",
                        "available_cents": each.available,
                        "reserved_cents": each.reserved,
                        "frozen_cents": each.frozen,
                        "outstanding_cents": each.outstanding,
                    }
                    for each in months
                ],
                "breakage": [{"month": f"{month:%Y-%m}", "cents": cents} for month, cents in breakage.items()],
                "control_account_cents": booked,
                "off_by_cents": booked - outstanding,
            }
        )
        self.say(f"Outstanding {dollars(outstanding)} at {in_utc(at)}:")
        for state, cents in by_state.items():
            self.say(f"  {state:<10} {dollars(cents):>14}")
        for each in months:
            self.say(f"  expires in {each.expires_in:%Y-%m} {dollars(each.outstanding):>14}")
        for month, cents in breakage.items():
            self.say(f"  breakage booked in {month:%Y-%m} {dollars(cents):>14}")
        if booked == outstanding:
            self.say("The control account in the ledger says the same.", well=True)
            return 0
        self.say(f"The control account says {dollars(booked)}. Run `manage.py verify_books`.", well=False)
        return 1


def _control_account(*, at: datetime) -> int:
    postings = Posting.objects.filter(account=Account.CREDITS, entry__occurred_at__lte=at)
    return -postings.aggregate(sum=Sum("amount_cents", default=0))["sum"]


def _breakage_by_month(*, at: datetime) -> dict[date, int]:
    postings = Posting.objects.filter(account=Account.BREAKAGE, entry__occurred_at__lte=at)
    months = postings.annotate(month=TruncMonth("entry__occurred_at", tzinfo=UTC)).values("month").order_by("month")
    return {found["month"].date(): -found["sum"] for found in months.annotate(sum=Sum("amount_cents"))}


class Command(CommandOfSubcommands):
    help = "Reports on the credits of all students."
    subcommands = (LiabilityInCredit,)
