"""`manage.py replay_events`: apply events of Stripe's once more."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from instainstru import clock
from payments import operations
from payments.models import StripeEvent


class Command(BaseCommand):
    help = "Apply events of Stripe's once more, by their ids or all that were given up. Exits 1 if one is not applied."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("event_ids", nargs="*", metavar="evt_…")
        parser.add_argument("--given-up", action="store_true", help="All that were tried as often as is declared.")
        parser.add_argument("--json", action="store_true", help="Answer with one JSON object.")

    def handle(self, *args: Any, event_ids: list[str], given_up: bool, json: bool, **options: Any) -> None:
        if bool(event_ids) == given_up:
            raise CommandError("Name events, or say --given-up.")
        if given_up:
            event_ids = list(StripeEvent.objects.given_up().order_by("id").values_list("event_id", flat=True))
        found = StripeEvent.objects.in_bulk(event_ids, field_name="event_id")
        if unknown := sorted(set(event_ids) - found.keys()):
            raise CommandError(f"Not in the inbox: {', '.join(unknown)}")
        failures = {event_id: _replay(found[event_id]) for event_id in event_ids}
        if json:
            self.stdout.write(_as_json(failures))
        else:
            for event_id, failure in failures.items():
                self.stdout.write(f"{event_id}: {failure or 'applied'}")
        if any(failures.values()):
            raise SystemExit(1)


def _replay(event: StripeEvent) -> str:
    """Return why it came to nothing, or nothing."""
    operations.replay_event(event)
    event.refresh_from_db()
    operations.apply_event(event, now=clock.now())
    event.refresh_from_db()
    return event.failure


def _as_json(failures: dict[str, str]) -> str:
    applied = [event_id for event_id, failure in failures.items() if not failure]
    failed = {event_id: failure for event_id, failure in failures.items() if failure}
    return json.dumps({"applied": applied, "failed": failed})
