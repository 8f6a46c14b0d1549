"""`manage.py verify_books`: prove that no cent was lost, duplicated or stranded."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from payments.gateway.errors import GatewayTrouble
from payments.ledger import books
from payments.management.progress import Progress
from payments.models import JournalEntry


class Command(BaseCommand):
    help = (
        "Check every invariant of the ledger; it only looks. Exits 1 and names each place where the books are wrong, "
        "2 if Stripe does not answer."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--stripe", action="store_true", help="Compare the balances with Stripe's as well.")
        parser.add_argument("--json", action="store_true", help="Answer with one JSON object.")

    def handle(self, *args: Any, stripe: bool, json: bool, **options: Any) -> None:
        try:
            found = books.findings(ask_stripe=stripe, tell=Progress(self).tell)
        except GatewayTrouble as trouble:
            raise CommandError(f"Stripe can't be asked: {trouble}", returncode=2) from trouble
        entries = JournalEntry.objects.count()
        if json:
            self.stdout.write(_as_json(found, entries))
        else:
            for finding in found:
                self.stdout.write(self.style.ERROR(str(finding)))
            if not found:
                compared = " and agree with Stripe" if stripe else ""
                self.stdout.write(self.style.SUCCESS(f"The books balance{compared}: {entries} entries."))
        if found:
            raise SystemExit(1)


def _as_json(found: list[books.Finding], entries: int) -> str:
    wrong = [{"invariant": one.invariant, "where": one.where, "off_by_cents": one.off_by} for one in found]
    return json.dumps({"entries": entries, "findings": wrong})
