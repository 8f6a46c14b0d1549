"""`manage.py backfill_events`: take in the events that Stripe has and we have missed."""

import json
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from instainstru import clock
from payments import operations
from payments.gateway.parties import GatewayRefused, GatewayUnavailable
from payments.management.progress import Progress
from payments.management.subcommands import an_instant
from payments.operations.backfill import Backfilled


class Command(BaseCommand):
    help = (
        "Ask Stripe for the events of our account and of every connected one, since where it was last complete, and "
        "take in those that we have missed. The clockwork applies them. Exits 2 if Stripe does not answer; what was "
        "taken in stays."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--since", type=an_instant, metavar="INSTANT", help="From here on instead, such as 2026-11-23T18:00:00Z."
        )
        parser.add_argument("--dry-run", action="store_true", help="Only tell what is missing.")
        parser.add_argument("--json", action="store_true", help="Answer with one JSON object.")

    def handle(self, *args: Any, since: datetime | None, dry_run: bool, json: bool, **options: Any) -> None:
        try:
            done = self._backfill(since=since, dry_run=dry_run)
        except (GatewayRefused, GatewayUnavailable) as trouble:
            raise CommandError(f"Stripe did not tell us: {trouble}", returncode=2) from trouble
        if json:
            self.stdout.write(_as_json(done, dry_run=dry_run))
            return
        verb = "is missing" if dry_run else "was missing and is taken in"
        for one in done:
            for event_id in one.missing:
                self.stdout.write(f"{event_id} {verb}{f' ({one.account_id})' if one.account_id else ''}.")
        looked_at, missing = sum(one.looked_at for one in done), sum(len(one.missing) for one in done)
        self.stdout.write(self.style.SUCCESS(f"{looked_at} events of {len(done)} accounts: {missing} missing."))

    def _backfill(self, *, since: datetime | None, dry_run: bool) -> list[Backfilled]:
        now, progress = clock.now(), Progress(self)
        account_ids = operations.accounts_to_backfill()

        def backfill(number: int, account_id: str) -> Backfilled:
            return operations.backfill_events(
                account_id=account_id,
                since=since,
                dry_run=dry_run,
                now=now,
                tell=lambda read: progress.tell(f"{number} of {len(account_ids)} accounts, {read} events"),
            )

        return [backfill(number, account_id) for number, account_id in enumerate(account_ids, start=1)]


def _as_json(done: list[Backfilled], *, dry_run: bool) -> str:
    accounts = [
        {
            "account": one.account_id or None,
            "since": one.since.isoformat(),
            "looked_at": one.looked_at,
            "missing": list(one.missing),
        }
        for one in done
    ]
    return json.dumps({"dry_run": dry_run, "accounts": accounts})
