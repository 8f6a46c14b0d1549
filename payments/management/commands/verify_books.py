"""`manage.py verify_books`: prove that no cent was lost, duplicated or stranded."""

import json
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from instainstru import clock
from payments.gateway.parties import GatewayRefused, GatewayUnavailable
from payments.ledger import books
from payments.models import JournalEntry

PATIENCE = timedelta(seconds=2)  # until it tells how far it is


class Command(BaseCommand):
    help = (
        "Check every invariant of the ledger; it only looks. Exits 1 and names each place where the books are wrong, "
        "2 if Stripe does not answer."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--stripe", action="store_true", help="Compare the balances with Stripe's as well.")
        parser.add_argument("--json", action="store_true", help="Answer with one JSON object.")

    def handle(self, *args: Any, stripe: bool, json: bool, **options: Any) -> None:
        began_at = clock.wall()

        def tell(text: str) -> None:  # small books are proved in a moment
            if clock.wall() - began_at >= PATIENCE:
                self.stderr.write(text)

        try:
            found = books.findings(ask_stripe=stripe, tell=tell)
        except (GatewayRefused, GatewayUnavailable) as trouble:
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
