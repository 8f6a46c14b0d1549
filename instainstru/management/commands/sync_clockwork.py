"""`manage.py sync_clockwork`: write the one table of what runs when into django-celery-beat's."""

from datetime import timedelta
from typing import Any

from celery.schedules import crontab, schedule
from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import transaction
from django_celery_beat.models import PeriodicTask
from django_celery_beat.schedulers import ModelEntry

TURNS_THAT_WAIT = 10  # of one sweep, in the queue
OURS = "Of settings.CLOCKWORK: `manage.py sync_clockwork` writes it anew, except whether it is enabled."


class Command(BaseCommand):
    help = (
        "Bring beat's tables in step with settings.CLOCKWORK: what is missing or differs is written, what is gone is "
        "removed. Entries that staff made stay, and so does what staff have switched off."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        with transaction.atomic():
            gone, _ = PeriodicTask.objects.filter(description=OURS).exclude(name__in=settings.CLOCKWORK).delete()
            for name, entry in settings.CLOCKWORK.items():
                _write(name, **entry)
        self.stdout.write(f"{len(settings.CLOCKWORK)} entries are in step; {gone} gone ones removed.")


def _write(name: str, *, task: str, every: timedelta | None = None, at: crontab | None = None) -> None:
    """Write one entry. A key that beat would not understand is a TypeError here, and not in beat at night."""
    if (every is None) == (at is None):
        raise TypeError(f"{name} runs either `every` so often or `at` some time.")
    # A night without workers would leave a thousand turns of each sweep; the last ones find what the others would.
    options = {"expire_seconds": int(every.total_seconds()) * TURNS_THAT_WAIT} if every else {}
    ModelEntry.from_entry(name, task=task, schedule=at or schedule(every), description=OURS, options=options)
