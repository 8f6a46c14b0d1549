"""`manage.py stripe_webhook_endpoint`: let Stripe send us exactly the events that we read."""

import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.urls import reverse

from payments import operations
from payments.gateway.endpoints import Endpoint
from payments.gateway.errors import GatewayTrouble
from payments.management.subcommands import asked_wrongly
from payments.operations.endpoints import EndpointPlan, Work


class Command(BaseCommand):
    help = (
        "Set up the two webhook endpoints at Stripe, of our account and of the connected ones: exactly the types that "
        "are read, in the pinned API version. What is right already stays. Exits 2 if asked wrongly, or if Stripe says "
        "no or does not answer."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--url", help="Where Stripe is to send them; by default the webhook of SITE_URL.")
        parser.add_argument("--dry-run", action="store_true", help="Only tell what would be done.")
        parser.add_argument("--json", action="store_true", help="Answer with one JSON object.")

    def handle(self, *args: Any, url: str | None, dry_run: bool, json: bool, **options: Any) -> None:
        url = url or settings.SITE_URL + reverse("stripe-webhook")
        if not url.startswith("https://") and not settings.USES_SIMULATOR:
            raise asked_wrongly(f"Stripe sends events by https alone, not to {url}. Set SITE_URL, or say --url.")
        try:
            plan = operations.plan_endpoints(url=url)
            done = [] if dry_run else operations.set_up_endpoints(plan)
        except GatewayTrouble as trouble:
            raise CommandError(f"Stripe: {trouble}", returncode=2) from trouble
        if json:
            self.stdout.write(_as_json(plan, done, dry_run=dry_run))
        else:
            self._tell(plan, done, dry_run=dry_run)

    def _tell(self, plan: EndpointPlan, done: list[Endpoint], *, dry_run: bool) -> None:
        for number, wanted in enumerate(plan.wanted):
            at = done[number].id if done else wanted.existing.id if wanted.existing else "new"
            verb = ("would " if dry_run and wanted.work != Work.KEEP else "") + wanted.work
            self.stdout.write(f"{wanted.purpose}: {verb} ({at}), {len(wanted.types)} types, {wanted.url}")
        for stranger in plan.strangers:
            self.stdout.write(
                self.style.WARNING(f"{stranger.id} sends events to the same address and is not ours: delete it there.")
            )
        if secrets := [endpoint.secret for endpoint in done if endpoint.secret]:
            self.stdout.write(
                "Stripe tells these secrets once. Put them into STRIPE_WEBHOOK_SECRET, together with those of the "
                "endpoints that stay, with commas between:"
            )
            self.stdout.write(",".join(secrets))


def _as_json(plan: EndpointPlan, done: list[Endpoint], *, dry_run: bool) -> str:
    endpoints = [
        {
            "purpose": wanted.purpose,
            "work": wanted.work,
            "id": done[number].id if done else wanted.existing.id if wanted.existing else None,
            "url": wanted.url,
            "types": sorted(wanted.types),
            "secret": (done[number].secret if done else "") or None,
        }
        for number, wanted in enumerate(plan.wanted)
    ]
    strangers = [stranger.id for stranger in plan.strangers]
    return json.dumps({"dry_run": dry_run, "endpoints": endpoints, "strangers": strangers})
