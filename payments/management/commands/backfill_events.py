"""`manage.py backfill_events`: take in the events that Stripe has and we have missed."""

import json
from datetime import datetime
from functools import partial
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from instainstru import clock
from payments import operations
from payments.gateway.errors import GatewayMisconfigured, GatewayRefused, GatewayUnavailable
from payments.management.progress import Progress
from payments.management.subcommands import an_instant
from payments.operations.backfill import Backfilled


class Command(BaseCommand):
    help = (
        "Ask Stripe for the events of our account and of every connected one, since where it was last complete, and "
        "take in those that we have missed. The clockwork applies them. Exits 2 if Stripe did not tell us of an "
        "account: the others are asked all the same."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--since", type=an_instant, metavar="INSTANT", help="From here on instead, such as 2026-11-23T18:00:00Z."
        )
        parser.add_argument("--dry-run", action="store_true", help="Only tell what is missing.")
        parser.add_argument("--json", action="store_true", help="Answer with one JSON object.")

    def handle(self, *args: Any, since: datetime | None, dry_run: bool, json: bool, **options: Any) -> None:
        now, progress = clock.now(), Progress(self)
        account_ids = operations.accounts_to_backfill()
        done: list[Backfilled] = []
        silent: dict[str, str] = {}
        for number, account_id in enumerate(account_ids, start=1):
            tell = partial(_tell_of_events, progress, f"{number} of {len(account_ids)} accounts")
            try:
                done.append(
                    operations.backfill_events(account_id=account_id, since=since, dry_run=dry_run, now=now, tell=tell)
                )
            except (GatewayRefused, GatewayUnavailable) as trouble:
                silent[account_id] = str(trouble)
            except GatewayMisconfigured as trouble:  # it would be the same for every other account
                raise CommandError(f"Stripe can't be asked: {trouble}", returncode=2) from trouble
        if json:
            self.stdout.write(_as_json(done, silent, dry_run=dry_run))
        else:
            self._say(done, silent, dry_run=dry_run)
        if silent:
            raise SystemExit(2)

    def _say(self, done: list[Backfilled], silent: dict[str, str], *, dry_run: bool) -> None:
        verb = "is missing" if dry_run else "was missing and is taken in"
        for one in done:
            for event_id in one.missing:
                self.stdout.write(f"{event_id} {verb}{f' ({one.account_id})' if one.account_id else ''}.")
        for account_id, trouble in silent.items():
            self.stdout.write(self.style.ERROR(f"{account_id or 'Our own account'}: not answered: {trouble}"))
        looked_at, missing = sum(one.looked_at for one in done), sum(len(one.missing) for one in done)
        unknown = f", {len(silent)} accounts not answered" if silent else ""
        style = self.style.ERROR if silent else self.style.SUCCESS
        self.stdout.write(style(f"{looked_at} events of {len(done)} accounts: {missing} missing{unknown}."))


def _tell_of_events(progress: Progress, place: str, read: int) -> None:
    progress.tell(f"{place}, {read} events")


def _as_json(done: list[Backfilled], silent: dict[str, str], *, dry_run: bool) -> str:
    accounts = [
        {
            "account": one.account_id or None,
            "since": one.since.isoformat(),
            "looked_at": one.looked_at,
            "missing": list(one.missing),
        }
        for one in done
    ]
    not_answered = [{"account": account_id or None, "said": trouble} for account_id, trouble in silent.items()]
    return json.dumps({"dry_run": dry_run, "accounts": accounts, "not_answered": not_answered})
