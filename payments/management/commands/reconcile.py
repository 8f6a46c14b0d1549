"""`manage.py reconcile`: match the ledger with Stripe's balance transactions, both ways."""

import json
from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from instainstru import clock
from instainstru.money import dollars
from payments.gateway.parties import GatewayRefused, GatewayUnavailable
from payments.models import ReconciliationItem
from payments.operations.reconcile import reconcile

A_WHILE = timedelta(days=3)  # longer than a night without us


class Command(BaseCommand):
    help = (
        "Match every posting on our Stripe balance with Stripe's balance transactions, to the cent. Each difference "
        "becomes a work item. Exits 1 if there are any, 2 if Stripe does not answer. Safe to run at any time."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--since", type=_instant, help="An instant or a day, UTC; three days ago by default.")
        parser.add_argument("--dry-run", action="store_true", help="Tell the differences and keep nothing.")
        parser.add_argument("--json", action="store_true", help="Answer with one JSON object.")

    def handle(self, *args: Any, since: datetime | None, dry_run: bool, json: bool, **options: Any) -> None:
        now = clock.now()
        try:
            report = reconcile(
                since=since or now - A_WHILE,
                now=now,
                write=not dry_run,
                tell=lambda text: None if json else self.stderr.write(text),
            )
        except (GatewayRefused, GatewayUnavailable) as error:
            raise CommandError(f"Stripe can't be asked: {error}", returncode=2) from error
        if json:
            self.stdout.write(_as_json(report.entries, report.transactions, report.items, report.settled))
        else:
            for item in report.items:
                self.stdout.write(self.style.ERROR(f"{item}: off by {dollars(item.off_by_cents)}. {item.next_step}"))
            if not report.items:
                told = f"{report.entries} entries match {report.transactions} balance transactions."
                self.stdout.write(self.style.SUCCESS(told))
        if report.items:
            raise SystemExit(1)


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    return instant if instant.tzinfo else instant.replace(tzinfo=clock.now().tzinfo)


def _as_json(entries: int, transactions: int, items: tuple[ReconciliationItem, ...], settled: int) -> str:
    wrong = [
        {
            "kind": item.kind,
            "name": item.name,
            "stripe_objects": item.stripe_objects,
            "booked_cents": item.booked_cents,
            "moved_cents": item.moved_cents,
            "happened_at": item.happened_at.isoformat(),
            "next_step": item.next_step,
        }
        for item in items
    ]
    return json.dumps({"entries": entries, "transactions": transactions, "settled": settled, "differences": wrong})
