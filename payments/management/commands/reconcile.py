"""`manage.py reconcile`: match the ledger with Stripe's balance transactions, both ways."""

import json
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from instainstru import clock
from payments.gateway.errors import GatewayTrouble
from payments.management.progress import Progress
from payments.management.subcommands import an_instant, asked_wrongly, in_utc
from payments.operations.reconcile import Report, reconcile, where_to_begin


class Command(BaseCommand):
    help = (
        "Match every posting on our Stripe balance with Stripe's balance transactions, to the cent. Each difference "
        "becomes a work item, and is closed by a later run once it matches. Exits 1 if any stand, 2 if Stripe does not "
        "answer. Safe to run at any time, beside everything else."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--since",
            type=an_instant,
            metavar="INSTANT",
            help="Such as 2026-11-05 or 2026-11-05T09:00, UTC. By default three days ago, or further back if the last "
            "run was longer ago or an older difference stands, 30 days at most.",
        )
        parser.add_argument("--dry-run", action="store_true", help="Tell the differences and keep nothing.")
        parser.add_argument("--json", action="store_true", help="Answer with one JSON object.")

    def handle(self, *args: Any, since: datetime | None, dry_run: bool, json: bool, **options: Any) -> None:
        now = clock.now()
        since = since or where_to_begin(now=now)
        if since > now:
            raise asked_wrongly(f"{in_utc(since)} is still to come.")
        try:
            report = reconcile(since=since, now=now, write=not dry_run, tell=Progress(self).tell)
        except GatewayTrouble as error:
            raise CommandError(f"Stripe can't be asked: {error}", returncode=2) from error
        if json:
            self.stdout.write(_as_json(report, since=since, now=now))
        else:
            self._say(report, now=now)
        if report.items:
            raise SystemExit(1)

    def _say(self, report: Report, *, now: datetime) -> None:
        for item in report.items:
            self.stdout.write(self.style.ERROR(f"{item}: off by {item.off_by}. {item.next_step}"))
            of_it = ", ".join(filter(None, [item.payment_reference, *item.stripe_objects]))
            self.stdout.write(f"  {of_it}; {in_utc(item.happened_at)}, {item.age_at(now).days} days ago")
        if report.settled:
            self.stdout.write(f"{report.settled} that differed before match now.")
        if not report.items:
            told = f"{report.entries} entries match {report.transactions} balance transactions."
            self.stdout.write(self.style.SUCCESS(told))


def _as_json(report: Report, *, since: datetime, now: datetime) -> str:
    wrong = [
        {
            "kind": item.kind,
            "name": item.name,
            "payment": item.payment_reference,
            "stripe_objects": item.stripe_objects,
            "currency": item.currency,
            "booked_cents": item.booked_cents,
            "moved_cents": item.moved_cents,
            "happened_at": item.happened_at.isoformat(),
            "found_at": item.found_at.isoformat(),
            "age_seconds": round(item.age_at(now).total_seconds()),
            "next_step": item.next_step,
        }
        for item in report.items
    ]
    return json.dumps(
        {
            "since": since.isoformat(),
            "entries": report.entries,
            "transactions": report.transactions,
            "settled": report.settled,
            "differences": wrong,
        }
    )
