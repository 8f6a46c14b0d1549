"""`manage.py replay_events`: apply events of Stripe's once more."""

import json
import logging
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from instainstru import clock
from payments import operations
from payments.gateway.errors import GatewayMisconfigured
from payments.management.progress import Progress
from payments.management.subcommands import asked_wrongly
from payments.models import StripeEvent

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    help = (
        "Apply events of Stripe's once more, by their ids or all that were given up. Exits 1 if one is not applied, 2 "
        "if asked wrongly or if Stripe does not take our key."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("event_ids", nargs="*", metavar="evt_…", help="These events, as Stripe names them.")
        parser.add_argument("--given-up", action="store_true", help="All that were tried as often as is declared.")
        parser.add_argument("--dry-run", action="store_true", help="Only tell which would be applied.")
        parser.add_argument("--json", action="store_true", help="Answer with one JSON object.")

    def handle(
        self, *args: Any, event_ids: list[str], given_up: bool, dry_run: bool, json: bool, **options: Any
    ) -> None:
        if bool(event_ids) == given_up:
            raise asked_wrongly("Name events, or say --given-up.")
        if given_up:
            event_ids = list(StripeEvent.objects.given_up().order_by("id").values_list("event_id", flat=True))
        found = StripeEvent.objects.in_bulk(event_ids, field_name="event_id")
        if unknown := sorted(set(event_ids) - found.keys()):
            raise asked_wrongly(f"Not in the inbox: {', '.join(unknown)}")
        if dry_run:
            self._show([found[event_id] for event_id in event_ids], as_json=json)
            return
        progress, failures = Progress(self), {}
        for number, event_id in enumerate(event_ids, start=1):
            progress.tell(f"{number} of {len(event_ids)} events")
            failures[event_id] = _replay(found[event_id])
        if json:
            self.stdout.write(_as_json(failures))
        else:
            for event_id, failure in failures.items():
                self.stdout.write(f"{event_id}: {failure or 'applied'}")
        if any(failures.values()):
            raise SystemExit(1)

    def _show(self, events: list[StripeEvent], *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps({"dry_run": True, "would_apply": [event.event_id for event in events]}))
            return
        for event in events:
            self.stdout.write(f"{event.event_id}: {event.type} would be applied once more")


def _replay(event: StripeEvent) -> str:
    """Return why it came to nothing, or nothing. Raises CommandError if Stripe does not take our key."""
    operations.replay_event(event)
    event.refresh_from_db()
    try:
        operations.apply_event(event, now=clock.now())
    except GatewayMisconfigured as trouble:
        raise CommandError(f"Stripe can't be asked: {trouble}", returncode=2) from trouble
    except Exception:  # of our own making, and kept with the event: it keeps no other from being replayed
        logger.exception("Event %s is not applied.", event.event_id)
    event.refresh_from_db()
    return event.failure or ("" if event.applied_at else "It is being applied by another worker.")


def _as_json(failures: dict[str, str]) -> str:
    applied = [event_id for event_id, failure in failures.items() if not failure]
    failed = {event_id: failure for event_id, failure in failures.items() if failure}
    return json.dumps({"dry_run": False, "applied": applied, "failed": failed})
